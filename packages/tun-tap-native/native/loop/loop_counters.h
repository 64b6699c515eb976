#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "slab.h"

namespace tuntap {

/**
 * What a loop counts, in the order of loopCounterNames in src/data-plane.ts, which a test holds to this. Each is a 64-bit word in host
 * byte order in one block of memory that JavaScript sees as an ArrayBuffer, and reads without asking anybody.
 */
enum class LoopCounter : uint8_t {
  /** Turns of the loop that found something to do. */
  turns,
  /** Packets and super-frames read from the TUN, and their bytes without the virtio header. */
  tunFramesRead,
  tunBytesRead,
  /** Those of them that stood for several packets. */
  tunSuperFramesRead,
  tunFramesWritten,
  tunBytesWritten,
  tunSuperFramesWritten,
  /** The TUN had no room, or its interface was down. */
  tunFramesDropped,
  /** The kernel refused a frame for what it was. */
  tunFramesRefused,
  /** Reads of the sockets, and the datagrams in them: more than one a read where UDP_GRO had joined them. */
  udpReads,
  udpDatagramsReceived,
  udpBytesReceived,
  /** Transient errors met while receiving. */
  udpReceiveErrors,
  /** System calls that sent, and what they took. */
  udpSends,
  udpDatagramsSent,
  udpBytesSent,
  /** Sends of several datagrams as one (UDP_SEGMENT), and the datagrams in them. */
  udpTrainsSent,
  udpTrainDatagramsSent,
  /** Datagrams the kernel did not take: for want of room, and for other reasons. */
  udpDatagramsDropped,
  udpDatagramsFailed,
  /** Times it waited for room in a socket. */
  udpWaits,
  /** Times JavaScript was called. */
  wakeUps,
};
constexpr size_t kLoopCounters = static_cast<size_t>(LoopCounter::wakeUps) + 1;

/** Written by whoever holds the loop's lock, read by anybody. */
class LoopCounters {
 public:
  /** `nullptr` when there is no memory. */
  static std::unique_ptr<LoopCounters> create() {
    std::shared_ptr<Slab> slab = Slab::map(kLoopCounters * sizeof(uint64_t));
    if (!slab) return nullptr;
    return std::unique_ptr<LoopCounters>(new LoopCounters(std::move(slab)));
  }

  void add(LoopCounter counter, uint64_t amount = 1) {
    std::atomic<uint64_t>& word = words_[static_cast<size_t>(counter)];
    // One writer at a time: no locked instruction is needed.
    word.store(word.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  uint64_t read(LoopCounter counter) const { return words_[static_cast<size_t>(counter)].load(std::memory_order_relaxed); }
  const std::shared_ptr<Slab>& slab() const { return slab_; }

 private:
  static_assert(sizeof(std::atomic<uint64_t>) == sizeof(uint64_t), "read as plain words");

  explicit LoopCounters(std::shared_ptr<Slab> slab)
      : slab_(std::move(slab)), words_(reinterpret_cast<std::atomic<uint64_t>*>(slab_->data())) {}

  std::shared_ptr<Slab> slab_;
  /** In the slab, which is zeroed: as such a word is when it is new. */
  std::atomic<uint64_t>* words_;
};

}  // namespace tuntap
