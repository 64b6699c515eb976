#include "../plane/blake2s_mac.h"

#include <memory>

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f04ULL};

struct Mac {
  std::unique_ptr<Blake2sMac> mac;
  void close() { mac.reset(); }
};

/** create() → mac, which has no key yet */
napi_value create(napi_env env, napi_callback_info) {
  auto mac = std::make_shared<Mac>();
  mac->mac = Blake2sMac::create();
  if (mac->mac == nullptr) {
    napi_throw_error(env, nullptr, "no keyed BLAKE2s");
    return nullptr;
  }
  return tuntap::wrapHandle(env, mac, kTag);
}

/** setKey(mac, key) → whether it was taken */
napi_value setKey(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto mac = arguments.handle<Mac>(0, kTag);
  const Bytes key = arguments.bytes(1, "key");
  return arguments.ok() ? tuntap::makeBoolean(env, mac->mac->setKey(key.data, key.length)) : nullptr;
}

/** compute(mac, message, out: 16 B) → whether it was done */
napi_value compute(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto mac = arguments.handle<Mac>(0, kTag);
  const Bytes message = arguments.bytes(1, "message");
  const Bytes out = arguments.bytes(2, "out");
  if (arguments.ok() && out.length != Blake2sMac::kSize) arguments.refuse("out", "16 bytes");
  return arguments.ok() ? tuntap::makeBoolean(env, mac->mac->compute(message.data, message.length, out.data)) : nullptr;
}

/** verify(mac, message, tag: 16 B) → whether it fits */
napi_value verify(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto mac = arguments.handle<Mac>(0, kTag);
  const Bytes message = arguments.bytes(1, "message");
  const Bytes tag = arguments.bytes(2, "tag");
  if (arguments.ok() && tag.length != Blake2sMac::kSize) arguments.refuse("tag", "16 bytes");
  return arguments.ok() ? tuntap::makeBoolean(env, mac->mac->verify(message.data, message.length, tag.data)) : nullptr;
}

}  // namespace

void addBlake2sMac(napi_env env, napi_value exports) {
  addEdge(env, exports, "blake2sMac",
          {{"create", create}, {"setKey", setKey}, {"compute", compute}, {"verify", verify}});
}

}  // namespace pqtun::testing
