#include "session_table.h"

namespace pqtun {

Keypair* SessionTable::add(std::unique_ptr<Keypair> keypair) {
  Keypair* added = keypair.get();
  const auto aged = aged_.find(added->localIndex);
  if (aged != aged_.end()) {
    order_.erase(aged->second);
    aged_.erase(aged);
  }
  if ((size_ + 1) * 2 > places_.size()) resize(places_.size() * 2);
  insert(std::move(keypair));
  size_++;
  return added;
}

void SessionTable::erase(Instant now, const Keypair* keypair) {
  if (keypair->expired(now)) remember(now, keypair->localIndex);
  remove(keypair->localIndex);
  size_--;
  erasures_++;
  if (places_.size() > kFewestPlaces && size_ * 8 < places_.size()) resize(places_.size() / 2);
}

bool SessionTable::erasedByAge(Instant now, SessionIndex index) const {
  const auto found = aged_.find(index);
  return found != aged_.end() && now - found->second->second <= kErasedIndexMemory;
}

void SessionTable::insert(std::unique_ptr<Keypair> keypair) {
  const size_t mask = places_.size() - 1;
  size_t i = home(keypair->localIndex);
  while (places_[i].keypair != nullptr) i = (i + 1) & mask;
  places_[i].index = keypair->localIndex;
  places_[i].keypair = std::move(keypair);
}

/** Empties a place and moves up those behind it that it would cut off from their home. Knuth, vol. 3, 6.4, algorithm R. */
void SessionTable::remove(SessionIndex index) {
  const size_t mask = places_.size() - 1;
  size_t hole = home(index);
  while (places_[hole].keypair == nullptr || places_[hole].index != index) hole = (hole + 1) & mask;
  places_[hole].keypair.reset();
  for (size_t i = (hole + 1) & mask; places_[i].keypair != nullptr; i = (i + 1) & mask) {
    const size_t wanted = home(places_[i].index);
    if (((i - wanted) & mask) < ((i - hole) & mask)) continue;
    std::swap(places_[hole], places_[i]);
    hole = i;
  }
}

void SessionTable::resize(size_t places) {
  std::vector<Place> before(places);
  before.swap(places_);
  for (Place& place : before) {
    if (place.keypair != nullptr) insert(std::move(place.keypair));
  }
}

void SessionTable::remember(Instant now, SessionIndex index) {
  const auto known = aged_.find(index);
  if (known != aged_.end()) order_.erase(known->second);
  aged_[index] = order_.insert(order_.end(), {index, now});
  while (aged_.size() > kMostErasedIndices || now - order_.front().second > kErasedIndexMemory) {
    aged_.erase(order_.front().first);
    order_.pop_front();
  }
}

}  // namespace pqtun
