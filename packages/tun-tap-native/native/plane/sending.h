#pragma once

#include <cstdint>
#include <memory>

#include "gso_split.h"
#include "plane_state.h"
#include "virtio_header.h"

namespace pqtun {

/**
 * The way of a packet out:
 *  1. what the virtio header says, true length and destination, and whose that is
 *  2. does it fit the path; of a super-frame, does each of its packets
 *  3. is there a session to send under; if not, it is staged
 *  4. counter, padding, into the peer's train
 *  5. what the engine must hear: activity, and T1
 * protocol.md §3.4, §5.3. The mirror of core's plane/sending.ts.
 */
class Sending {
 public:
  explicit Sending(PlaneState* state);

  /** As DataPlane::handleTun(). */
  void handleTun(Instant now, uint8_t* frame, uint32_t length);

  /** Sends what is staged under `keypair`, oldest first. Returns how many packets left. */
  uint64_t flush(Instant now, Remote* remote, Keypair* keypair);
  /** N2: what is staged, else a keepalive, so that the responder learns at once that the session stands. */
  void confirmToResponder(Instant now, Remote* remote, Keypair* keypair);
  /** Sends a keepalive (empty payload) or control payload, which stays the caller's. It is not padded: its size is its meaning. */
  void sendOwn(Instant now, Remote* remote, Keypair* keypair, const uint8_t* payload, uint32_t length, const Endpoint& to,
               const LocalAddress& from);

 private:
  void handlePlain(Instant now, Remote* remote, uint8_t* packet, uint32_t length);
  /** All packets of the splitter, which has been started. */
  void handleSuperFrame(Instant now, Remote* remote);
  /** The session to send data under, with what is staged sent before: what came first leaves first. */
  Keypair* sessionFor(Instant now, Remote* remote);
  /** Room for `length` B of data and zeros behind as padding; the caller fills it. */
  uint8_t* addData(Instant now, Remote* remote, Keypair* keypair, uint32_t length);
  uint8_t* add(Instant now, Remote* remote, Keypair* keypair, uint32_t padded, const Endpoint& to, const LocalAddress& from);
  void stage(Remote* remote, const uint8_t* packet, uint32_t length);
  /** Tells the engine, and, if `answered`, the packet's sender by ICMP where a packet may be answered at all. */
  void tooBig(Remote* remote, const uint8_t* packet, uint32_t length, bool answered);

  PlaneState* const state_;
  GsoSplitter splitter_;
  /** A packet out of a super-frame that cannot go into a train at once. */
  std::unique_ptr<uint8_t[]> scratch_;
};

}  // namespace pqtun
