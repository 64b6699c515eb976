#pragma once

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pqtun {

/*
 * The Internet checksum, RFC 1071. Sums are taken over 16-bit words as they lie in memory: by §2 (B) of the RFC the bytes of
 * the result are right on any machine, so nothing is swapped but numbers that a caller adds.
 *
 * A partial sum is a uint64_t that other sums may be added to; that of 4 GiB still leaves room for as many. Parts that are joined must all begin at an
 * even offset of what is summed.
 */

/** The partial sum of `length` B, the caller's; an odd last byte counts as if a zero followed. */
uint64_t sumBytes(const uint8_t* bytes, size_t length);

/** sumBytes() of `from`, copied to `to` on the way. Both of `length` B, both the caller's, and they must not overlap. */
uint64_t copyAndSum(uint8_t* to, const uint8_t* from, size_t length);

/* What the two do on processors that have nothing wider; named so that tests reach it on those that have. */
uint64_t sumBytesPlain(const uint8_t* bytes, size_t length);
uint64_t copyAndSumPlain(uint8_t* to, const uint8_t* from, size_t length);

/** A number as a summand: its two bytes in network order. */
inline uint64_t sumOf(uint16_t number) { return htons(number); }
/** A number as a summand: its four bytes in network order. */
inline uint64_t sumOf(uint32_t number) { return htonl(number); }

/** A partial sum as one word; as bytes in memory, not yet complemented. */
inline uint16_t foldSum(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

/** What stands in a checksum field: the complement of the folded sum, as bytes in memory. */
inline uint16_t checksumOf(uint64_t sum) { return static_cast<uint16_t>(~foldSum(sum)); }

/** The same for UDP, where zero means "no checksum" and is written as its other form. RFC 768. */
inline uint16_t nonzeroChecksumOf(uint64_t sum) {
  const uint16_t checksum = checksumOf(sum);
  return checksum == 0 ? 0xffff : checksum;
}

/** Whether a sum that covers its own checksum field is right. */
inline bool sumsToZero(uint64_t sum) { return foldSum(sum) == 0xffff; }

/** A word at an even or odd address, as bytes in memory. */
inline uint16_t loadWord(const uint8_t* bytes) {
  uint16_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
inline void storeWord(uint8_t* bytes, uint16_t word) { std::memcpy(bytes, &word, sizeof word); }

/**
 * The pseudo header that TCP, UDP and ICMPv6 sum besides themselves: `addresses` are source and destination, one behind the
 * other as in the header (8 B or 32 B); `length` is that of transport header and payload. RFC 9293 §3.1, RFC 8200 §8.1.
 */
inline uint64_t pseudoHeaderSum(const uint8_t* addresses, size_t addressesLength, uint8_t protocol, uint32_t length) {
  return sumBytes(addresses, addressesLength) + sumOf(uint16_t{protocol}) + sumOf(length);
}

/**
 * A checksum after one word of what it covers has changed; all three as bytes in memory. `odd`: the word begins at an odd
 * offset of what is summed. RFC 1624 equation 3, which unlike RFC 1141 never turns a right checksum into a wrong zero.
 */
inline uint16_t updatedChecksum(uint16_t checksum, uint16_t before, uint16_t after, bool odd) {
  const uint16_t left = odd ? __builtin_bswap16(before) : before;
  const uint16_t right = odd ? __builtin_bswap16(after) : after;
  return checksumOf(uint64_t{static_cast<uint16_t>(~checksum)} + static_cast<uint16_t>(~left) + right);
}

}  // namespace pqtun
