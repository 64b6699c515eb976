#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "keypairs.h"

namespace pqtun {

/** T6: how long an index erased by age is remembered, in milliseconds. */
constexpr double kErasedIndexMemory = 3'600'000;
/** Erased indices remembered at most; the oldest go first. At one an hour and profile each, that is 16,384 sessions an hour. */
constexpr size_t kMostErasedIndices = 16'384;

/**
 * Receiver index → keypair, which it owns, and for an hour the indices that were erased by age. protocol.md §5.3 T6. The mirror of
 * core's plane/session-table.ts.
 *
 * An open hash table with at least twice as many places as keypairs. We choose the indices at random, so strangers cannot make
 * them meet; the hash only spreads those of a test. Allocates in add() and erase().
 */
class SessionTable {
 public:
  SessionTable() : places_(kFewestPlaces) {}

  size_t size() const { return size_; }
  /** How many indices erased by age are remembered. */
  size_t agedSize() const { return aged_.size(); }
  /** Rises with every erase(): whoever holds a keypair asks whether it may be gone. */
  uint64_t erasures() const { return erasures_; }

  Keypair* find(SessionIndex index) const {
    const size_t mask = places_.size() - 1;
    for (size_t i = home(index);; i = (i + 1) & mask) {
      const Place& place = places_[i];
      if (place.keypair == nullptr || place.index == index) return place.keypair.get();
    }
  }

  /** INVARIANT of callers: its index is not known. */
  Keypair* add(std::unique_ptr<Keypair> keypair);
  /** Forgets one keypair and destroys its keys; one that has reached its age is remembered by its index. */
  void erase(Instant now, const Keypair* keypair);
  /** T6: whether this index was erased by age within the last hour, so that data on it is a sign of unequal profiles. */
  bool erasedByAge(Instant now, SessionIndex index) const;

 private:
  static constexpr size_t kFewestPlaces = 16;

  struct Place {
    SessionIndex index = 0;
    std::unique_ptr<Keypair> keypair;
  };
  using Erased = std::pair<SessionIndex, Instant>;

  size_t home(SessionIndex index) const {
    return static_cast<size_t>(index * 0x9e3779b97f4a7c15ULL >> 32) & (places_.size() - 1);
  }
  void insert(std::unique_ptr<Keypair> keypair);
  void remove(SessionIndex index);
  void resize(size_t places);
  void remember(Instant now, SessionIndex index);

  std::vector<Place> places_;
  size_t size_ = 0;
  uint64_t erasures_ = 0;
  /** When each was erased by age, in that order: `now` never goes back, so the oldest stand first. */
  std::list<Erased> order_;
  std::unordered_map<SessionIndex, std::list<Erased>::iterator> aged_;
};

}  // namespace pqtun
