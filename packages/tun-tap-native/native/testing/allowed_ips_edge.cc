#include "../plane/allowed_ips.h"

#include <cstring>
#include <vector>

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f03ULL};
/** kind u8, size u8, bits u8, 0, peer u32, prefix 16 B. */
constexpr size_t kChangeSize = 24;

napi_value create(napi_env env, napi_callback_info) { return hold(env, std::make_shared<Held<AllowedIps>>(), kTag); }

/** apply(table, changes) → how many were applied, or the position of the first ill-formed one */
napi_value apply(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto table = arguments.handle<Held<AllowedIps>>(0, kTag);
  const Bytes bytes = arguments.bytes(1, "changes");
  if (!arguments.ok()) return nullptr;
  std::vector<RouteChange> changes(bytes.length / kChangeSize);
  for (size_t i = 0; i < changes.size(); i++) {
    const uint8_t* from = bytes.data + i * kChangeSize;
    changes[i].kind = static_cast<RouteChange::Kind>(from[0]);
    changes[i].size = from[1];
    changes[i].bits = from[2];
    std::memcpy(&changes[i].peer, from + 4, 4);
    std::memcpy(changes[i].prefix, from + 8, 16);
  }
  return tuntap::makeNumber(env, static_cast<double>(table->value.apply(changes.data(), changes.size())));
}

/** lookupAll(table, size: 4 | 16, addresses: bytes, peers: Uint32Array's bytes) */
napi_value lookupAll(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto table = arguments.handle<Held<AllowedIps>>(0, kTag);
  const auto size = static_cast<size_t>(arguments.integer(1, "size", 4, 16));
  const Bytes addresses = arguments.bytes(2, "addresses");
  const Bytes peers = arguments.bytes(3, "peers");
  if (arguments.ok() && addresses.length * 4 != peers.length * size) arguments.refuse("peers", "4 B an address");
  if (!arguments.ok()) return nullptr;
  auto* out = reinterpret_cast<uint32_t*>(peers.data);
  const uint8_t* ip = addresses.data;
  const size_t count = peers.length / 4;
  if (size == 4) {
    for (size_t i = 0; i < count; i++) out[i] = table->value.lookup4(ip + 4 * i);
  } else {
    for (size_t i = 0; i < count; i++) out[i] = table->value.lookup6(ip + 16 * i);
  }
  return nullptr;
}

/** sizes(table) → [prefixes, bytes] */
napi_value sizes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto table = arguments.handle<Held<AllowedIps>>(0, kTag);
  if (!arguments.ok()) return nullptr;
  napi_value pair = nullptr;
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, tuntap::makeNumber(env, static_cast<double>(table->value.size())));
  napi_set_element(env, pair, 1, tuntap::makeNumber(env, static_cast<double>(table->value.memory())));
  return pair;
}

}  // namespace

void addAllowedIps(napi_env env, napi_value exports) {
  addEdge(env, exports, "allowedIps",
          {{"create", create}, {"apply", apply}, {"lookupAll", lookupAll}, {"sizes", sizes}});
}

}  // namespace pqtun::testing
