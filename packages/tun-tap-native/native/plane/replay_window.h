#pragma once

#include <cstdint>

namespace pqtun {

/**
 * Refuses counters it has seen. RFC 6479: a ring of blocks of bits, in which moving forward clears blocks instead of
 * shifting. The mirror of core's plane/replay-window.ts, there with 32-bit blocks; both are held to the same vectors.
 *
 * 1 KiB and 8 B, no allocation. One thread at a time.
 */
class ReplayWindow {
 public:
  /** Bits of the ring, and how far behind the highest counter one may come: the ring less one block. protocol.md §5.4. */
  static constexpr uint64_t kBits = 8192;
  static constexpr uint64_t kReach = 8128;

  /** One more than the largest counter marked so far; 0 before the first, so that counter 0 is the highest yet when it comes first. */
  uint64_t next() const { return next_; }

  /**
   * Whether `counter` is neither seen nor more than 8128 behind the highest. Changes nothing: ask it before or after the tag
   * is verified, but mark() only after. `false` for 2^64 − 1, which is above every limit of a session.
   */
  bool check(uint64_t counter) const {
    if (counter >= next_) return counter != UINT64_MAX;
    if (next_ - 1 - counter > kReach) return false;
    return (ring_[slotOf(counter)] & bitOf(counter)) == 0;
  }

  /** Remembers a counter that check() has just accepted and whose packet is authentic. protocol.md §5.4. */
  void mark(uint64_t counter) {
    if (counter >= next_) {
      const uint64_t highest = next_ - 1;  // Wraps to the block before the first; see clear().
      if (counter / kBlockBits != highest / kBlockBits) clear(highest / kBlockBits, counter / kBlockBits);
      next_ = counter + 1;
    }
    ring_[slotOf(counter)] |= bitOf(counter);
  }

  /** check() and, where it says yes, mark(). Only for an authentic packet. */
  bool accept(uint64_t counter) {
    if (!check(counter)) return false;
    mark(counter);
    return true;
  }

 private:
  static constexpr uint64_t kBlockBits = 64;
  static constexpr uint64_t kBlocks = kBits / kBlockBits;
  static_assert(kReach == kBits - kBlockBits, "blocks in reach are never cleared");

  static uint64_t slotOf(uint64_t counter) { return counter / kBlockBits % kBlocks; }
  static uint64_t bitOf(uint64_t counter) { return uint64_t{1} << counter % kBlockBits; }
  void clear(uint64_t from, uint64_t to);

  uint64_t ring_[kBlocks] = {};
  uint64_t next_ = 0;
};

}  // namespace pqtun
