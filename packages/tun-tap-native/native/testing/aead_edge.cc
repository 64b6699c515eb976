#include "../plane/aead.h"

#include "../aead_edge.h"
#include "../plane/aead_multibuffer.h"
#include "../plane/aead_raw_primitives.h"
#include "testing.h"

namespace pqtun::testing {
namespace {

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

/** createWide(key: 32 B) → a cipher of `multibuffer-wide`, which no selectAead() gives */
napi_value createWide(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes key = arguments.bytes(0, "key");
  const AeadOffer offer = selectWithWide("multibuffer-wide");
  if (arguments.ok() && key.length != kKeySize) arguments.refuse("key", "32 bytes");
  if (arguments.ok() && offer.engine == nullptr) arguments.refuse("engine", "one that is there");
  return arguments.ok() ? tuntap::makeRecordCipher(env, *offer.engine, key.data) : nullptr;
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
           {"createWide", createWide},
           {"sealRecords", tuntap::sealRecords},
           {"openRecords", tuntap::openRecords},
           {"checkBroken", checkBroken},
           {"compareBroken", compareBroken}});
}

}  // namespace pqtun::testing
