#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "aead.h"

namespace pqtun {

/**
 * ChaCha20 and Poly1305 as libcrypto's own files declare them (include/crypto/chacha.h, poly1305.h). Exported by the node
 * binary, promised by nobody: hence found by name and tried before use.
 */
struct RawPrimitives {
  static constexpr size_t kMaxPolySize = 512;

  /** XORs `length` B with key stream blocks from counter[0] on; `counter` is that and the nonce, words in host order. */
  void (*chacha20)(uint8_t* out, const uint8_t* in, size_t length, const uint32_t key[8], const uint32_t counter[4]);
  size_t (*poly1305Size)();
  /** `key` 32 B. */
  void (*poly1305Init)(void* state, const uint8_t* key);
  void (*poly1305Update)(void* state, const uint8_t* in, size_t length);
  /** `tag` 16 B. */
  void (*poly1305Final)(void* state, uint8_t* tag);
};

/**
 * Writes the tag (16 B) of a record: over the ciphertext, zeros to a multiple of 16 B, and both lengths, in one piece. `key` is
 * the first 32 B of the record's key stream; `state` kMaxPolySize B aligned to 64, which hold a secret afterwards. RFC 8439 §2.8.
 */
void writeRecordTag(const RawPrimitives& primitives, uint8_t* state, const uint8_t* key, const uint8_t* ciphertext,
                    uint32_t length, uint8_t* tag);

/** Empty, or why they cannot be used. */
std::string findRawPrimitives(RawPrimitives* primitives);

/** Empty, or which of RFC 8439's answers they do not give. */
std::string checkKnownAnswers(const RawPrimitives& primitives);

/** Empty, or how the engines differ: on records of many lengths, sealed by each and opened by the other, and on forged ones. */
std::string compareAeads(const AeadEngine& candidate, const AeadEngine& reference);

}  // namespace pqtun
