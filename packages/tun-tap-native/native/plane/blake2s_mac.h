#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>

namespace pqtun {

/**
 * MAC of protocol.md §1: BLAKE2s with a key of 1 … 32 B (ours have 16 or 32) and 16 B out. RFC 7693. For mac1, mac2 and
 * cookies; libcrypto's public EVP_MAC, whose context is made once. A new key costs no more than keeping the old one.
 *
 * Wipes its key when it goes. One thread at a time. Calls return `false` only where libcrypto fails by itself.
 */
class Blake2sMac {
 public:
  static constexpr size_t kSize = 16;

  /** Without a key yet. `nullptr` where this libcrypto has no keyed BLAKE2s, as in FIPS mode. */
  static std::unique_ptr<Blake2sMac> create();

  /** Copies `key`, `length` B, for the messages that follow. */
  bool setKey(const uint8_t* key, size_t length);
  /** Writes 16 B to `mac`. */
  bool compute(const uint8_t* message, size_t length, uint8_t* mac);
  /** Whether `mac` (16 B) is that of the message; compared in constant time. */
  bool verify(const uint8_t* message, size_t length, const uint8_t* mac);

 private:
  struct FreeContext {
    // Clears the provider's state, which holds the key, before it frees it.
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };

  explicit Blake2sMac(EVP_MAC_CTX* context) : context_(context) {}

  std::unique_ptr<EVP_MAC_CTX, FreeContext> context_;
  /** The context is as setKey() left it, ready for a message. */
  bool fresh_ = false;
};

}  // namespace pqtun
