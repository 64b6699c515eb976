#include "../plane/source_limiter.h"

#include <cstring>
#include <memory>

#include "../plane/siphash.h"

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f05ULL};

/** create(proven) → buckets */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const bool proven = arguments.boolean(0, "proven");
  if (!arguments.ok()) return nullptr;
  const HashKey key = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  return hold(env,
              std::shared_ptr<Held<Buckets>>(new Held<Buckets>{
                  proven ? Buckets(kProvenRate, WhenFull::kForgetOld, key) : Buckets(kUnprovenRate, WhenFull::kRefuseNew, key)}),
              kTag);
}

/** takeAll(buckets, times: Float64Array's bytes, size: 4 | 16, addresses: bytes, verdicts: a byte each) → size of the table */
napi_value takeAll(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto buckets = arguments.handle<Held<Buckets>>(0, kTag);
  const Bytes times = arguments.bytes(1, "times");
  const auto size = static_cast<size_t>(arguments.integer(2, "size", 4, 16));
  const Bytes addresses = arguments.bytes(3, "addresses");
  const Bytes verdicts = arguments.bytes(4, "verdicts");
  if (arguments.ok() && (times.length != verdicts.length * 8 || addresses.length != verdicts.length * size)) {
    arguments.refuse("verdicts", "a byte an address");
  }
  if (!arguments.ok()) return nullptr;
  for (size_t i = 0; i < verdicts.length; i++) {
    const SourcePrefix prefix = SourcePrefix::of(addresses.data + i * size, size);
    verdicts.data[i] = buckets->value.take(wordsOf<double>(times)[i], prefix) ? 1 : 0;
  }
  return tuntap::makeNumber(env, static_cast<double>(buckets->value.size()));
}

/** sipHash(key: 16 B, message: 16 B, out: 8 B), all little-endian */
napi_value callSipHash(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes key = arguments.bytes(0, "key");
  const Bytes message = arguments.bytes(1, "message");
  const Bytes out = arguments.bytes(2, "out");
  if (arguments.ok() && (key.length != 16 || message.length != 16 || out.length != 8)) {
    arguments.refuse("key", "16, 16 and 8 bytes");
  }
  if (!arguments.ok()) return nullptr;
  const HashKey hashKey = {wordsOf<uint64_t>(key)[0], wordsOf<uint64_t>(key)[1]};
  const uint64_t hash = sipHash(hashKey, wordsOf<uint64_t>(message)[0], wordsOf<uint64_t>(message)[1]);
  std::memcpy(out.data, &hash, sizeof hash);
  return nullptr;
}

}  // namespace

void addSourceLimiter(napi_env env, napi_value exports) {
  addEdge(env, exports, "sourceLimiter", {{"create", create}, {"takeAll", takeAll}, {"sipHash", callSipHash}});
}

}  // namespace pqtun::testing
