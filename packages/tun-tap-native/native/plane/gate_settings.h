#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "handshake_form.h"
#include "plane_types.h"

namespace pqtun {

constexpr size_t kMostGateKeys = 8;
constexpr size_t kGateKeySize = 32;

/** A mac1 key and the cookie key beside it. protocol.md §3.1, §3.3. */
struct GateKey {
  /** Names it in a verdict. */
  uint32_t id;
  uint8_t mac1[kGateKeySize];
  uint8_t cookie[kGateKeySize];
};

struct GateKeys {
  uint8_t count;
  GateKey keys[kMostGateKeys];
};

/** R and its neighbours. protocol.md §3.3. */
struct CookieSecrets {
  /** When `current` became R; `next` does 120 s later. */
  Instant since;
  bool hasPrevious;
  uint8_t previous[kGateKeySize];
  uint8_t current[kGateKeySize];
  uint8_t next[kGateKeySize];
};

/** What core's plane/plane.ts, GateSettings, says. Wipes its secrets when it goes. */
struct GateSettings {
  /** None: the suite is not served. */
  GateKeys suites[kSuites];
  GateKey classical;
  bool hasClassicalPeers;
  CookieSecrets secrets;
  Instant underLoadUntil;
  /** Sorted. */
  std::vector<SessionIndex> expectedIndices;

  GateSettings() = default;
  GateSettings(const GateSettings&) = delete;
  GateSettings& operator=(const GateSettings&) = delete;
  ~GateSettings() { wipe(); }

  /**
   * Takes them from bytes (the caller's), little-endian throughout, as src/gate-settings.ts writes them: `since` f64, `underLoadUntil`
   * f64, number of indices u32, and a byte each: has classical peers, has a previous R, keys of suite 1, keys of suite 2; previous,
   * current and next R; the classical key, the keys of suite 1, those of suite 2, each `id` u32 ‖ mac1 ‖ cookie; the indices u32.
   * `false` when they are ill-formed; the settings are then of no use.
   */
  bool read(const uint8_t* bytes, size_t length);

  bool expects(SessionIndex index) const;

 private:
  void wipe();
};

}  // namespace pqtun
