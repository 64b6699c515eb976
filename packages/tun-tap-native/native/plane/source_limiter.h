#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "siphash.h"

namespace pqtun {

/** What quotas count by: the /32 of an IPv4 source, the /64 of an IPv6 one. protocol.md §6. */
struct SourcePrefix {
  uint64_t bits;
  uint8_t size;

  /** `ip` is 4 or 16 B; an IPv4-mapped address counts as the IPv4 address in it. */
  static SourcePrefix of(const uint8_t* ip, size_t length);
  bool operator==(const SourcePrefix& other) const { return bits == other.bits && size == other.size; }
};

struct Rate {
  double perSecond;
  double burst;
};

/** protocol.md §6, fragments without and with a valid mac2. */
constexpr Rate kUnprovenRate = {20, 16};
constexpr Rate kProvenRate = {50, 32};

enum class WhenFull { kRefuseNew, kForgetOld };

/**
 * Token buckets, one a source prefix. The mirror of core's engine/source-limiter.ts, same arithmetic and same decisions: a bucket
 * is the time at which it will be full again ("virtual scheduling"), and the table has two generations, buckets used since the
 * last turn and those before. Read there why the older generation may go, and why a new prefix without mac2 is refused in a
 * full table, where one with mac2 is not.
 *
 * Memory: 786,432 B, allocated once. Time: a keyed hash and about one probe into each generation.
 */
class Buckets {
 public:
  static constexpr uint32_t kBucketsPerGeneration = 8192;

  /** `key` is secret and random, and copied. */
  Buckets(Rate rate, WhenFull whenFull, const HashKey& key);

  /** Takes one token of `prefix`; `false` when there is none. `now` is in milliseconds and does not go back. */
  bool take(double now, const SourcePrefix& prefix);

  size_t size() const { return young_.size() + old_.size(); }

 private:
  struct Entry {
    uint64_t bits;
    double fullAt;
    /** Of the generation's fill that the entry belongs to; another is an empty place. */
    uint32_t fill;
    uint8_t prefixSize;
  };
  static_assert(sizeof(Entry) == 24, "the memory above");

  /** Twice as many places as buckets, so that runs stay short. Emptied by beginning a new fill: no place is touched. */
  class Generation {
   public:
    Generation();
    /** The prefix's entry, or the empty place where it would go. */
    Entry* place(uint64_t hash, const SourcePrefix& prefix) const;
    bool holds(const Entry* entry) const { return entry->fill == fill_; }
    void put(Entry* place, const SourcePrefix& prefix, double fullAt);
    void empty();
    uint32_t size() const { return size_; }
    double allFullAt() const { return allFullAt_; }

   private:
    static constexpr uint64_t kPlaces = 2 * kBucketsPerGeneration;

    std::unique_ptr<Entry[]> entries_;
    uint32_t size_ = 0;
    uint32_t fill_ = 1;
    double allFullAt_;
  };

  const double spacing_;
  const double tolerance_;
  const WhenFull whenFull_;
  const HashKey key_;
  Generation young_;
  Generation old_;
};

/** Both kinds of source. protocol.md §6. */
struct SourceLimiter {
  explicit SourceLimiter(const HashKey& key)
      : unproven(kUnprovenRate, WhenFull::kRefuseNew, key), proven(kProvenRate, WhenFull::kForgetOld, key) {}

  Buckets unproven;
  Buckets proven;
};

}  // namespace pqtun
