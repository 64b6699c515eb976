#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pqtun {

/** Writes the 32 B subkey of `key` (32 B) and `nonce` (16 B) to `subkey`. draft-irtf-cfrg-xchacha-03 §2.2. */
void hChaCha20(const uint8_t* key, const uint8_t* nonce, uint8_t* subkey);

/**
 * XAEAD of protocol.md §1: XChaCha20-Poly1305, for cookie replies (§3.3). Sealing only, which is all a responder does with it.
 * Keeps no key between calls. One thread at a time.
 */
class XChaChaSealer {
 public:
  static constexpr size_t kNonceSize = 24;

  /** `nullptr` where this libcrypto has no ChaCha20-Poly1305. */
  static std::unique_ptr<XChaChaSealer> create();

  /**
   * Writes ciphertext and tag, `length` + 16 B, to `sealed`, which may begin where `text` does. Key 32 B, nonce 24 B, never
   * the same twice. `false` only where libcrypto fails; `sealed` is then of no use.
   */
  bool seal(const uint8_t* key, const uint8_t* nonce, const uint8_t* associated, size_t associatedLength,
            const uint8_t* text, size_t length, uint8_t* sealed);

 private:
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  explicit XChaChaSealer(EVP_CIPHER_CTX* context) : context_(context) {}
  bool encrypt(const uint8_t* subkey, const uint8_t* nonce, const uint8_t* associated, int associatedLength,
               const uint8_t* text, int length, uint8_t* sealed);

  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context_;
};

}  // namespace pqtun
