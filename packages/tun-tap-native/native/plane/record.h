#pragma once

#include <algorithm>
#include <cstdint>

#include "data_plane.h"

namespace pqtun {

/* One transport message: padding and the send counter. The mirror of core's plane/record.ts. protocol.md §3.4. */

constexpr uint32_t kTransportHeaderSize = 16;
/** Header and tag: the length of a keepalive. */
constexpr uint32_t kTransportOverhead = 32;
constexpr uint32_t kPaddingUnit = 16;
constexpr uint8_t kTransportType = 4;

/** Counters above are none for JavaScript, so no session has them here either: one behaviour, whatever the plane. §5.3. */
constexpr uint64_t kLargestCounter = (uint64_t{1} << 53) - 1;
constexpr uint64_t kMostRekeyAfterMessages = uint64_t{1} << 52;
constexpr uint64_t kMostRejectAfterMessages = (uint64_t{1} << 53) - (uint64_t{1} << 13) - 1;

inline SessionLimits boundedLimits(SessionLimits limits) {
  limits.rekeyAfterMessages = std::min(limits.rekeyAfterMessages, kMostRekeyAfterMessages);
  limits.rejectAfterMessages = std::min(limits.rejectAfterMessages, kMostRejectAfterMessages);
  return limits;
}

/** What the next send under a session may do: go, go and ask for a rekey, or not go. */
enum class SendAction : uint8_t { ok, rekey, refuse };

/**
 * The nonces of one sending key. INVARIANT: no value is given out twice; it only ever rises, and it rises before anything is
 * sealed with it, so that no failure in between can lead to a second use.
 */
class SendCounter {
 public:
  explicit SendCounter(const SessionLimits& limits)
      : rekeyAfter_(limits.rekeyAfterMessages), rejectAfter_(limits.rejectAfterMessages) {}

  /** The counter that take() would give. */
  uint64_t next() const { return next_; }

  /** Asked before each send. */
  SendAction action() const {
    if (next_ >= rejectAfter_) return SendAction::refuse;
    return next_ >= rekeyAfter_ ? SendAction::rekey : SendAction::ok;
  }

  /** INVARIANT of callers: action() was not `refuse`. */
  uint64_t take() { return next_++; }

  /** Skips to `next`, forward only. Tests reach the limits with it. */
  void advanceTo(uint64_t next) { next_ = std::max(next_, next); }

 private:
  uint64_t next_ = 0;
  uint64_t rekeyAfter_;
  uint64_t rejectAfter_;
};

/**
 * Length of a payload of `length` B after padding: the next multiple of 16, but padding goes beyond neither the tunnel MTU nor
 * `largest`, the most the path takes. A payload that is longer by itself is not cut; it only stays unpadded.
 */
inline uint32_t paddedLength(uint32_t length, uint32_t mtu, uint32_t largest) {
  const uint32_t padded = (length + kPaddingUnit - 1) / kPaddingUnit * kPaddingUnit;
  return std::min(padded, std::max(length, std::min(mtu, largest)));
}

}  // namespace pqtun
