#pragma once

#include <cstddef>
#include <cstdint>

namespace pqtun {

/** One ChaCha20 block to compute: of any counter and nonce, under the key that all lanes of a run share. */
struct LaneInput {
  static constexpr size_t kMostLanes = 16;

  /** Word 12 of ChaCha20's state: the number of the block. */
  alignas(64) uint32_t block[kMostLanes];
  /** Words 14 and 15; word 13 is 0. Together the record's counter. protocol.md §3.4. */
  alignas(64) uint32_t low[kMostLanes];
  alignas(64) uint32_t high[kMostLanes];
  /** 64 B each, anywhere, which the block is XORed into. A place that is named twice holds rubbish afterwards. */
  uint8_t* at[kMostLanes];
};

/** So many ChaCha20 blocks side by side, one in each lane of the vector registers. RFC 8439 §2.3. */
struct ChaChaLanes {
  size_t lanes;
  /** Texts from this length on, in bytes, are better left to libcrypto, which fills its registers with them and has less to shuffle. */
  uint32_t tooLong;
  /** Reads the first `lanes` of each array. `key`: 8 words in host order. */
  void (*run)(const uint32_t* key, const LaneInput& input);
};

/** The widest for this processor and its operating system; `lanes` is 0 where there is none worth having. */
ChaChaLanes findChaChaLanes();

/** The code of 16 lanes on a processor that has registers for 8, so that tests can run it there; `lanes` 0 without those. */
ChaChaLanes findWideLanesForTests();

}  // namespace pqtun
