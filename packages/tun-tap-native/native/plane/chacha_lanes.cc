// One source for both widths, in the vector types of GCC and Clang: the wide one is thereby tested where the narrow one runs.
#include "chacha_lanes.h"

#if defined(__x86_64__)

#include <cstring>

#if defined(__clang__)
#define PQTUN_SHUFFLE(Vector, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PQTUN_SHUFFLE(Vector, a, b, ...) __builtin_shuffle(a, b, Vector{__VA_ARGS__})
#endif
// Compiled into each function of its target, and by reference: the ABI for wide vectors depends on the target.
#define PQTUN_INLINE inline __attribute__((always_inline))

namespace pqtun {
namespace {

typedef uint32_t Lanes8 __attribute__((vector_size(32)));
typedef uint32_t Lanes16 __attribute__((vector_size(64)));

template <class Vector>
PQTUN_INLINE void rotate(Vector& value, int bits) {
  value = value << bits | value >> (32 - bits);
}

/** By whole bytes, for which 8 lanes have a shuffle of bytes and no rotation. */
PQTUN_INLINE void rotate16(Lanes8& value) {
  typedef uint16_t Halves __attribute__((vector_size(32)));
  Halves halves;
  std::memcpy(&halves, &value, sizeof halves);
  const Halves swapped = PQTUN_SHUFFLE(Halves, halves, halves, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
  std::memcpy(&value, &swapped, sizeof value);
}
PQTUN_INLINE void rotate8(Lanes8& value) {
  typedef uint8_t Bytes __attribute__((vector_size(32)));
  Bytes bytes;
  std::memcpy(&bytes, &value, sizeof bytes);
  const Bytes moved = PQTUN_SHUFFLE(Bytes, bytes, bytes, 3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14, 19, 16, 17,
                                    18, 23, 20, 21, 22, 27, 24, 25, 26, 31, 28, 29, 30);
  std::memcpy(&value, &moved, sizeof value);
}
PQTUN_INLINE void rotate16(Lanes16& value) { rotate(value, 16); }
PQTUN_INLINE void rotate8(Lanes16& value) { rotate(value, 8); }

template <class Vector>
PQTUN_INLINE void quarterRound(Vector& a, Vector& b, Vector& c, Vector& d) {
  a += b, d ^= a, rotate16(d);
  c += d, b ^= c, rotate(b, 12);
  a += b, d ^= a, rotate8(d);
  c += d, b ^= c, rotate(b, 7);
}

template <class Vector>
PQTUN_INLINE void xorInto(uint8_t* at, const Vector& block) {
  Vector text;
  std::memcpy(&text, at, sizeof text);
  text ^= block;
  std::memcpy(at, &text, sizeof text);
}

// --- Transposing: word i of all lanes is in row i, and what is wanted is all words of a lane --------------------------------

/** Of four rows, so that quarter (128 bits) k of result j has words 0 … 3 of lane 4k + j. Stays within quarters: cheap. */
PQTUN_INLINE void transposeQuarters(Lanes8* row) {
  const Lanes8 low01 = PQTUN_SHUFFLE(Lanes8, row[0], row[1], 0, 8, 1, 9, 4, 12, 5, 13);
  const Lanes8 high01 = PQTUN_SHUFFLE(Lanes8, row[0], row[1], 2, 10, 3, 11, 6, 14, 7, 15);
  const Lanes8 low23 = PQTUN_SHUFFLE(Lanes8, row[2], row[3], 0, 8, 1, 9, 4, 12, 5, 13);
  const Lanes8 high23 = PQTUN_SHUFFLE(Lanes8, row[2], row[3], 2, 10, 3, 11, 6, 14, 7, 15);
  row[0] = PQTUN_SHUFFLE(Lanes8, low01, low23, 0, 1, 8, 9, 4, 5, 12, 13);
  row[1] = PQTUN_SHUFFLE(Lanes8, low01, low23, 2, 3, 10, 11, 6, 7, 14, 15);
  row[2] = PQTUN_SHUFFLE(Lanes8, high01, high23, 0, 1, 8, 9, 4, 5, 12, 13);
  row[3] = PQTUN_SHUFFLE(Lanes8, high01, high23, 2, 3, 10, 11, 6, 7, 14, 15);
}
PQTUN_INLINE void transposeQuarters(Lanes16* row) {
  const Lanes16 low01 =
      PQTUN_SHUFFLE(Lanes16, row[0], row[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const Lanes16 high01 =
      PQTUN_SHUFFLE(Lanes16, row[0], row[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const Lanes16 low23 =
      PQTUN_SHUFFLE(Lanes16, row[2], row[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const Lanes16 high23 =
      PQTUN_SHUFFLE(Lanes16, row[2], row[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  row[0] = PQTUN_SHUFFLE(Lanes16, low01, low23, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  row[1] = PQTUN_SHUFFLE(Lanes16, low01, low23, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
  row[2] = PQTUN_SHUFFLE(Lanes16, high01, high23, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
  row[3] = PQTUN_SHUFFLE(Lanes16, high01, high23, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

/** Lane 4k + j is quarter k of rows j, 4 + j, 8 + j and 12 + j. */
PQTUN_INLINE void joinQuarters(const Lanes8* row, uint8_t* const* at) {
  for (int j = 0; j < 4; j++) {
    xorInto(at[j], PQTUN_SHUFFLE(Lanes8, row[j], row[4 + j], 0, 1, 2, 3, 8, 9, 10, 11));
    xorInto(at[j] + 32, PQTUN_SHUFFLE(Lanes8, row[8 + j], row[12 + j], 0, 1, 2, 3, 8, 9, 10, 11));
    xorInto(at[4 + j], PQTUN_SHUFFLE(Lanes8, row[j], row[4 + j], 4, 5, 6, 7, 12, 13, 14, 15));
    xorInto(at[4 + j] + 32, PQTUN_SHUFFLE(Lanes8, row[8 + j], row[12 + j], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}
PQTUN_INLINE void joinQuarters(const Lanes16* row, uint8_t* const* at) {
  for (int j = 0; j < 4; j++) {
    // Quarters 0 and 1, then 2 and 3, of two rows each; then the even and the odd ones of both.
    const Lanes16 left01 =
        PQTUN_SHUFFLE(Lanes16, row[j], row[4 + j], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    const Lanes16 right01 =
        PQTUN_SHUFFLE(Lanes16, row[8 + j], row[12 + j], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
    const Lanes16 left23 =
        PQTUN_SHUFFLE(Lanes16, row[j], row[4 + j], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    const Lanes16 right23 =
        PQTUN_SHUFFLE(Lanes16, row[8 + j], row[12 + j], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    xorInto(at[j], PQTUN_SHUFFLE(Lanes16, left01, right01, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
    xorInto(at[4 + j], PQTUN_SHUFFLE(Lanes16, left01, right01, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
    xorInto(at[8 + j], PQTUN_SHUFFLE(Lanes16, left23, right23, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
    xorInto(at[12 + j],
            PQTUN_SHUFFLE(Lanes16, left23, right23, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
  }
}

// --- The block function ---------------------------------------------------------------------------------------------------

/** What every lane begins with: constants, key, block number, 0 and counter. */
template <class Vector>
PQTUN_INLINE void writeStart(const uint32_t* key, const LaneInput& input, Vector* start) {
  static constexpr uint32_t kConstants[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 4; i++) start[i] = Vector{} + kConstants[i];
  for (int i = 0; i < 8; i++) start[4 + i] = Vector{} + key[i];
  std::memcpy(&start[12], input.block, sizeof(Vector));
  start[13] = Vector{};
  std::memcpy(&start[14], input.low, sizeof(Vector));
  std::memcpy(&start[15], input.high, sizeof(Vector));
}

template <class Vector>
PQTUN_INLINE void runLanes(const uint32_t* key, const LaneInput& input) {
  Vector start[16];
  writeStart(key, input, start);
  Vector row[16];
  for (int i = 0; i < 16; i++) row[i] = start[i];
  for (int round = 0; round < 20; round += 2) {
    quarterRound(row[0], row[4], row[8], row[12]);
    quarterRound(row[1], row[5], row[9], row[13]);
    quarterRound(row[2], row[6], row[10], row[14]);
    quarterRound(row[3], row[7], row[11], row[15]);
    quarterRound(row[0], row[5], row[10], row[15]);
    quarterRound(row[1], row[6], row[11], row[12]);
    quarterRound(row[2], row[7], row[8], row[13]);
    quarterRound(row[3], row[4], row[9], row[14]);
  }
  for (int i = 0; i < 16; i++) row[i] += start[i];
  for (int i = 0; i < 16; i += 4) transposeQuarters(row + i);
  joinQuarters(row, input.at);
}

// Measured (Zen 3, libcrypto 3.5.8): a block costs 25 ns here, 16 ns in a long text by libcrypto, 70 ns and more in a short one.
constexpr uint32_t kTooLongForEight = 320;

__attribute__((target("avx2"))) void runEight(const uint32_t* key, const LaneInput& input) {
  runLanes<Lanes8>(key, input);
}
__attribute__((target("avx512f,avx512bw"))) void runSixteen(const uint32_t* key, const LaneInput& input) {
  runLanes<Lanes16>(key, input);
}
__attribute__((target("avx2"))) void runSixteenInHalves(const uint32_t* key, const LaneInput& input) {
  runLanes<Lanes16>(key, input);
}

}  // namespace

ChaChaLanes findChaChaLanes() {
  // Asks the operating system, too, whether it keeps these registers.
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")) return {16, UINT32_MAX, runSixteen};
  if (__builtin_cpu_supports("avx2")) return {8, kTooLongForEight, runEight};
  return {0, 0, nullptr};
}

ChaChaLanes findWideLanesForTests() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2")) return {16, UINT32_MAX, runSixteenInHalves};
  return {0, 0, nullptr};
}

}  // namespace pqtun

#else

namespace pqtun {

// libcrypto's NEON and SVE code fills its lanes with the blocks of one record; four lanes of ours would not beat it.
ChaChaLanes findChaChaLanes() { return {0, 0, nullptr}; }
ChaChaLanes findWideLanesForTests() { return {0, 0, nullptr}; }

}  // namespace pqtun

#endif
