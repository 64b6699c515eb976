// The engine on libcrypto's public interface: one context with the key in it, to which each record brings its nonce.
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <climits>
#include <cstring>

#include "aead.h"
#include "little_endian.h"

namespace pqtun {
namespace {

struct FreeContext {
  // Clears the provider's state, which holds the key, before it frees it.
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

class EvpCipher final : public RecordCipher {
 public:
  explicit EvpCipher(Context context) : context_(std::move(context)) {}

  size_t seal(Record* records, size_t count) override {
    return forEach(records, count, [this](const Record& record) { return sealOne(record); });
  }

  size_t open(Record* records, size_t count) override {
    return forEach(records, count, [this](const Record& record) { return openOne(record); });
  }

 private:
  template <class One>
  size_t forEach(Record* records, size_t count, const One& one) {
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
      Record& record = records[i];
      record.ok = record.length <= INT_MAX && one(record);
      if (record.ok) {
        good++;
      } else {
        // EVP decrypts before it has seen the tag.
        std::memset(record.text, 0, record.length);
      }
    }
    // What it says of bad tags would pile up in this thread's error queue.
    if (good != count) ERR_clear_error();
    return good;
  }

  bool sealOne(const Record& record) {
    uint8_t nonce[12];
    writeNonce(nonce, record.counter);
    uint8_t* tag = record.text + record.length;
    OSSL_PARAM parameters[] = {tagParameter(tag), OSSL_PARAM_construct_end()};
    return EVP_EncryptInit_ex2(context_.get(), nullptr, nullptr, nonce, nullptr) == 1 && transform(record) &&
           EVP_CIPHER_CTX_get_params(context_.get(), parameters) == 1;
  }

  bool openOne(const Record& record) {
    uint8_t nonce[12];
    writeNonce(nonce, record.counter);
    const OSSL_PARAM parameters[] = {tagParameter(record.text + record.length), OSSL_PARAM_construct_end()};
    return EVP_DecryptInit_ex2(context_.get(), nullptr, nullptr, nonce, parameters) == 1 && transform(record);
  }

  /** Update and final: for a decryption the latter compares tags, in constant time. */
  bool transform(const Record& record) {
    int written = 0;
    uint8_t* end = record.text + record.length;
    return EVP_CipherUpdate(context_.get(), record.text, &written, record.text, static_cast<int>(record.length)) == 1 &&
           EVP_CipherFinal_ex(context_.get(), end, &written) == 1;
  }

  static OSSL_PARAM tagParameter(uint8_t* tag) {
    return OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kTagSize);
  }

  static void writeNonce(uint8_t* nonce, uint64_t counter) {
    std::memset(nonce, 0, 4);
    writeLe64(nonce + 4, counter);
  }

  Context context_;
};

class EvpEngine final : public AeadEngine {
 public:
  EvpEngine() : cipher_(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)) { ERR_clear_error(); }

  bool available() const { return cipher_ != nullptr; }
  const char* name() const override { return "evp"; }

  std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const override {
    Context context(EVP_CIPHER_CTX_new());
    // The direction is set anew with every record.
    if (context == nullptr || EVP_EncryptInit_ex2(context.get(), cipher_, key, nullptr, nullptr) != 1) {
      ERR_clear_error();
      return nullptr;
    }
    return std::make_unique<EvpCipher>(std::move(context));
  }

 private:
  // Never freed: the engine lives as long as the process.
  EVP_CIPHER* cipher_;
};

}  // namespace

AeadOffer offerEvpAead() {
  static const EvpEngine& engine = *new EvpEngine();
  if (!engine.available()) return {nullptr, "this libcrypto has no ChaCha20-Poly1305 (FIPS mode?)"};
  return {&engine, ""};
}

}  // namespace pqtun
