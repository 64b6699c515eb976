#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace pqtun {

/** A peer by its place in the plane's table. */
using PeerSlot = uint32_t;
constexpr PeerSlot kNoPeer = UINT32_MAX;

using Uint128 = unsigned __int128;

/** The address in network order at `from`, as a number: 4 B for uint32_t, 16 B for Uint128. */
template <class Address>
Address readAddress(const uint8_t* from);

template <>
inline uint32_t readAddress<uint32_t>(const uint8_t* from) {
  uint32_t word;
  std::memcpy(&word, from, sizeof word);
  return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? word : __builtin_bswap32(word);
}

template <>
inline Uint128 readAddress<Uint128>(const uint8_t* from) {
  uint64_t halves[2];
  std::memcpy(halves, from, sizeof halves);
  if (__BYTE_ORDER__ != __ORDER_BIG_ENDIAN__) {
    for (uint64_t& half : halves) half = __builtin_bswap64(half);
  }
  return Uint128{halves[0]} << 64 | halves[1];
}

/** The first `bits` bits of the address, zeros behind. */
template <class Address>
Address leading(Address address, uint32_t bits) {
  return bits == 0 ? 0 : address & static_cast<Address>(~Address{0} << (sizeof(Address) * 8 - bits));
}

/**
 * Prefix → peer for addresses of one size: one hash table of all prefixes, asked for each prefix length that exists, the
 * longest first. The first byte of an address says which lengths exist below it, so a usual configuration (every peer a /32 and
 * a /128, or one peer everything) is one probe, with two thousand peers as with one; a trie would be ten nodes deep. The worst
 * is a probe for each of 33 (129) lengths, independent of each other and of the number of prefixes.
 *
 * Memory: 4 to 32 entries of 12 (32) B for each prefix, at least 16 entries, and 35 (138) KiB of lengths. A table outlives its
 * peers: after removals it shrinks. Allocates in insert() and remove() alone. The places are many so that a prefix nearly always
 * stands where it is looked for first: a second look costs more than the memory, for no processor foresees it.
 */
template <class Address>
class PrefixTable {
 public:
  PrefixTable() : lengths_(kFirstBytes), entries_(kFewestPlaces) {}

  PeerSlot find(Address address) const {
    const uint64_t* words = lengths_[address >> (kBits - 8)].words;
    for (uint32_t word = kWords; word-- > 0;) {
      for (uint64_t present = words[word]; present != 0;) {
        const uint32_t bit = 63 - static_cast<uint32_t>(__builtin_clzll(present));
        const uint32_t bits = word * 64 + bit;
        const Entry& entry = entries_[place(leading(address, bits), bits)];
        if (entry.taken) return entry.peer;
        present ^= uint64_t{1} << bit;
      }
    }
    return kNoPeer;
  }

  /** Gives the prefix (host bits zero) to `peer`, away from whoever owned it. */
  void insert(Address prefix, uint32_t bits, PeerSlot peer);
  /** Takes it from `peer`, if it is the owner. */
  void remove(Address prefix, uint32_t bits, PeerSlot peer);
  void removePeer(PeerSlot peer);

  size_t size() const { return size_; }
  size_t memory() const {
    return entries_.size() * sizeof(Entry) + lengths_.size() * (sizeof(Lengths) + sizeof(Counts));
  }

 private:
  static constexpr uint32_t kBits = sizeof(Address) * 8;
  static constexpr uint32_t kWords = kBits / 64 + 1;
  static constexpr size_t kFirstBytes = 256;
  static constexpr size_t kFewestPlaces = 16;

  struct Entry {
    Address prefix;
    PeerSlot peer;
    uint8_t bits;
    bool taken;
  };
  /** A bit for each length that some prefix has which begins with this byte, or covers it. */
  struct Lengths {
    uint64_t words[kWords];
  };
  /** How many those prefixes are. */
  struct Counts {
    uint32_t byLength[kBits + 1];
  };

  /** Where the prefix is, or the empty place where it would go. Ends: at most a quarter of the places is taken. */
  size_t place(Address prefix, uint32_t bits) const {
    const size_t mask = entries_.size() - 1;
    for (size_t i = home(prefix, bits);; i = (i + 1) & mask) {
      const Entry& entry = entries_[i];
      if (!entry.taken || (entry.prefix == prefix && entry.bits == bits)) return i;
    }
  }

  /** Operators choose the prefixes, so the hash needs no secret; folding the whole product makes neighbours scatter. */
  size_t home(Address prefix, uint32_t bits) const {
    const Uint128 wide = prefix;
    const uint64_t high = static_cast<uint64_t>(wide >> 64) + bits;
    const Uint128 product =
        Uint128{high ^ 0x9e3779b97f4a7c15ULL} * (static_cast<uint64_t>(wide) * 0xff51afd7ed558ccdULL ^ 0xc2b2ae3d27d4eb4fULL);
    return static_cast<size_t>(static_cast<uint64_t>(product >> 64) ^ static_cast<uint64_t>(product)) &
           (entries_.size() - 1);
  }

  void erase(size_t hole);
  void resize(size_t places);
  void count(Address prefix, uint32_t bits, bool more);

  std::vector<Lengths> lengths_;
  std::vector<Counts> counts_ = std::vector<Counts>(kFirstBytes);
  std::vector<Entry> entries_;
  size_t size_ = 0;
};

extern template class PrefixTable<uint32_t>;
extern template class PrefixTable<Uint128>;

}  // namespace pqtun
