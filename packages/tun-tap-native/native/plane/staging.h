#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace pqtun {

constexpr uint64_t kStagedBytesPerPeer = 256 * 1024;
constexpr uint64_t kStagedBytesInAll = 16 * 1024 * 1024;
/** A small packet is charged as this many bytes, about what it occupies: else 20 B packets would take twelve times the bound. */
constexpr uint64_t kLeastStagedCharge = 256;

/** What all queues of one plane share. */
struct StagingBudget {
  uint64_t bytes = 0;
};

/** An inner packet that waits: `length` B behind these members. */
struct StagedPacket {
  struct Free {
    void operator()(StagedPacket* packet) const { std::free(packet); }
  };

  uint8_t* bytes() { return reinterpret_cast<uint8_t*>(this + 1); }

  StagedPacket* next;
  uint32_t length;
};

/**
 * Inner packets waiting for a session: first in, first out for each peer, bounded in bytes for each and for all together. The mirror
 * of core's plane/staging.ts. One allocation a packet.
 */
class StagedQueue {
 public:
  explicit StagedQueue(StagingBudget* budget) : budget_(budget) {}
  ~StagedQueue() { clear(); }
  StagedQueue(const StagedQueue&) = delete;
  StagedQueue& operator=(const StagedQueue&) = delete;

  /** Packets waiting. */
  uint64_t size() const { return size_; }
  /** Bytes charged. */
  uint64_t bytes() const { return bytes_; }

  /**
   * Copies `packet` (`length` B, the caller's) and puts it last. Returns how many packets were lost for it. Over the peer's bound its
   * oldest give way. Over the bound of all, too, the oldest of this peer, never another's: no peer can push out what others have
   * waiting; where emptying this queue would not make room, the new packet alone is lost.
   */
  uint32_t push(const uint8_t* packet, uint32_t length);

  /** Length of the oldest packet. INVARIANT of callers: one waits. */
  uint32_t firstLength() const { return first_->length; }
  /** The oldest packet, now the caller's; `nullptr` when none waits. */
  std::unique_ptr<StagedPacket, StagedPacket::Free> shift();
  void clear();

 private:
  StagingBudget* const budget_;
  StagedPacket* first_ = nullptr;
  StagedPacket* last_ = nullptr;
  uint64_t size_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace pqtun
