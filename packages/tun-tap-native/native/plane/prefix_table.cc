#include "prefix_table.h"

#include <utility>

namespace pqtun {

template <class Address>
void PrefixTable<Address>::insert(Address prefix, uint32_t bits, PeerSlot peer) {
  size_t at = place(prefix, bits);
  if (!entries_[at].taken) {
    if ((size_ + 1) * 4 > entries_.size()) {
      resize(entries_.size() * 2);
      at = place(prefix, bits);
    }
    size_++;
    count(prefix, bits, true);
  }
  entries_[at] = {prefix, peer, static_cast<uint8_t>(bits), true};
}

template <class Address>
void PrefixTable<Address>::remove(Address prefix, uint32_t bits, PeerSlot peer) {
  const size_t at = place(prefix, bits);
  if (!entries_[at].taken || entries_[at].peer != peer) return;
  erase(at);
  size_--;
  count(prefix, bits, false);
  if (entries_.size() > kFewestPlaces && size_ * 32 < entries_.size()) resize(entries_.size() / 4);
}

template <class Address>
void PrefixTable<Address>::removePeer(PeerSlot peer) {
  // Removing moves entries, so what is to go is listed first.
  std::vector<std::pair<Address, uint32_t>> owned;
  for (const Entry& entry : entries_) {
    if (entry.taken && entry.peer == peer) owned.emplace_back(entry.prefix, entry.bits);
  }
  for (const auto& [prefix, bits] : owned) remove(prefix, bits, peer);
}

/** Empties a place and moves up those behind it that it would cut off from their home. Knuth, vol. 3, 6.4, algorithm R. */
template <class Address>
void PrefixTable<Address>::erase(size_t hole) {
  const size_t mask = entries_.size() - 1;
  for (size_t i = (hole + 1) & mask; entries_[i].taken; i = (i + 1) & mask) {
    const size_t wanted = home(entries_[i].prefix, entries_[i].bits);
    if (((i - wanted) & mask) < ((i - hole) & mask)) continue;
    entries_[hole] = entries_[i];
    hole = i;
  }
  entries_[hole].taken = false;
}

template <class Address>
void PrefixTable<Address>::resize(size_t places) {
  std::vector<Entry> before(places < kFewestPlaces ? kFewestPlaces : places);
  before.swap(entries_);
  for (const Entry& entry : before) {
    if (entry.taken) entries_[place(entry.prefix, entry.bits)] = entry;
  }
}

/** Enters the length at every first byte that an address in the prefix can have. */
template <class Address>
void PrefixTable<Address>::count(Address prefix, uint32_t bits, bool more) {
  const size_t first = static_cast<size_t>(prefix >> (kBits - 8));
  const size_t covered = bits < 8 ? size_t{1} << (8 - bits) : 1;
  const uint64_t bit = uint64_t{1} << bits % 64;
  for (size_t i = first; i < first + covered; i++) {
    uint32_t& known = counts_[i].byLength[bits];
    known += more ? 1 : -1;
    uint64_t& word = lengths_[i].words[bits / 64];
    word = known > 0 ? word | bit : word & ~bit;
  }
}

template class PrefixTable<uint32_t>;
template class PrefixTable<Uint128>;

}  // namespace pqtun
