// The engine that computes key stream blocks of many records side by side: all lanes are full but in the last run of a group,
// where libcrypto fills its lanes with the blocks of one record, has some left over at its end, and makes its first block alone.
//
// What is long enough to fill libcrypto's lanes is left to it, but for that first block.
//
// A batch goes in groups. To seal one: all blocks of all its records through the lanes, block 0 into the keys of the tags;
// then the tags. To open one: the blocks 0, the tags, then all blocks of what verified.
#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "aead_multibuffer.h"
#include "aead_raw_primitives.h"
#include "little_endian.h"

namespace pqtun {
namespace {

constexpr size_t kBlock = 64;
/** Records whose text is still in the cache nearest to the processor when their tags are made. */
constexpr size_t kGroup = 16;
/** Fewer leave so many lanes empty that libcrypto is faster. */
constexpr size_t kFewest = 3;

class MultibufferCipher final : public RecordCipher {
 public:
  MultibufferCipher(const RawPrimitives& primitives, ChaChaLanes lanes, std::unique_ptr<RecordCipher> forFew,
                    const uint8_t* key)
      : raw_(primitives), lanes_(lanes), forFew_(std::move(forFew)) {
    for (int i = 0; i < 8; i++) key_[i] = readLe32(key + 4 * i);
  }
  ~MultibufferCipher() override {
    OPENSSL_cleanse(key_, sizeof key_);
    forget();
  }

  size_t seal(Record* records, size_t count) override {
    return inGroups(records, count, &RecordCipher::seal, &MultibufferCipher::sealGroup);
  }

  size_t open(Record* records, size_t count) override {
    return inGroups(records, count, &RecordCipher::open, &MultibufferCipher::openGroup);
  }

 private:
  size_t inGroups(Record* records, size_t count, size_t (RecordCipher::*few)(Record*, size_t),
                  size_t (MultibufferCipher::*many)(Record*, size_t)) {
    size_t good = 0;
    size_t done = 0;
    while (count - done >= kFewest) {
      const size_t group = std::min(count - done, kGroup);
      good += (this->*many)(records + done, group);
      done += group;
    }
    if (done > 0) forget();
    if (done < count) good += ((*forFew_).*few)(records + done, count - done);
    return good;
  }

  size_t sealGroup(Record* records, size_t count) {
    std::memset(keys_, 0, count * kBlock);
    for (size_t i = 0; i < count; i++) {
      addBlock(records[i], 0, keys_[i]);
      addText(records[i], tails_[i]);
      records[i].ok = true;
    }
    run();
    for (size_t i = 0; i < count; i++) {
      finishTail(records[i], tails_[i]);
      writeRecordTag(raw_, poly_, keys_[i], records[i].text, records[i].length, records[i].text + records[i].length);
    }
    return count;
  }

  /** The tags come first: what does not verify is not decrypted. */
  size_t openGroup(Record* records, size_t count) {
    std::memset(keys_, 0, count * kBlock);
    for (size_t i = 0; i < count; i++) addBlock(records[i], 0, keys_[i]);
    run();
    size_t good = 0;
    for (size_t i = 0; i < count; i++) {
      Record& record = records[i];
      uint8_t tag[kTagSize];
      writeRecordTag(raw_, poly_, keys_[i], record.text, record.length, tag);
      record.ok = CRYPTO_memcmp(tag, record.text + record.length, kTagSize) == 0;
      if (!record.ok) continue;
      addText(record, tails_[i]);
      good++;
    }
    run();
    for (size_t i = 0; i < count; i++) {
      if (records[i].ok) finishTail(records[i], tails_[i]);
    }
    return good;
  }

  bool isLong(const Record& record) const { return record.length >= lanes_.tooLong; }

  /** Every block of the text; one that it does not fill is worked on in `tail`, since behind it lies the tag. */
  void addText(const Record& record, uint8_t* tail) {
    if (isLong(record)) {
      const uint32_t counter[4] = {1, 0, static_cast<uint32_t>(record.counter), static_cast<uint32_t>(record.counter >> 32)};
      raw_.chacha20(record.text, record.text, record.length, key_, counter);
      return;
    }
    const uint32_t whole = record.length / kBlock;
    for (uint32_t i = 0; i < whole; i++) addBlock(record, i + 1, record.text + i * kBlock);
    const size_t rest = record.length % kBlock;
    if (rest == 0) return;
    std::memcpy(tail, record.text + whole * kBlock, rest);
    addBlock(record, whole + 1, tail);
  }

  void finishTail(const Record& record, const uint8_t* tail) const {
    if (isLong(record)) return;
    const size_t rest = record.length % kBlock;
    std::memcpy(record.text + (record.length - rest), tail, rest);
  }

  void addBlock(const Record& record, uint32_t block, uint8_t* at) {
    input_.block[filled_] = block;
    input_.low[filled_] = static_cast<uint32_t>(record.counter);
    input_.high[filled_] = static_cast<uint32_t>(record.counter >> 32);
    input_.at[filled_] = at;
    filled_++;
    if (filled_ == lanes_.lanes) run();
  }

  /** Computes what has been added, the other lanes for nothing. */
  void run() {
    if (filled_ == 0) return;
    for (; filled_ < lanes_.lanes; filled_++) input_.at[filled_] = nowhere_;
    lanes_.run(key_, input_);
    filled_ = 0;
  }

  /** What one batch leaves behind: one-time keys, key stream, text. */
  void forget() {
    OPENSSL_cleanse(keys_, sizeof keys_);
    OPENSSL_cleanse(tails_, sizeof tails_);
    OPENSSL_cleanse(nowhere_, sizeof nowhere_);
    OPENSSL_cleanse(poly_, sizeof poly_);
  }

  const RawPrimitives raw_;
  const ChaChaLanes lanes_;
  const std::unique_ptr<RecordCipher> forFew_;
  uint32_t key_[8];
  size_t filled_ = 0;
  LaneInput input_ = {};
  alignas(64) uint8_t keys_[kGroup][kBlock];
  alignas(64) uint8_t tails_[kGroup][kBlock];
  alignas(64) uint8_t nowhere_[kBlock] = {};
  alignas(64) uint8_t poly_[RawPrimitives::kMaxPolySize];
};

class MultibufferEngine final : public AeadEngine {
 public:
  MultibufferEngine(const RawPrimitives& primitives, ChaChaLanes lanes, const AeadEngine& forFew)
      : primitives_(primitives), lanes_(lanes), forFew_(forFew) {}

  const char* name() const override { return "multibuffer"; }
  std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const override {
    auto few = forFew_.makeCipher(key);
    if (few == nullptr) return nullptr;
    return std::make_unique<MultibufferCipher>(primitives_, lanes_, std::move(few), key);
  }

 private:
  const RawPrimitives primitives_;
  const ChaChaLanes lanes_;
  const AeadEngine& forFew_;
};

#if defined(__x86_64__)
constexpr char kNoLanes[] = "this processor has neither AVX2 nor AVX-512";
#else
constexpr char kNoLanes[] = "it is written for x64 processors with AVX2 or AVX-512, and this is none";
#endif

}  // namespace

AeadOffer makeMultibufferAead(ChaChaLanes lanes) {
  if (lanes.lanes == 0) return {nullptr, kNoLanes};
  const AeadOffer raw = offerRawAead();
  if (raw.engine == nullptr) return raw;
  RawPrimitives primitives;
  std::string reason = findRawPrimitives(&primitives);
  if (!reason.empty()) return {nullptr, reason};
  const auto* engine = new MultibufferEngine(primitives, lanes, *raw.engine);  // Lives as long as the process.
  reason = compareAeads(*engine, *raw.engine);
  return {reason.empty() ? engine : nullptr, reason};
}

AeadOffer offerMultibufferAead() {
  static const AeadOffer& offer = *new AeadOffer(makeMultibufferAead(findChaChaLanes()));
  return offer;
}

}  // namespace pqtun
