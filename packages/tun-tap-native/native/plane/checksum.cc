#include "checksum.h"

namespace pqtun {

// Compiled into each function of its target, so that no wide vector crosses a call: how one is passed depends on the target.
#define PQTUN_INLINE inline __attribute__((always_inline))

namespace {

/** One register of SSE2 or NEON, and one of AVX2. */
typedef uint32_t Lanes4 __attribute__((vector_size(16)));
typedef uint32_t Lanes8 __attribute__((vector_size(32)));
/** How many words of 16 bits may be added up in 32 bits, halved since two such sums are joined. */
constexpr size_t kMostSteps = size_t{1} << 15;

uint64_t load64(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/** The last 0 to 7 B, as the word that zeros would fill up. */
uint64_t loadRest(const uint8_t* bytes, size_t length) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, length);
  return word;
}

/** 2^16 is 1 in this arithmetic, so the halves of a word may be added as they are. */
uint64_t halves(uint64_t word) { return (word & 0xffffffff) + (word >> 32); }

struct NoCopy {
  PQTUN_INLINE void operator()(size_t, const void*, size_t) const {}
};

struct CopyTo {
  uint8_t* to;
  PQTUN_INLINE void operator()(size_t offset, const void* bytes, size_t length) const {
    std::memcpy(to + offset, bytes, length);
  }
};

/** The sum of all of `bytes`; `copy` sees each part of them on the way. */
template <class Lanes, class Copy>
PQTUN_INLINE uint64_t sumOfAll(const uint8_t* bytes, size_t length, const Copy& copy) {
  constexpr size_t kStep = sizeof(Lanes);
  uint64_t sum = 0;
  size_t at = 0;
  while (length - at >= kStep) {
    size_t steps = (length - at) / kStep;
    if (steps > kMostSteps) steps = kMostSteps;
    Lanes low = {};
    Lanes high = {};
    for (; steps > 0; --steps, at += kStep) {
      Lanes words;
      std::memcpy(&words, bytes + at, kStep);
      copy(at, &words, kStep);
      low += words & 0xffff;
      high += words >> 16;
    }
    low += high;
    for (size_t i = 0; i < kStep / sizeof(uint32_t); ++i) sum += low[i];
  }
  for (; length - at >= 8; at += 8) {
    const uint64_t word = load64(bytes + at);
    copy(at, &word, sizeof word);
    sum += halves(word);
  }
  copy(at, bytes + at, length - at);
  return sum + halves(loadRest(bytes + at, length - at));
}

using Sum = uint64_t (*)(const uint8_t* bytes, size_t length);
using CopySum = uint64_t (*)(uint8_t* to, const uint8_t* from, size_t length);

#if defined(__x86_64__)
__attribute__((target("avx2"))) uint64_t sumAvx2(const uint8_t* bytes, size_t length) {
  return sumOfAll<Lanes8>(bytes, length, NoCopy{});
}
__attribute__((target("avx2"))) uint64_t copyAvx2(uint8_t* to, const uint8_t* from, size_t length) {
  return sumOfAll<Lanes8>(from, length, CopyTo{to});
}
const bool kAvx2 = __builtin_cpu_supports("avx2") != 0;
const Sum kSum = kAvx2 ? sumAvx2 : sumBytesPlain;
const CopySum kCopySum = kAvx2 ? copyAvx2 : copyAndSumPlain;
#else
constexpr Sum kSum = sumBytesPlain;
constexpr CopySum kCopySum = copyAndSumPlain;
#endif

}  // namespace

uint64_t sumBytes(const uint8_t* bytes, size_t length) {
  // Headers: too short for the wide way to begin.
  if (length < sizeof(Lanes8)) return sumBytesPlain(bytes, length);
  return kSum(bytes, length);
}

uint64_t copyAndSum(uint8_t* to, const uint8_t* from, size_t length) { return kCopySum(to, from, length); }

uint64_t sumBytesPlain(const uint8_t* bytes, size_t length) { return sumOfAll<Lanes4>(bytes, length, NoCopy{}); }

uint64_t copyAndSumPlain(uint8_t* to, const uint8_t* from, size_t length) {
  return sumOfAll<Lanes4>(from, length, CopyTo{to});
}

}  // namespace pqtun
