#include "replay_window.h"

#include <algorithm>

namespace pqtun {

/**
 * Clears the blocks after `from` up to `to`; a jump over the whole ring clears each once, and so does the first of all, which
 * comes from "before 0" = 2^64 − 1. INVARIANT: between them the blocks of the ring reach at least 8192 − 64 behind the
 * highest, so no bit in reach is ever cleared.
 */
void ReplayWindow::clear(uint64_t from, uint64_t to) {
  // Differs from `to - from` for the first counter only, where everything is clear anyway.
  const uint64_t count = to > from ? std::min(to - from, kBlocks) : kBlocks;
  for (uint64_t i = 0; i < count; i++) ring_[(to - i) % kBlocks] = 0;
}

}  // namespace pqtun
