// The Node-API edge of the AEAD engines by themselves: what src/record-cipher.ts calls.
#include "aead_edge.h"

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "js.h"

namespace tuntap {
namespace {

constexpr napi_type_tag kCipherTag = {0x6e1d4a3bb6f04f1aULL, 0x9c5e0f6f3a6b2d05ULL};
/** Records a call, so that what a call allocates has a bound. src/record-cipher.ts says the same. */
constexpr size_t kMostRecords = 4096;

/** As JavaScript writes it. */
struct Place {
  uint32_t offset;
  uint32_t length;
  uint64_t counter;
};
static_assert(sizeof(Place) == 16, "src/record-cipher.ts writes 16 B a place");

struct CipherHandle {
  std::unique_ptr<pqtun::RecordCipher> cipher;
  /** Kept from call to call: making room costs as much as sealing a small packet. */
  std::vector<pqtun::Record> records;

  void close() { cipher.reset(); }
};

/** openRecordCipher(engine, key: 32 B) → handle */
napi_value openRecordCipher(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string name = arguments.string(0, "engine");
  const Bytes key = arguments.bytes(1, "key");
  if (arguments.ok() && key.length != pqtun::kKeySize) arguments.refuse("key", "32 bytes");
  if (!arguments.ok()) return nullptr;
  const pqtun::AeadOffer offer = pqtun::selectAead(name);
  if (offer.engine == nullptr) {
    napi_throw_error(env, "ERR_AEAD_UNAVAILABLE", ("AEAD engine " + name + ": " + offer.reason).c_str());
    return nullptr;
  }
  return makeRecordCipher(env, *offer.engine, key.data);
}

/** Whether all lie in memory, one behind the other, each with its tag. */
bool readPlaces(const Bytes& memory, const Bytes& places, std::vector<pqtun::Record>* records) {
  uint64_t end = 0;
  for (size_t i = 0; i < records->size(); i++) {
    Place place;
    std::memcpy(&place, places.data + i * sizeof place, sizeof place);
    if (place.offset < end) return false;
    end = uint64_t{place.offset} + place.length + pqtun::kTagSize;
    if (end > memory.length) return false;
    (*records)[i] = {memory.data + place.offset, place.length, place.counter, false};
  }
  return true;
}

template <size_t (pqtun::RecordCipher::*verb)(pqtun::Record*, size_t)>
napi_value run(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = arguments.handle<CipherHandle>(0, kCipherTag);
  const Bytes memory = arguments.bytes(1, "memory");
  const Bytes places = arguments.bytes(2, "places");
  const Bytes verdicts = arguments.bytes(3, "verdicts");
  if (arguments.ok() && handle->cipher == nullptr) arguments.refuse("cipher", "open");
  if (arguments.ok() && verdicts.length > kMostRecords) arguments.refuse("verdicts", "4096 bytes at most");
  if (arguments.ok() && places.length != verdicts.length * sizeof(Place)) arguments.refuse("verdicts", "a byte a place");
  if (!arguments.ok()) return nullptr;
  std::vector<pqtun::Record>& records = handle->records;
  records.resize(verdicts.length);
  if (!readPlaces(memory, places, &records)) {
    arguments.refuse("places", "places inside the memory, one behind the other");
    return nullptr;
  }
  const size_t good = ((*handle->cipher).*verb)(records.data(), records.size());
  for (size_t i = 0; i < records.size(); i++) verdicts.data[i] = records[i].ok ? 1 : 0;
  return makeNumber(env, static_cast<double>(good));
}

}  // namespace

napi_value makeRecordCipher(napi_env env, const pqtun::AeadEngine& engine, const uint8_t* key) {
  auto handle = std::make_shared<CipherHandle>();
  handle->cipher = engine.makeCipher(key);
  if (handle->cipher == nullptr) {
    napi_throw_error(env, "ERR_AEAD_UNAVAILABLE", (std::string("AEAD engine ") + engine.name() + ": libcrypto refused the key").c_str());
    return nullptr;
  }
  return wrapHandle(env, std::move(handle), kCipherTag);
}

napi_value sealRecords(napi_env env, napi_callback_info info) { return run<&pqtun::RecordCipher::seal>(env, info); }
napi_value openRecords(napi_env env, napi_callback_info info) { return run<&pqtun::RecordCipher::open>(env, info); }

napi_value closeRecordCipher(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = arguments.handle<CipherHandle>(0, kCipherTag);
  if (arguments.ok()) handle->close();
  return nullptr;
}

}  // namespace tuntap

void initAead(napi_env env, napi_value exports) {
  using namespace tuntap;
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"openRecordCipher", openRecordCipher},
      {"sealRecords", sealRecords},
      {"openRecords", openRecords},
      {"closeRecordCipher", closeRecordCipher},
  };
  for (const auto& entry : functions) setFunction(env, exports, entry.name, entry.function);
  setProperty(env, exports, "aeadIsSlowed", makeBoolean(env, pqtun::isAeadSlowed()));
}
