#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aead.h"
#include "allowed_ips.h"
#include "plane_sink.h"
#include "plane_types.h"
#include "siphash.h"

namespace pqtun {

/** As core's limits.ts, SessionLimits: milliseconds and counters. Counters are held below 2^53, as the portable plane's. */
struct SessionLimits {
  double rekeyAfterTime;
  double rejectAfterTime;
  double rekeyOnReceiveAfter;
  uint64_t rekeyAfterMessages;
  uint64_t rejectAfterMessages;
};

enum class Role : uint8_t { initiator, responder };
enum class SessionKind : uint8_t { hybrid, classical };

/** One new keypair, as core's plane/plane.ts, SessionInstall. */
struct SessionInstall {
  PeerId peer;
  Role role;
  SessionIndex localIndex;
  SessionIndex remoteIndex;
  /** 32 B each; the caller's, which wipes them. */
  const uint8_t* sendKey;
  const uint8_t* receiveKey;
  /** TS of the initiation. */
  uint8_t timestamp[12];
  Instant bornAt;
  SessionLimits limits;
  SessionKind kind;
  bool winsCrossing;
};

/** What setPeer() is to change; the rest stays. */
struct PeerSettings {
  bool setsEndpoint;
  /** Not known: cleared. */
  Endpoint endpoint;
  bool setsLocalAddress;
  LocalAddress localAddress;
  /** Largest outer UDP payload known to pass, in bytes; 0: stays. */
  uint32_t pathMtu;
  bool setsKind;
  SessionKind kind;
};

struct PeerCounters {
  uint64_t bytesReceived;
  uint64_t bytesSent;
  uint64_t packetsReceived;
  uint64_t packetsSent;
};

struct PlaneOptions {
  /** Lives as long as the process. */
  const AeadEngine* aead;
  /** Tunnel MTU in bytes. */
  uint32_t mtu;
  /** Secret and random, for tables whose keys strangers choose. */
  HashKey hashKey;
  /** Lowers the MSS of forwarded TCP to what fits the MTU. */
  bool clampMss;
  /** What the TUN takes as super-frames. */
  bool coalesceTcp;
  bool coalesceUdp;
  /** Whether several records may leave as one train; off: every train has one. */
  bool trains;
};

class PlaneReports;
struct GateSettings;

/**
 * The data plane: the native twin of core's plane/portable-plane.ts, with the same names, order of checks and drop reasons. No
 * socket, no thread, no clock: packets come in by handleTun() and handleUdp(), leave by the sink, and `now` is told. For one
 * thread at a time: the shell holds one mutex for a turn, and verbs take it too.
 *
 * Batches: what handleTun() seals may wait in trains, and what handleUdp() opens may wait to be joined with what follows, until
 * flush(). A turn is: any number of handle calls, then flush(). Every verb that sends flushes by itself.
 */
class DataPlane {
 public:
  /** `sink` must outlive the plane. */
  DataPlane(const PlaneOptions& options, PlaneSink* sink);
  ~DataPlane();
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  /* packets */

  /**
   * One frame as read from the TUN: virtio header (10 B) and a packet or super-frame, `length` B in all. The caller's, may be
   * overwritten (MSS, checksum), and is done with when this returns.
   */
  void handleTun(Instant now, uint8_t* frame, uint32_t length);

  /**
   * What one recvmsg() brought: one datagram, or with `segmentSize` > 0 (UDP_GRO) several of that size, the last perhaps shorter;
   * `truncated`: MSG_TRUNC. Decrypted where it lies, so the memory must stay as it is until flush(). Of any type: what is no
   * transport goes to the gate and up.
   */
  void handleUdp(Instant now, const Endpoint& from, const LocalAddress& localAddress, uint8_t* bytes, uint32_t length,
                 uint32_t segmentSize, bool truncated);

  /** Ends a batch: sends all trains, writes all joined packets. */
  void flush(Instant now);

  /* the port: core's plane/plane.ts says what each does */

  void install(Instant now, const SessionInstall& session);
  void retire(Instant now, SessionIndex index);
  void wipeKeys(Instant now, PeerId peer);
  void removePeer(Instant now, PeerId peer);
  void setPeer(PeerId peer, const PeerSettings& settings);
  void resetTimestamp(PeerId peer);

  struct PeerRoute {
    RouteChange::Kind kind;
    PeerId peer;
    uint8_t size;
    uint8_t bits;
    uint8_t prefix[16];
  };
  /** `false`, and nothing done, when one is ill-formed. */
  bool setRoutes(const PeerRoute* changes, size_t count);

  /** `to` not known: the peer's endpoint. `payload` (the caller's) is empty or a whole control payload. */
  bool transmit(Instant now, PeerId peer, const uint8_t* payload, uint32_t length, const Endpoint& to, const LocalAddress& from);
  void flushStaged(Instant now, PeerId peer);
  void purgeStaged(PeerId peer);
  /** One handshake or cookie datagram, to the sink at once. */
  void sendDatagram(const Endpoint& to, const LocalAddress& from, const uint8_t* bytes, uint32_t length);
  /** What strangers must pass; before it is called, nothing. */
  void setGate(std::unique_ptr<const GateSettings> settings);
  PeerCounters peerCounters(PeerId peer) const;

  /** What has been gathered since the last take; see reports.h. */
  PlaneReports& reports();

  /* beside the port */

  void setMtu(uint32_t mtu);
  uint32_t mtu() const;
  /** What is allowed of PlaneOptions may change while it runs: the shell found an offload wanting, or good. */
  void allowCoalescing(bool tcp, bool udp);
  const AeadEngine& aead() const;

  /* for tests: the shell keeps trains, and sends them as a list where the kernel takes none */

  void allowTrains(bool allowed);

  /** Skips a session's send counter to `next`, forward only. */
  void advanceSendCounter(SessionIndex index, uint64_t next);
  /** All state that a packet could change, but keys and drop counters, as JSON; see fingerprint.h. */
  std::string fingerprint() const;
  /** Whose the source address of an inner packet is, by the routes; `false`: nobody's. */
  bool ownerOf(const uint8_t* packet, PeerId* peer) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pqtun
