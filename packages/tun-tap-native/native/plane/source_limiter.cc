#include "source_limiter.h"

#include <cstring>
#include <limits>
#include <utility>

namespace pqtun {

SourcePrefix SourcePrefix::of(const uint8_t* ip, size_t length) {
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (length == 16 && std::memcmp(ip, kMapped, sizeof kMapped) == 0) {
    ip += sizeof kMapped;
    length = 4;
  }
  SourcePrefix prefix = {0, static_cast<uint8_t>(length == 4 ? 4 : 8)};
  std::memcpy(&prefix.bits, ip, prefix.size);
  return prefix;
}

Buckets::Buckets(Rate rate, WhenFull whenFull, const HashKey& key)
    : spacing_(1000 / rate.perSecond), tolerance_((rate.burst - 1) * spacing_), whenFull_(whenFull), key_(key) {}

bool Buckets::take(double now, const SourcePrefix& prefix) {
  const uint64_t hash = sipHash(key_, prefix.bits, prefix.size);
  Entry* young = young_.place(hash, prefix);
  Entry* old = old_.place(hash, prefix);
  const Entry* known = young_.holds(young) ? young : old_.holds(old) ? old : nullptr;
  const double fullAt = known != nullptr && known->fullAt > now ? known->fullAt : now;
  if (fullAt - now > tolerance_) return false;

  // Where to keep the bucket: with the young, where there is room for it.
  if (young_.size() < kBucketsPerGeneration || young_.holds(young)) {
    young_.put(young, prefix, fullAt + spacing_);
    return true;
  }
  if (whenFull_ == WhenFull::kForgetOld || old_.allFullAt() <= now) {
    std::swap(old_, young_);
    young_.empty();
    young_.put(young_.place(hash, prefix), prefix, fullAt + spacing_);
    return true;
  }
  if (!old_.holds(old)) return false;
  old_.put(old, prefix, fullAt + spacing_);
  return true;
}

Buckets::Generation::Generation()
    : entries_(std::make_unique<Entry[]>(kPlaces)), allFullAt_(-std::numeric_limits<double>::infinity()) {}

Buckets::Entry* Buckets::Generation::place(uint64_t hash, const SourcePrefix& prefix) const {
  // Ends: at most half of the places are taken.
  for (uint64_t i = hash % kPlaces;; i = (i + 1) % kPlaces) {
    Entry* entry = &entries_[i];
    if (!holds(entry) || SourcePrefix{entry->bits, entry->prefixSize} == prefix) return entry;
  }
}

void Buckets::Generation::put(Entry* place, const SourcePrefix& prefix, double fullAt) {
  if (!holds(place)) size_++;
  *place = {prefix.bits, fullAt, fill_, prefix.size};
  if (fullAt > allFullAt_) allFullAt_ = fullAt;
}

void Buckets::Generation::empty() {
  size_ = 0;
  allFullAt_ = -std::numeric_limits<double>::infinity();
  fill_++;
  if (fill_ != 0) return;
  // Entries of 2^32 fills ago would come back to life.
  for (uint64_t i = 0; i < kPlaces; i++) entries_[i].fill = 0;
  fill_ = 1;
}

}  // namespace pqtun
