#pragma once

#include <cstdint>

#include "aead.h"
#include "coalesce.h"
#include "gro_split.h"
#include "plane_state.h"

namespace pqtun {

class Sending;

/**
 * The way of a transport datagram in:
 *  1. well-formed; whose index; not past its age (T6); counter below the limit
 *  2. with those before and after it of the same session: the tag verifies, only then anything may change; in place
 *  3. on a `next`: may this packet confirm (C1), is it not too late (C5)
 *  4. replay window
 *  5. confirm (C5, N4), or roam (§5.4); T1
 *  6. keepalive, control payload for the engine (§3.5), or inner packet: true length, source, and to those it may be joined with
 *  7. after a confirm: what was staged (N3)
 *
 * The mirror of core's plane/receiving.ts, but for step 2: datagrams of one session that come one behind the other are opened by one
 * call. What is decided does not differ: each goes through steps 3 to 7 before the next, and where one of them erases the
 * session, the rest are dropped as they would have been had they come later.
 */
class Receiving {
 public:
  Receiving(PlaneState* state, Sending* sending);

  /** As DataPlane::handleUdp(). */
  void handleUdp(Instant now, const Endpoint& from, const LocalAddress& localAddress, uint8_t* bytes, uint32_t length,
                 uint32_t segmentSize, bool truncated);

  /** Opens and handles what waits for step 2: before anything else that order matters to. */
  void settle() {
    if (count_ > 0) openRun();
  }
  /** settle(), and writes what waits to be joined. Afterwards the memory of all datagrams is their owner's again. */
  void flush();

  void allowCoalescing(bool tcp, bool udp);
  /** Datagrams and packets waiting. */
  uint32_t waiting() const { return count_ + packetsWaiting_; }

 private:
  static constexpr uint32_t kMostWaiting = 64;
  static constexpr uint32_t kMostPackets = 1024;

  /** When and where from and to something came. */
  struct Arrival {
    Instant now;
    Endpoint from;
    LocalAddress localAddress;
  };

  Drop take(uint8_t* bytes, uint32_t length);
  Drop takeTransport(uint8_t* bytes, uint32_t length);
  /** Through the gate of §6, and up. */
  Drop handleOther(const uint8_t* bytes, uint32_t length);
  void append(uint8_t* bytes, uint32_t length, uint64_t counter);
  void openRun();
  Drop dropOfUnknown(Instant now, SessionIndex index) const;
  Drop handleAuthentic(const Arrival& arrival, Keypair* keypair, const Record& record);
  void confirm(const Arrival& arrival, Keypair* keypair);
  void move(Remote* remote, const Arrival& arrival);
  void watchAge(Instant now, Keypair* keypair);
  Drop deliver(const Arrival& arrival, const Keypair& keypair, uint8_t* payload, uint32_t length);
  Drop deliverControl(const Arrival& arrival, const Keypair& keypair, const uint8_t* payload, uint32_t length);
  void writePackets();

  PlaneState* const state_;
  Sending* const sending_;
  Coalescer coalescer_;
  bool coalesceTcp_ = true;
  bool coalesceUdp_ = true;
  bool allowanceChanged_ = false;
  uint32_t packetsWaiting_ = 0;

  /** What handleUdp() was told, and whether it stands in `arrivals_` already. */
  Arrival arrival_ = {};
  bool arrivalKept_ = false;

  /** The run: datagrams of one session that have passed step 1. */
  Keypair* keypair_ = nullptr;
  uint32_t count_ = 0;
  Record records_[kMostWaiting];
  uint8_t arrivalOf_[kMostWaiting];
  Arrival arrivals_[kMostWaiting];
  uint32_t arrivalCount_ = 0;
};

}  // namespace pqtun
