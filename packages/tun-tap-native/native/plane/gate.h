#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "blake2s_mac.h"
#include "drop.h"
#include "gate_settings.h"
#include "handshake_form.h"
#include "plane_types.h"
#include "siphash.h"
#include "source_limiter.h"
#include "xchacha.h"

namespace pqtun {

struct GateDecision {
  enum class Kind : uint8_t {
    /** It dies here, for `reason`. */
    dropped,
    /** It dies here, for `reason`, and its source is to be sent the cookie reply that was written. */
    answered,
    /** To the engine, which checks all of it. */
    unchecked,
    /** To the engine, an initiation: verified by `key`, rate charged. */
    passed,
  };

  Kind kind;
  /** `none` of what goes to the engine. */
  Drop reason;
  /** Only of `passed`: which key was right (GateKey::id), and whether mac2 was. */
  uint32_t key;
  bool proven;
};

/**
 * What a handshake datagram must pass before the engine sees it: protocol.md §6 but for the reassembly slots, natively. The twin of
 * core's engine/gate.ts, with the same order of checks and the same reasons:
 *
 *  1. form (§3, §3.1); suite served; responses and cookie replies: expected
 *  2. initiations: mac1 under any of the keys, in constant time each
 *  3. mac2: proven or not
 *  4. the source's rate, proven or unproven
 *  5. load
 *  6. who is refused without proof gets a cookie reply to fragment 0
 *
 * No socket, no thread, no clock. One thread at a time; nothing is allocated but by settings.
 */
class Gate {
 public:
  /** `key` is secret and random, for the table of sources. `nullptr` where libcrypto lacks what it takes: leave all to the engine. */
  static std::unique_ptr<Gate> create(const HashKey& key);

  /** Until the first settings everything is `unchecked`. What sources have used up of their rates stays. */
  void set(std::unique_ptr<const GateSettings> settings);

  /**
   * One datagram, `length` B, that is no transport message; the caller's, not changed. `now` does not go back. `reply` is
   * kCookieReplySize B of the caller's, written only where the outcome is `answered`.
   */
  GateDecision decide(Instant now, const Endpoint& from, const uint8_t* datagram, size_t length, uint8_t* reply);

 private:
  struct Initiation;

  Gate(const HashKey& key, std::unique_ptr<Blake2sMac> mac, std::unique_ptr<XChaChaSealer> sealer);

  GateDecision admit(Instant now, const Initiation& initiation, uint8_t* reply);
  const GateKey* verifyMac1(const Initiation& initiation);
  bool verifyMac2(Instant now, const Initiation& initiation);
  bool verifiesCookieOf(const uint8_t* secret, const Initiation& initiation);
  bool writeCookieReply(Instant now, const Initiation& initiation, const GateKey& key, uint8_t* reply);
  bool cookieOf(const uint8_t* secret, const Endpoint& from, uint8_t* cookie);

  std::unique_ptr<const GateSettings> settings_;
  std::unique_ptr<Blake2sMac> mac_;
  std::unique_ptr<XChaChaSealer> sealer_;
  SourceLimiter limiter_;
};

}  // namespace pqtun
