#pragma once

#include <cstdint>
#include <initializer_list>

namespace pqtun {

/** A key of 128 secret random bits for a table whose entries strangers choose. */
struct HashKey {
  uint64_t first;
  uint64_t second;
};

/**
 * SipHash-2-4 of the two words: without the key nobody can tell which entries meet in a table, so nobody can make them meet.
 * As the reference computes it for the 16 B of both words in little-endian order. Aumasson and Bernstein, 2012.
 */
inline uint64_t sipHash(const HashKey& key, uint64_t a, uint64_t b) {
  uint64_t v0 = key.first ^ 0x736f6d6570736575ULL;
  uint64_t v1 = key.second ^ 0x646f72616e646f6dULL;
  uint64_t v2 = key.first ^ 0x6c7967656e657261ULL;
  uint64_t v3 = key.second ^ 0x7465646279746573ULL;
  const auto rotate = [](uint64_t value, int bits) { return value << bits | value >> (64 - bits); };
  const auto rounds = [&](int count) {
    for (int i = 0; i < count; i++) {
      v0 += v1, v1 = rotate(v1, 13) ^ v0, v0 = rotate(v0, 32);
      v2 += v3, v3 = rotate(v3, 16) ^ v2;
      v0 += v3, v3 = rotate(v3, 21) ^ v0;
      v2 += v1, v1 = rotate(v1, 17) ^ v2, v2 = rotate(v2, 32);
    }
  };
  for (const uint64_t word : {a, b, uint64_t{16} << 56}) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xff;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace pqtun
