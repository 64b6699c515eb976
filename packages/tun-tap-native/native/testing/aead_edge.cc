#include "../plane/aead.h"

#include <vector>

#include "../plane/aead_multibuffer.h"
#include "../plane/aead_raw_primitives.h"
#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f02ULL};

struct Cipher {
  std::unique_ptr<RecordCipher> cipher;
  void close() { cipher.reset(); }
};

/** By its name; and the code for 16 lanes where the processor may have 8, which is not for use. */
AeadOffer selectWithWide(const std::string& name) {
  if (name != "multibuffer-wide") return selectAead(name);
  static const AeadOffer& offer = *new AeadOffer(makeMultibufferAead(findWideLanesForTests()));
  return offer;
}

/** select(name) → { name: of the engine or "", reason } */
napi_value select(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string name = arguments.string(0, "name");
  if (!arguments.ok()) return nullptr;
  const AeadOffer offer = selectWithWide(name);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  tuntap::setProperty(env, result, "name", tuntap::makeString(env, offer.engine == nullptr ? "" : offer.engine->name()));
  tuntap::setProperty(env, result, "reason", tuntap::makeString(env, offer.reason.c_str()));
  return result;
}

/** create(engine, key: 32 B) → cipher */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const AeadOffer offer = selectWithWide(arguments.string(0, "engine"));
  const Bytes key = arguments.bytes(1, "key");
  if (arguments.ok() && key.length != kKeySize) arguments.refuse("key", "32 bytes");
  if (arguments.ok() && offer.engine == nullptr) arguments.refuse("engine", "one that is there");
  if (!arguments.ok()) return nullptr;
  auto cipher = std::make_shared<Cipher>();
  cipher->cipher = offer.engine->makeCipher(key.data);
  return tuntap::wrapHandle(env, cipher, kTag);
}

struct Place {
  uint32_t offset;
  uint32_t length;
  uint64_t counter;
};

/** seal, open(cipher, memory, places: {offset u32, length u32, counter u64}[], verdicts: a byte each) → how many were good */
template <size_t (RecordCipher::*verb)(Record*, size_t)>
napi_value run(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto cipher = arguments.handle<Cipher>(0, kTag);
  const Bytes memory = arguments.bytes(1, "memory");
  const Bytes places = arguments.bytes(2, "places");
  const Bytes verdicts = arguments.bytes(3, "verdicts");
  if (arguments.ok() && places.length != verdicts.length * sizeof(Place)) arguments.refuse("verdicts", "a byte a place");
  if (!arguments.ok()) return nullptr;
  std::vector<Record> records(verdicts.length);
  for (size_t i = 0; i < records.size(); i++) {
    const Place& place = wordsOf<Place>(places)[i];
    if (uint64_t{place.offset} + place.length + kTagSize > memory.length) {
      arguments.refuse("places", "places inside the memory");
      return nullptr;
    }
    records[i] = {memory.data + place.offset, place.length, place.counter, i % 2 == 0};
  }
  const size_t good = ((*cipher->cipher).*verb)(records.data(), records.size());
  for (size_t i = 0; i < records.size(); i++) verdicts.data[i] = records[i].ok ? 1 : 0;
  return tuntap::makeNumber(env, static_cast<double>(good));
}

// --- What the self-test of the raw engine says of broken primitives -----------------------------------------------------

RawPrimitives genuine;

void brokenChaCha20(uint8_t* out, const uint8_t* in, size_t length, const uint32_t key[8], const uint32_t counter[4]) {
  genuine.chacha20(out, in, length, key, counter);
  if (length > 64) out[64] ^= 1;
}
void brokenFinal(void* state, uint8_t* tag) {
  genuine.poly1305Final(state, tag);
  tag[15] ^= 0x80;
}

/** checkBroken("chacha20" | "poly1305" | "nothing") → the reason, or "" */
napi_value checkBroken(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string what = arguments.string(0, "what");
  if (!arguments.ok()) return nullptr;
  std::string reason = findRawPrimitives(&genuine);
  RawPrimitives primitives = genuine;
  if (what == "chacha20") primitives.chacha20 = brokenChaCha20;
  if (what == "poly1305") primitives.poly1305Final = brokenFinal;
  if (reason.empty()) reason = checkKnownAnswers(primitives);
  return tuntap::makeString(env, reason.c_str());
}

/** Does as the engine it stands before, but for one thing. */
class BrokenEngine final : public AeadEngine {
 public:
  BrokenEngine(const AeadEngine& real, std::string fault) : real_(real), fault_(std::move(fault)) {}
  const char* name() const override { return "broken"; }
  std::unique_ptr<RecordCipher> makeCipher(const uint8_t* key) const override {
    return std::make_unique<Broken>(real_.makeCipher(key), fault_);
  }

 private:
  class Broken final : public RecordCipher {
   public:
    Broken(std::unique_ptr<RecordCipher> real, std::string fault) : real_(std::move(real)), fault_(std::move(fault)) {}
    size_t seal(Record* records, size_t count) override {
      if (fault_ == "counter") mangle(records, count);
      const size_t good = real_->seal(records, count);
      if (fault_ == "length" && records->length == 513) records->text[512] ^= 1;
      return good;
    }
    size_t open(Record* records, size_t count) override {
      if (fault_ == "counter") mangle(records, count);
      const size_t good = real_->open(records, count);
      if (fault_ != "tag") return good;
      for (size_t i = 0; i < count; i++) records[i].ok = true;
      return count;
    }

   private:
    static void mangle(Record* records, size_t count) {
      for (size_t i = 0; i < count; i++) records[i].counter &= 0xffffffff;
    }

    std::unique_ptr<RecordCipher> real_;
    std::string fault_;
  };

  const AeadEngine& real_;
  std::string fault_;
};

/** compareBroken("counter" | "length" | "tag" | "nothing") → the reason, or "" */
napi_value compareBroken(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string fault = arguments.string(0, "fault");
  if (!arguments.ok()) return nullptr;
  const AeadEngine& evp = *offerEvpAead().engine;
  return tuntap::makeString(env, compareAeads(BrokenEngine(evp, fault), evp).c_str());
}

}  // namespace

void addAead(napi_env env, napi_value exports) {
  addEdge(env, exports, "aead",
          {{"select", select},
           {"create", create},
           {"seal", run<&RecordCipher::seal>},
           {"open", run<&RecordCipher::open>},
           {"checkBroken", checkBroken},
           {"compareBroken", compareBroken}});
}

}  // namespace pqtun::testing
