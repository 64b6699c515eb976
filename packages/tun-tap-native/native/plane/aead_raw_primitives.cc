#include "aead_raw_primitives.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

#include "little_endian.h"

namespace pqtun {
namespace {

template <class Function>
bool find(const char* name, Function* function) {
  // RTLD_DEFAULT begins at the executable, which is where node keeps its libcrypto.
  *function = reinterpret_cast<Function>(::dlsym(RTLD_DEFAULT, name));
  return *function != nullptr;
}

// RFC 8439 §2.8.2. Ciphertext first, so that key stream, tag and composition are all tried by one vector.
constexpr uint8_t kNonce[12] = {7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47};
constexpr uint8_t kAssociated[12] = {0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};
constexpr char kPlaintext[] =
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
constexpr size_t kLength = sizeof kPlaintext - 1;
constexpr uint8_t kCiphertext[kLength] = {
    0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb, 0x7b, 0x86, 0xaf, 0xbc, 0x53, 0xef, 0x7e, 0xc2, 0xa4, 0xad, 0xed,
    0x51, 0x29, 0x6e, 0x08, 0xfe, 0xa9, 0xe2, 0xb5, 0xa7, 0x36, 0xee, 0x62, 0xd6, 0x3d, 0xbe, 0xa4, 0x5e, 0x8c, 0xa9,
    0x67, 0x12, 0x82, 0xfa, 0xfb, 0x69, 0xda, 0x92, 0x72, 0x8b, 0x1a, 0x71, 0xde, 0x0a, 0x9e, 0x06, 0x0b, 0x29, 0x05,
    0xd6, 0xa5, 0xb6, 0x7e, 0xcd, 0x3b, 0x36, 0x92, 0xdd, 0xbd, 0x7f, 0x2d, 0x77, 0x8b, 0x8c, 0x98, 0x03, 0xae, 0xe3,
    0x28, 0x09, 0x1b, 0x58, 0xfa, 0xb3, 0x24, 0xe4, 0xfa, 0xd6, 0x75, 0x94, 0x55, 0x85, 0x80, 0x8b, 0x48, 0x31, 0xd7,
    0xbc, 0x3f, 0xf4, 0xde, 0xf0, 0x8e, 0x4b, 0x7a, 0x9d, 0xe5, 0x76, 0xd2, 0x65, 0x86, 0xce, 0xc6, 0x4b, 0x61, 0x16};
constexpr uint8_t kTag[kTagSize] = {0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a,
                                    0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60, 0x06, 0x91};

/** The same bytes on every machine; chance would make a failure that nobody can repeat. */
class Bytes {
 public:
  uint8_t next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<uint8_t>(state_ >> 56);
  }
  void fill(uint8_t* to, size_t length) {
    for (size_t i = 0; i < length; i++) to[i] = next();
  }

 private:
  uint64_t state_ = 0x243f6a8885a308d3ULL;
};

/** Around the widths of blocks and of the assembly's strides, and the packets we carry. */
const std::vector<uint32_t> kLengths = {
    0,   1,   15,  16,  17,  31,  32,  48,  63,  64,  65,  96,  112, 127, 128,  129,  144,  191,  192,  193,  255,  256, 257,
    320, 383, 384, 511, 512, 513, 576, 640, 767, 768, 769, 895, 896, 1008, 1023, 1024, 1025, 1280, 1407, 1420, 1424, 2048};

/** Records one behind the other in memory of their own, filled with `bytes`. */
class Train {
 public:
  Train(const std::vector<uint32_t>& lengths, uint64_t counter, Bytes* bytes) : records_(lengths.size()) {
    size_t size = 0;
    for (const uint32_t length : lengths) size += length + kTagSize;
    memory_.resize(size);
    bytes->fill(memory_.data(), size);
    size_t offset = 0;
    for (size_t i = 0; i < lengths.size(); i++) {
      offsets_.push_back(offset);
      records_[i] = {nullptr, lengths[i], counter += 1 + lengths[i], false};
      offset += lengths[i] + kTagSize;
    }
  }

  size_t seal(RecordCipher& cipher) { return cipher.seal(place(), records_.size()); }
  size_t open(RecordCipher& cipher) { return cipher.open(place(), records_.size()); }
  size_t size() const { return records_.size(); }
  const Record& record(size_t i) { return place()[i]; }
  std::vector<uint8_t>& memory() { return memory_; }

 private:
  /** Anew for every call: a copy of a train has other memory. */
  Record* place() {
    for (size_t i = 0; i < records_.size(); i++) records_[i].text = memory_.data() + offsets_[i];
    return records_.data();
  }

  std::vector<Record> records_;
  std::vector<size_t> offsets_;
  std::vector<uint8_t> memory_;
};

/** What one seals the other opens, and each refuses what was changed in one bit. Empty, or what was wrong. */
std::string cross(RecordCipher& mine, RecordCipher& theirs, const Train& plain) {
  Train sealed = plain;
  Train twin = plain;
  if (sealed.seal(mine) != sealed.size()) return "does not seal";
  twin.seal(theirs);
  if (sealed.memory() != twin.memory()) return "seals to something else";
  if (twin.open(mine) != twin.size()) return "refuses a good record";
  for (size_t i = 0; i < twin.size(); i++) {
    Train before = plain;
    const Record& text = before.record(i);
    if (std::memcmp(twin.record(i).text, text.text, text.length) != 0) return "opens to another text";
  }
  Train forged = sealed;
  for (size_t i = 0; i < forged.size(); i += 2) {
    const Record& record = forged.record(i);
    record.text[record.counter % (record.length + kTagSize)] ^= static_cast<uint8_t>(1 << record.counter % 8);
  }
  if (forged.open(mine) != forged.size() / 2) return "takes a forged record, or refuses one beside it";
  for (size_t i = 0; i < forged.size(); i++) {
    if (forged.record(i).ok != (i % 2 == 1)) return "confuses forged records with good ones";
  }
  return "";
}

}  // namespace

void writeRecordTag(const RawPrimitives& primitives, uint8_t* state, const uint8_t* key, const uint8_t* ciphertext,
                    uint32_t length, uint8_t* tag) {
  const size_t rest = length % 16;
  const size_t whole = length - rest;
  uint8_t tail[32] = {};
  std::memcpy(tail, ciphertext + whole, rest);
  const size_t padded = rest == 0 ? 0 : 16;
  writeLe64(tail + padded + 8, length);
  primitives.poly1305Init(state, key);
  if (whole > 0) primitives.poly1305Update(state, ciphertext, whole);
  primitives.poly1305Update(state, tail, padded + 16);
  primitives.poly1305Final(state, tag);
}

std::string findRawPrimitives(RawPrimitives* primitives) {
  const bool all = find("ChaCha20_ctr32", &primitives->chacha20) && find("Poly1305_ctx_size", &primitives->poly1305Size) &&
                   find("Poly1305_Init", &primitives->poly1305Init) &&
                   find("Poly1305_Update", &primitives->poly1305Update) &&
                   find("Poly1305_Final", &primitives->poly1305Final);
  if (!all) return "this Node exports no ChaCha20_ctr32 or Poly1305_*";
  const size_t size = primitives->poly1305Size();
  if (size == 0 || size > RawPrimitives::kMaxPolySize) return "its Poly1305 state has an unknown size";
  return "";
}

std::string checkKnownAnswers(const RawPrimitives& raw) {
  uint32_t key[8];
  for (uint32_t i = 0; i < 8; i++) {
    const uint8_t bytes[4] = {static_cast<uint8_t>(0x80 + 4 * i), static_cast<uint8_t>(0x81 + 4 * i),
                              static_cast<uint8_t>(0x82 + 4 * i), static_cast<uint8_t>(0x83 + 4 * i)};
    key[i] = readLe32(bytes);
  }
  uint32_t counter[4] = {0, readLe32(kNonce), readLe32(kNonce + 4), readLe32(kNonce + 8)};
  uint8_t block[64] = {};
  raw.chacha20(block, block, sizeof block, key, counter);
  counter[0] = 1;
  uint8_t text[kLength];
  raw.chacha20(text, reinterpret_cast<const uint8_t*>(kPlaintext), kLength, key, counter);
  if (std::memcmp(text, kCiphertext, kLength) != 0) return "its ChaCha20 does not give the answer of RFC 8439 §2.8.2";

  constexpr size_t kPadded = (kLength + 15) / 16 * 16;
  uint8_t authenticated[16 + kPadded + 16] = {};
  std::memcpy(authenticated, kAssociated, sizeof kAssociated);
  std::memcpy(authenticated + 16, kCiphertext, kLength);
  writeLe64(authenticated + 16 + kPadded, sizeof kAssociated);
  writeLe64(authenticated + 16 + kPadded + 8, kLength);
  alignas(64) uint8_t state[RawPrimitives::kMaxPolySize];
  uint8_t tag[kTagSize];
  raw.poly1305Init(state, block);
  raw.poly1305Update(state, authenticated, sizeof authenticated);
  raw.poly1305Final(state, tag);
  if (std::memcmp(tag, kTag, kTagSize) != 0) return "its Poly1305 does not give the answer of RFC 8439 §2.8.2";
  return "";
}

std::string compareAeads(const AeadEngine& candidate, const AeadEngine& reference) {
  Bytes bytes;
  uint8_t key[kKeySize];
  bytes.fill(key, sizeof key);
  const auto mine = candidate.makeCipher(key);
  const auto theirs = reference.makeCipher(key);
  if (mine == nullptr || theirs == nullptr) return "libcrypto gave no cipher to compare";
  const std::string prefix = std::string("it is not as ") + reference.name() + " is: it ";
  // Every length alone, and all of them at once; counters pass 2^32.
  uint64_t counter = 0xfffffff0;
  for (const uint32_t length : kLengths) {
    const std::string problem = cross(*mine, *theirs, Train({length}, counter, &bytes));
    if (!problem.empty()) return prefix + problem + ", at " + std::to_string(length) + " B";
    counter += 1 + length;
  }
  const std::string problem = cross(*mine, *theirs, Train(kLengths, counter, &bytes));
  return problem.empty() ? "" : prefix + problem + ", in a batch";
}

}  // namespace pqtun
