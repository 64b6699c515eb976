// The engine on the two primitives that libcrypto makes EVP's out of, hand-written assembly for this processor included.
// EVP's fixed cost of 350–400 ns a record falls away, which is most of the cost of a small packet.
//
// A record: the first key stream block (counter 0) is the Poly1305 key, the text is XORed with those from counter 1 on, and
// the tag is over ciphertext ‖ zeros to a multiple of 16 ‖ LE64(0) ‖ LE64(length). RFC 8439 §2.8.
#include <openssl/crypto.h>

#include <cstring>

#include "aead.h"
#include "aead_raw_primitives.h"
#include "little_endian.h"

namespace pqtun {
namespace {

class RawCipher final : public RecordCipher {
 public:
  RawCipher(const RawPrimitives& primitives, const uint8_t* key) : raw_(primitives) {
    for (int i = 0; i < 8; i++) key_[i] = readLe32(key + 4 * i);
  }
  ~RawCipher() override {
    OPENSSL_cleanse(key_, sizeof key_);
    forget();
  }

  size_t seal(Record* records, size_t count) override {
    for (size_t i = 0; i < count; i++) {
      Record& record = records[i];
      start(record);
      crypt(record);
      writeRecordTag(raw_, poly_, block_, record.text, record.length, record.text + record.length);
      repeatWhereSlowed(record);
      record.ok = true;
    }
    forget();
    return count;
  }

  /** The tag comes first: what does not verify is not decrypted. */
  size_t open(Record* records, size_t count) override {
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
      Record& record = records[i];
      start(record);
      uint8_t tag[kTagSize];
      writeRecordTag(raw_, poly_, block_, record.text, record.length, tag);
      record.ok = CRYPTO_memcmp(tag, record.text + record.length, kTagSize) == 0;
      if (!record.ok) continue;
      crypt(record);
      repeatWhereSlowed(record);
      good++;
    }
    forget();
    return good;
  }

 private:
  /** The same once more and back again, where it was asked for: the text twice through the cipher, the tag once. */
  void repeatWhereSlowed(const Record& record) {
#ifdef PQTUN_SLOW_AEAD
    uint8_t tag[kTagSize];
    start(record);
    crypt(record);
    start(record);
    writeRecordTag(raw_, poly_, block_, record.text, record.length, tag);
    crypt(record);
#else
    (void)record;
#endif
  }

  /** Sets counter and nonce, and makes the one-time key of the tag. */
  void start(const Record& record) {
    counter_[0] = 0;
    counter_[1] = 0;
    counter_[2] = static_cast<uint32_t>(record.counter);
    counter_[3] = static_cast<uint32_t>(record.counter >> 32);
    std::memset(block_, 0, sizeof block_);
    raw_.chacha20(block_, block_, sizeof block_, key_, counter_);
  }

  void crypt(const Record& record) {
    counter_[0] = 1;
    // Some of the assembly versions do not expect an empty text.
    if (record.length > 0) raw_.chacha20(record.text, record.text, record.length, key_, counter_);
  }

  /** What one batch leaves behind: one-time keys, good for forging the record they were made for. */
  void forget() {
    OPENSSL_cleanse(block_, sizeof block_);
    OPENSSL_cleanse(poly_, sizeof poly_);
  }

  const RawPrimitives raw_;
  uint32_t key_[8];
  uint32_t counter_[4];
  alignas(64) uint8_t block_[64];
  alignas(64) uint8_t poly_[RawPrimitives::kMaxPolySize];
};

class RawEngine final : public AeadEngine {
 public:
  explicit RawEngine(const RawPrimitives& primitives) : primitives_(primitives) {}

  const char* name() const override { return "raw"; }
  std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const override {
    return std::make_unique<RawCipher>(primitives_, key);
  }

 private:
  const RawPrimitives primitives_;
};

AeadOffer makeOffer() {
  RawPrimitives primitives;
  std::string reason = findRawPrimitives(&primitives);
  if (reason.empty()) reason = checkKnownAnswers(primitives);
  if (!reason.empty()) return {nullptr, reason};
  const auto* engine = new RawEngine(primitives);  // Lives as long as the process.
  const AeadOffer evp = offerEvpAead();
  if (evp.engine != nullptr) reason = compareAeads(*engine, *evp.engine);
  if (!reason.empty()) return {nullptr, reason};
  return {engine, ""};
}

}  // namespace

AeadOffer offerRawAead() {
  static const AeadOffer& offer = *new AeadOffer(makeOffer());
  return offer;
}

bool isAeadSlowed() {
#ifdef PQTUN_SLOW_AEAD
  return true;
#else
  return false;
#endif
}

}  // namespace pqtun
