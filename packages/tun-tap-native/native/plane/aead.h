// ChaCha20-Poly1305 over batches of transport records: the interface, and how an engine is chosen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace pqtun {

constexpr size_t kKeySize = 32;
constexpr size_t kTagSize = 16;

/**
 * One record of a batch, in the caller's memory: `text` is `length` B that are sealed or opened where they lie, with 16 B for
 * the tag right behind. No alignment is asked for. Nonce: 4 zero bytes ‖ LE64(counter); no associated data. protocol.md §3.4.
 */
struct Record {
  uint8_t* text;
  uint32_t length;
  uint64_t counter;
  bool ok;
};

/**
 * One transport key, set up for many records. Wipes the key when it goes. Used by one thread at a time.
 *
 * Both verbs set `ok` of every record and return for how many it is true. Records do not overlap.
 */
class RecordCipher {
 public:
  virtual ~RecordCipher() = default;

  /**
   * Turns text into ciphertext and writes the tag. The caller never gives one counter twice under one key. `ok` is false only
   * where libcrypto failed by itself; such a record holds zeros and is not sent.
   */
  virtual size_t seal(Record* records, size_t count) = 0;

  /**
   * Turns ciphertext into text where the tag verifies; compares tags in constant time. Where it does not, `text` is what came
   * in or zeros, never anything decrypted.
   */
  virtual size_t open(Record* records, size_t count) = 0;
};

/** A way to do it. Engines are few, live as long as the process, and have been verified before anybody gets hold of one. */
class AeadEngine {
 public:
  /** As the operator names it and `pqtun show` prints it. */
  virtual const char* name() const = 0;
  /** Copies `key` (32 B), which stays the caller's. `nullptr` when libcrypto refuses, as without memory. */
  virtual std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const = 0;

 protected:
  ~AeadEngine() = default;
};

/** An engine, or a sentence that says why there is none here. */
struct AeadOffer {
  const AeadEngine* engine;
  std::string reason;
};

/** libcrypto's public interface. Refuses where OpenSSL has no ChaCha20-Poly1305, as in FIPS mode. */
AeadOffer offerEvpAead();

/** The primitives below it, found at run time, since they are exported but not public. Refuses unless they give known answers. */
AeadOffer offerRawAead();

/** Blocks of many records side by side in AVX2 or AVX-512 registers. Refuses without those, and unless it does as `raw` does. */
AeadOffer offerMultibufferAead();

/**
 * The engine of this name; `auto` is the fastest that is there, and `reason` then says why a faster one is not (empty: none
 * is). Any other name is taken as an order: no engine and a reason where it cannot be had, or is not known.
 */
AeadOffer selectAead(const std::string& name);

/**
 * Whether this was built to be slow (`build.mjs --slow-aead`): `raw` seals and opens everything twice, so that a test can see the
 * bench notice. Not for use, and nothing that is shipped says true.
 */
bool isAeadSlowed();

}  // namespace pqtun
