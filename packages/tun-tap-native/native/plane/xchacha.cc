#include "xchacha.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <climits>
#include <cstring>

#include "little_endian.h"

namespace pqtun {
namespace {

constexpr int kTagSize = 16;

uint32_t rotate(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

void quarterRound(uint32_t* state, int a, int b, int c, int d) {
  state[a] += state[b], state[d] = rotate(state[d] ^ state[a], 16);
  state[c] += state[d], state[b] = rotate(state[b] ^ state[c], 12);
  state[a] += state[b], state[d] = rotate(state[d] ^ state[a], 8);
  state[c] += state[d], state[b] = rotate(state[b] ^ state[c], 7);
}

}  // namespace

void hChaCha20(const uint8_t* key, const uint8_t* nonce, uint8_t* subkey) {
  uint32_t state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  for (int i = 0; i < 8; i++) state[4 + i] = readLe32(key + 4 * i);
  for (int i = 0; i < 4; i++) state[12 + i] = readLe32(nonce + 4 * i);
  for (int round = 0; round < 20; round += 2) {
    for (int i = 0; i < 4; i++) quarterRound(state, i, 4 + i, 8 + i, 12 + i);
    for (int i = 0; i < 4; i++) quarterRound(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
  }
  for (int i = 0; i < 4; i++) {
    writeLe32(subkey + 4 * i, state[i]);
    writeLe32(subkey + 16 + 4 * i, state[12 + i]);
  }
  OPENSSL_cleanse(state, sizeof state);
}

std::unique_ptr<XChaChaSealer> XChaChaSealer::create() {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  EVP_CIPHER_CTX* context = cipher == nullptr ? nullptr : EVP_CIPHER_CTX_new();
  if (context != nullptr && EVP_EncryptInit_ex2(context, cipher, nullptr, nullptr, nullptr) != 1) {
    EVP_CIPHER_CTX_free(context);
    context = nullptr;
  }
  EVP_CIPHER_free(cipher);  // The context holds it.
  if (context == nullptr) {
    ERR_clear_error();
    return nullptr;
  }
  return std::unique_ptr<XChaChaSealer>(new XChaChaSealer(context));
}

bool XChaChaSealer::seal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associatedLength,
                         const uint8_t* text, size_t length, uint8_t* sealed) {
  if (associatedLength > INT_MAX || length > INT_MAX) return false;
  uint8_t subkey[32];
  hChaCha20(key, nonce, subkey);
  // 4 zero bytes ‖ the last 8 B of the long nonce.
  uint8_t inner[12] = {};
  std::memcpy(inner + 4, nonce + 16, 8);
  const bool done =
      encrypt(subkey, inner, associated, static_cast<int>(associatedLength), text, static_cast<int>(length), sealed);
  // Puts another key where the subkey was.
  const uint8_t nothing[32] = {};
  EVP_EncryptInit_ex2(context_.get(), nullptr, nothing, inner, nullptr);
  OPENSSL_cleanse(subkey, sizeof subkey);
  if (!done) ERR_clear_error();
  return done;
}

bool XChaChaSealer::encrypt(const uint8_t* subkey, const uint8_t* nonce, const uint8_t* associated, int associatedLength,
                            const uint8_t* text, int length, uint8_t* sealed) {
  EVP_CIPHER_CTX* context = context_.get();
  int written = 0;
  return EVP_EncryptInit_ex2(context, nullptr, subkey, nonce, nullptr) == 1 &&
         EVP_EncryptUpdate(context, nullptr, &written, associated, associatedLength) == 1 &&
         EVP_EncryptUpdate(context, sealed, &written, text, length) == 1 &&
         EVP_EncryptFinal_ex(context, sealed + length, &written) == 1 &&
         EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, sealed + length) == 1;
}

}  // namespace pqtun
