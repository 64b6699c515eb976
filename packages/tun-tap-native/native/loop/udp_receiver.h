#pragma once

#include <cstdint>
#include <memory>

#include "../plane/plane_types.h"
#include "loop_counters.h"
#include "os_error.h"
#include "slab.h"

namespace tuntap {

/** What one read of a socket brought: a datagram, or several of one size. */
struct Received {
  pqtun::Endpoint from;
  pqtun::LocalAddress localAddress;
  uint8_t* bytes;
  uint32_t length;
  /** Of each datagram but the last, which may be shorter; 0: it is one. */
  uint32_t segmentSize;
  /** It was longer than the room for it. */
  bool truncated;
};

/**
 * Reads sockets into one block of memory, in which what is read lies one behind the other and stays until clear(): that the plane
 * decrypts it in place, and hands out frames made of it, at the end of a turn. Each read is offered room for the longest there can be;
 * small datagrams lie close together all the same.
 */
class UdpReceiver {
 public:
  /** Bytes that can be read before clear(): the share of one turn. Few enough to be in the cache still when frames are made of them. */
  static constexpr size_t kShare = 128 * 1024;

  /** `nullptr` when there is no memory. */
  static std::unique_ptr<UdpReceiver> create(LoopCounters* counters);

  /** Whether there is room for another read. */
  bool hasRoom() const { return used_ < kShare; }

  enum class Outcome : uint8_t { received, nothing, failed };
  /**
   * One read of `fd`. Transient errors that the socket had to tell are counted and passed over, so many as `clear()` has allowed anew.
   * `failed`: there is no use in reading again, `error()` says why.
   */
  Outcome receive(int fd, Received* received);

  /** Gives all memory back. Call at the beginning of a turn. */
  void clear();

  const OsError& error() const { return error_; }

 private:
  UdpReceiver(std::shared_ptr<Slab> slab, LoopCounters* counters) : slab_(std::move(slab)), counters_(counters) {}

  std::shared_ptr<Slab> slab_;
  LoopCounters* counters_;
  size_t used_ = 0;
  uint32_t errorsLeft_ = 0;
  OsError error_;
};

}  // namespace tuntap
