#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "drop.h"
#include "plane_types.h"
#include "siphash.h"

namespace pqtun {

/** What waits for the engine, in the order in which it has its turn. */
enum class MessageLane : uint8_t {
  /** Initiations from confirmed endpoints of live sessions: a flood of strangers does not delay a rekey. */
  peerInitiation,
  /** Responses and cookie replies: we asked for them. */
  answer,
  /** Control payloads of sessions (protocol.md §3.5). */
  control,
  /** All else: initiations of strangers. */
  strangerInitiation,
};

constexpr size_t kMessageLanes = 4;

/** The lane of a datagram by its first byte, and whether it came from a confirmed endpoint of a live session. */
MessageLane laneOf(uint8_t type, bool fromLivePeer);

/** One message for the engine. */
struct Message {
  MessageLane lane;
  /** Whose; of control payloads only. */
  PeerId peer;
  Endpoint from;
  LocalAddress localAddress;
  /** The gate's verdict on an initiation: not `passed`, then `unchecked`. */
  bool passed;
  bool proven;
  uint32_t key;
  const uint8_t* bytes;
  uint32_t length;
};

/**
 * The bounded queue between plane and engine. The native form of tunnel's initiation-queue.ts and of the bounds of core's
 * plane/reports.ts: lanes first in, first out; so many messages and bytes a lane, so many initiations a source (an endpoint among
 * peers, a prefix among strangers), so that one address, forged or not, keeps nobody else out.
 *
 * Memory: 2.8 MiB at most, of which untouched is what never was needed. One thread at a time.
 */
class MessageQueue {
 public:
  /** As initiation-queue.ts and reports.ts have it; bytes as many as so many of their longest have, and of control two of any. */
  struct Room {
    uint32_t messages;
    /** 0: no bound but the lane's. */
    uint32_t perSource;
    uint32_t bytes;
  };
  static constexpr Room kRoom[kMessageLanes] = {
      {128, 16, 160 * 1024}, {1024, 0, 1280 * 1024}, {1024, 0, 512 * 1024}, {512, 64, 640 * 1024}};

  /** `key` is secret and random: sources are counted by keyed hashes of them. */
  explicit MessageQueue(const HashKey& key);
  ~MessageQueue();

  /** Copies the message; `queueFull` when there is no room for it, and `none`. Counting it is the caller's. */
  Drop push(const Message& message);

  /** Call when a turn of the engine begins: next() then gives at most so many of each lane. */
  void beginTurn(uint32_t mostOfLane);

  /** The next one of this turn; `false` when it has had its share, or none waits. Its bytes are good until the next call of any verb. */
  bool next(Message* message);

  bool empty() const;

 private:
  class Lane;

  uint64_t sourceOf(const Message& message) const;

  const HashKey key_;
  std::vector<Lane> lanes_;
};

}  // namespace pqtun
