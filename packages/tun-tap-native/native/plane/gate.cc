#include "gate.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "big_endian.h"
#include "little_endian.h"

namespace pqtun {
namespace {

/** protocol.md §3.3, in milliseconds. */
constexpr double kSecretLifetime = 120'000;
constexpr double kSecretGrace = 5'000;

/* The cookie reply, §3.3. */
constexpr size_t kReceiverAt = 4;
constexpr size_t kNonceAt = 8;
constexpr size_t kSealedAt = kNonceAt + XChaChaSealer::kNonceSize;
static_assert(kSealedAt + 2 * kMacSize == kCookieReplySize, "a cookie and its tag");

constexpr GateDecision dropped(Drop reason) { return {GateDecision::Kind::dropped, reason, 0, false}; }
constexpr GateDecision kUnchecked = {GateDecision::Kind::unchecked, Drop::none, 0, false};

/** R at one moment, and the one before it while that still verifies. */
struct SecretsNow {
  const uint8_t* current;
  const uint8_t* previous;
};

/** `current` is nullptr when R has been replaced twice: only the engine knows it then. The arithmetic is that of core's CookieIssuer. */
SecretsNow secretsAt(Instant now, const CookieSecrets& secrets) {
  const double age = now - secrets.since;
  if (age < kSecretLifetime) {
    const bool grace = secrets.hasPrevious && age < kSecretGrace;
    return {secrets.current, grace ? secrets.previous : nullptr};
  }
  if (std::floor(age / kSecretLifetime) != 1) return {nullptr, nullptr};
  const bool grace = now - (secrets.since + kSecretLifetime) < kSecretGrace;
  return {secrets.next, grace ? secrets.current : nullptr};
}

bool isZero(const uint8_t* mac) {
  static constexpr uint8_t kNone[kMacSize] = {};
  return std::memcmp(mac, kNone, kMacSize) == 0;
}

}  // namespace

/** An initiation, or one fragment of it, well-formed. */
struct Gate::Initiation {
  const uint8_t* datagram;
  size_t length;
  const Endpoint& from;
  SessionIndex sender;
  /** Of the fragment: 0 alone draws a cookie reply. */
  uint8_t index;
  const GateKey* keys;
  uint8_t keyCount;

  const uint8_t* mac1() const { return datagram + length - kMacTrailerSize; }
  const uint8_t* mac2() const { return datagram + length - kMacSize; }
  /** How many bytes each of the two covers: all before it. */
  size_t mac1Covers() const { return length - kMacTrailerSize; }
  size_t mac2Covers() const { return length - kMacSize; }
};

std::unique_ptr<Gate> Gate::create(const HashKey& key) {
  auto mac = Blake2sMac::create();
  auto sealer = XChaChaSealer::create();
  if (mac == nullptr || sealer == nullptr) return nullptr;
  return std::unique_ptr<Gate>(new Gate(key, std::move(mac), std::move(sealer)));
}

Gate::Gate(const HashKey& key, std::unique_ptr<Blake2sMac> mac, std::unique_ptr<XChaChaSealer> sealer)
    : mac_(std::move(mac)), sealer_(std::move(sealer)), limiter_(key) {}

void Gate::set(std::unique_ptr<const GateSettings> settings) { settings_ = std::move(settings); }

GateDecision Gate::decide(Instant now, const Endpoint& from, const uint8_t* datagram, size_t length, uint8_t* reply) {
  if (settings_ == nullptr) return kUnchecked;
  HandshakeForm form;
  const Drop illFormed = readForm(datagram, length, &form);
  if (illFormed != Drop::none) return dropped(illFormed);
  Initiation initiation = {datagram, length, from, form.sender, form.index, &settings_->classical, 1};
  switch (form.type) {
    case MessageType::initiationFragment: {
      const GateKeys& keys = settings_->suites[form.suite - 1];
      if (keys.count == 0) return dropped(Drop::suiteDisabled);
      initiation.keys = keys.keys;
      initiation.keyCount = keys.count;
      return admit(now, initiation, reply);
    }
    case MessageType::classicalInitiation:
      if (settings_->hasClassicalPeers) return admit(now, initiation, reply);
      // Whoever gets mac1 right writes to us, and here nobody may in this way. No rate is spent on it, as in the engine.
      return dropped(verifyMac1(initiation) != nullptr ? Drop::downgradeRefused : Drop::classicalDisabled);
    case MessageType::responseFragment:
      return settings_->expects(form.receiver) ? kUnchecked : dropped(Drop::unexpectedResponse);
    case MessageType::classicalResponse:
      if (settings_->expects(form.receiver)) return kUnchecked;
      return dropped(settings_->hasClassicalPeers ? Drop::unexpectedResponse : Drop::classicalDisabled);
    case MessageType::cookieReply:
      return settings_->expects(form.receiver) ? kUnchecked : dropped(Drop::unexpectedCookie);
    case MessageType::transport:
      break;
  }
  return dropped(Drop::unknownType);
}

GateDecision Gate::admit(Instant now, const Initiation& initiation, uint8_t* reply) {
  const GateKey* key = verifyMac1(initiation);
  if (key == nullptr) return dropped(Drop::badMac1);
  if (secretsAt(now, settings_->secrets).current == nullptr) return kUnchecked;
  const bool proven = verifyMac2(now, initiation);
  const GateDecision passed = {GateDecision::Kind::passed, Drop::none, key->id, proven};
  const SourcePrefix source = SourcePrefix::of(initiation.from.ip, initiation.from.ipSize);
  if (proven) return limiter_.proven.take(now, source) ? passed : dropped(Drop::provenRateLimited);

  Drop reason = Drop::none;
  if (!limiter_.unproven.take(now, source)) reason = Drop::rateLimited;
  else if (now < settings_->underLoadUntil) reason = Drop::underLoad;
  if (reason == Drop::none) return passed;
  if (initiation.index != 0 || !writeCookieReply(now, initiation, *key, reply)) return dropped(reason);
  return {GateDecision::Kind::answered, reason, 0, false};
}

const GateKey* Gate::verifyMac1(const Initiation& initiation) {
  for (uint8_t i = 0; i < initiation.keyCount; i++) {
    const GateKey& key = initiation.keys[i];
    if (mac_->setKey(key.mac1, kGateKeySize) &&
        mac_->verify(initiation.datagram, initiation.mac1Covers(), initiation.mac1())) {
      return &key;
    }
  }
  return nullptr;
}

bool Gate::verifyMac2(Instant now, const Initiation& initiation) {
  if (isZero(initiation.mac2())) return false;
  const SecretsNow secrets = secretsAt(now, settings_->secrets);
  return verifiesCookieOf(secrets.current, initiation) ||
         (secrets.previous != nullptr && verifiesCookieOf(secrets.previous, initiation));
}

bool Gate::verifiesCookieOf(const uint8_t* secret, const Initiation& initiation) {
  uint8_t cookie[kMacSize];
  const bool verifies = cookieOf(secret, initiation.from, cookie) && mac_->setKey(cookie, kMacSize) &&
                        mac_->verify(initiation.datagram, initiation.mac2Covers(), initiation.mac2());
  OPENSSL_cleanse(cookie, sizeof cookie);
  return verifies;
}

bool Gate::writeCookieReply(Instant now, const Initiation& initiation, const GateKey& key, uint8_t* reply) {
  writeLe32(reply, static_cast<uint32_t>(MessageType::cookieReply));  // The type byte and three zeros.
  writeLe32(reply + kReceiverAt, initiation.sender);
  uint8_t* nonce = reply + kNonceAt;
  uint8_t cookie[kMacSize];
  const bool written = RAND_bytes(nonce, XChaChaSealer::kNonceSize) == 1 &&
                       cookieOf(secretsAt(now, settings_->secrets).current, initiation.from, cookie) &&
                       sealer_->seal(key.cookie, nonce, initiation.mac1(), kMacSize, cookie, kMacSize, reply + kSealedAt);
  OPENSSL_cleanse(cookie, sizeof cookie);
  return written;
}

/** MAC(R, ip ‖ BE16(port)). protocol.md §3.3. */
bool Gate::cookieOf(const uint8_t* secret, const Endpoint& from, uint8_t* cookie) {
  uint8_t place[sizeof from.ip + 2];
  std::memcpy(place, from.ip, from.ipSize);
  writeU16be(place + from.ipSize, from.port);
  return mac_->setKey(secret, kGateKeySize) && mac_->compute(place, from.ipSize + size_t{2}, cookie);
}

}  // namespace pqtun
