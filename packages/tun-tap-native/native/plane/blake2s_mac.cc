#include "blake2s_mac.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/params.h>

namespace pqtun {

std::unique_ptr<Blake2sMac> Blake2sMac::create() {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr);
  EVP_MAC_CTX* context = mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac);
  EVP_MAC_free(mac);  // The context holds it.
  size_t size = kSize;
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  if (context == nullptr || EVP_MAC_CTX_set_params(context, parameters) != 1) {
    EVP_MAC_CTX_free(context);
    ERR_clear_error();
    return nullptr;
  }
  return std::unique_ptr<Blake2sMac>(new Blake2sMac(context));
}

bool Blake2sMac::setKey(const uint8_t* key, size_t length) {
  fresh_ = EVP_MAC_init(context_.get(), key, length, nullptr) == 1;
  return fresh_;
}

bool Blake2sMac::compute(const uint8_t* message, size_t length, uint8_t* mac) {
  // Without a key the init takes the one it has. Duplicating a keyed context instead costs a tenth more, and allocates.
  const bool ready = fresh_ || EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1;
  fresh_ = false;
  size_t written = 0;
  return ready && EVP_MAC_update(context_.get(), message, length) == 1 &&
         EVP_MAC_final(context_.get(), mac, &written, kSize) == 1 && written == kSize;
}

bool Blake2sMac::verify(const uint8_t* message, size_t length, const uint8_t* mac) {
  uint8_t expected[kSize];
  return compute(message, length, expected) && CRYPTO_memcmp(expected, mac, kSize) == 0;
}

}  // namespace pqtun
