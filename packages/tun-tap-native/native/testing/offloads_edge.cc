#include "../loop/offloads.h"

#include "../loop/udp_self_test.h"
#include "testing.h"

namespace pqtun::testing {
namespace {

using tuntap::kAllOffloads;
using tuntap::kOffloads;
using tuntap::Offload;
using tuntap::Offloads;

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f41ULL};

/** create(allowed: bits) */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto allowed = static_cast<uint32_t>(arguments.integer(0, "allowed", 0, kAllOffloads));
  if (!arguments.ok()) return nullptr;
  return hold(env, std::make_shared<Held<Offloads>>(Held<Offloads>{Offloads(allowed)}), kTag);
}

/** act(offloads, verb, offload: position, reason) → what the verb returns */
napi_value act(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<Held<Offloads>>(0, kTag);
  const std::string verb = arguments.string(1, "verb");
  const auto offload = static_cast<Offload>(arguments.integer(2, "offload", 0, kOffloads - 1));
  const std::string reason = arguments.string(3, "reason");
  if (!arguments.ok()) return nullptr;
  if (verb == "turnOn") held->value.turnOn(offload, reason);
  if (verb == "turnOff") return tuntap::makeBoolean(env, held->value.turnOff(offload, reason));
  if (verb == "settle") held->value.settle(offload, reason);
  if (verb == "wanted") return tuntap::makeBoolean(env, held->value.wanted(offload));
  if (verb == "active") return tuntap::makeBoolean(env, held->value.active(offload));
  if (verb == "reason") return tuntap::makeString(env, held->value.reason(offload).c_str());
  if (verb == "name") return tuntap::makeString(env, tuntap::offloadName(offload));
  return nullptr;
}

/** takeChanges(offloads) → bits */
napi_value takeChanges(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<Held<Offloads>>(0, kTag);
  return arguments.ok() ? tuntap::makeNumber(env, held->value.takeChanges()) : nullptr;
}

/** selfTest(offloads): testUdpOffloads() */
napi_value selfTest(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<Held<Offloads>>(0, kTag);
  if (arguments.ok()) tuntap::testUdpOffloads(&held->value);
  return nullptr;
}

}  // namespace

void addOffloads(napi_env env, napi_value exports) {
  addEdge(env, exports, "offloads",
          {{"create", create}, {"act", act}, {"takeChanges", takeChanges}, {"selfTest", selfTest}});
}

}  // namespace pqtun::testing
