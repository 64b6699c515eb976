#include "checksum.h"

namespace pqtun {

namespace {

/** Words of 8 B are added with the carries kept above them: an add and an add-with-carry for each. */
__extension__ using WideSum = unsigned __int128;

uint64_t loadWide(const uint8_t* bytes) {
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
uint64_t narrow(WideSum sum) {
  const auto low = static_cast<uint64_t>(sum);
  return (low & 0xffffffff) + (low >> 32) + static_cast<uint64_t>(sum >> 64);
}

}  // namespace

uint64_t sumBytes(const uint8_t* bytes, size_t length) {
  WideSum sum = 0;
  for (; length >= 32; bytes += 32, length -= 32) {
    sum += loadWide(bytes);
    sum += loadWide(bytes + 8);
    sum += loadWide(bytes + 16);
    sum += loadWide(bytes + 24);
  }
  for (; length >= 8; bytes += 8, length -= 8) sum += loadWide(bytes);
  return narrow(sum + loadRest(bytes, length));
}

uint64_t copyAndSum(uint8_t* to, const uint8_t* from, size_t length) {
  WideSum sum = 0;
  for (; length >= 32; to += 32, from += 32, length -= 32) {
    uint64_t words[4];
    std::memcpy(words, from, sizeof words);
    std::memcpy(to, words, sizeof words);
    sum += words[0];
    sum += words[1];
    sum += words[2];
    sum += words[3];
  }
  for (; length >= 8; to += 8, from += 8, length -= 8) {
    const uint64_t word = loadWide(from);
    std::memcpy(to, &word, sizeof word);
    sum += word;
  }
  std::memcpy(to, from, length);
  return narrow(sum + loadRest(from, length));
}

}  // namespace pqtun
