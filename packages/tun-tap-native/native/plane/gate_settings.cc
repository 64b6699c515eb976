#include "gate_settings.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "little_endian.h"

namespace pqtun {
namespace {

constexpr size_t kHeadSize = 24;
constexpr size_t kKeySizeInAll = 4 + 2 * kGateKeySize;
constexpr size_t kFixedSize = kHeadSize + 3 * kGateKeySize + kKeySizeInAll;

double readDouble(const uint8_t* from) {
  const uint64_t bits = readLe64(from);
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** What follows of the bytes; their number has been checked. */
class Reader {
 public:
  explicit Reader(const uint8_t* from) : from_(from) {}

  uint32_t word() {
    const uint32_t value = readLe32(from_);
    from_ += sizeof value;
    return value;
  }

  void secret(uint8_t* to) {
    std::memcpy(to, from_, kGateKeySize);
    from_ += kGateKeySize;
  }

  void key(GateKey* key) {
    key->id = word();
    secret(key->mac1);
    secret(key->cookie);
  }

 private:
  const uint8_t* from_;
};

}  // namespace

bool GateSettings::read(const uint8_t* bytes, size_t length) {
  if (length < kFixedSize) return false;
  const uint32_t indices = readLe32(bytes + 16);
  const uint8_t* flags = bytes + 20;
  const uint8_t* counts = bytes + 22;
  if (flags[0] > 1 || flags[1] > 1 || counts[0] > kMostGateKeys || counts[1] > kMostGateKeys) return false;
  const size_t keysSize = (size_t{counts[0]} + counts[1]) * kKeySizeInAll;
  if (length != kFixedSize + keysSize + size_t{indices} * sizeof(SessionIndex)) return false;
  secrets.since = readDouble(bytes);
  underLoadUntil = readDouble(bytes + 8);
  if (!std::isfinite(secrets.since) || std::isnan(underLoadUntil)) return false;

  hasClassicalPeers = flags[0] == 1;
  secrets.hasPrevious = flags[1] == 1;
  Reader rest(bytes + kHeadSize);
  rest.secret(secrets.previous);
  rest.secret(secrets.current);
  rest.secret(secrets.next);
  rest.key(&classical);
  for (size_t suite = 0; suite < kSuites; suite++) {
    suites[suite].count = counts[suite];
    for (uint8_t i = 0; i < counts[suite]; i++) rest.key(&suites[suite].keys[i]);
  }
  expectedIndices.resize(indices);
  for (SessionIndex& index : expectedIndices) index = rest.word();
  std::sort(expectedIndices.begin(), expectedIndices.end());
  return true;
}

bool GateSettings::expects(SessionIndex index) const {
  return std::binary_search(expectedIndices.begin(), expectedIndices.end(), index);
}

void GateSettings::wipe() {
  OPENSSL_cleanse(&secrets, sizeof secrets);
  OPENSSL_cleanse(suites, sizeof suites);
  OPENSSL_cleanse(&classical, sizeof classical);
}

}  // namespace pqtun
