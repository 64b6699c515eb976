#include "../plane/xchacha.h"

#include "testing.h"

namespace pqtun::testing {
namespace {

/** hChaCha20(key: 32 B, nonce: 16 B, subkey: 32 B) */
napi_value callHChaCha20(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes key = arguments.bytes(0, "key");
  const Bytes nonce = arguments.bytes(1, "nonce");
  const Bytes subkey = arguments.bytes(2, "subkey");
  if (arguments.ok() && (key.length != 32 || nonce.length != 16 || subkey.length != 32)) {
    arguments.refuse("key", "32, 16 and 32 bytes");
  }
  if (arguments.ok()) hChaCha20(key.data, nonce.data, subkey.data);
  return nullptr;
}

/** seal(key: 32 B, nonce: 24 B, associated, text, sealed: text + 16 B) → whether it was done */
napi_value seal(napi_env env, napi_callback_info info) {
  // One for all calls, as in the plane: it shows whether anything of one call reaches the next.
  static const auto sealer = XChaChaSealer::create();
  Arguments arguments(env, info);
  const Bytes key = arguments.bytes(0, "key");
  const Bytes nonce = arguments.bytes(1, "nonce");
  const Bytes associated = arguments.bytes(2, "associated");
  const Bytes text = arguments.bytes(3, "text");
  const Bytes sealed = arguments.bytes(4, "sealed");
  if (arguments.ok() && (key.length != 32 || nonce.length != 24 || sealed.length != text.length + 16)) {
    arguments.refuse("key", "32 and 24 bytes, and 16 more for the result");
  }
  if (!arguments.ok()) return nullptr;
  return tuntap::makeBoolean(env, sealer != nullptr && sealer->seal(key.data, nonce.data, associated.data, associated.length,
                                                                    text.data, text.length, sealed.data));
}

}  // namespace

void addXChaCha(napi_env env, napi_value exports) {
  addEdge(env, exports, "xchacha", {{"hChaCha20", callHChaCha20}, {"seal", seal}});
}

}  // namespace pqtun::testing
