#include "../plane/replay_window.h"

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f01ULL};

napi_value create(napi_env env, napi_callback_info) {
  return hold(env, std::make_shared<Held<ReplayWindow>>(), kTag);
}

/** acceptAll(window, counters: BigUint64Array's bytes, verdicts: one byte each) */
napi_value acceptAll(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto window = arguments.handle<Held<ReplayWindow>>(0, kTag);
  const Bytes counters = arguments.bytes(1, "counters");
  const Bytes verdicts = arguments.bytes(2, "verdicts");
  if (arguments.ok() && counters.length != verdicts.length * 8) arguments.refuse("verdicts", "a byte a counter");
  if (!arguments.ok()) return nullptr;
  for (size_t i = 0; i < verdicts.length; i++) {
    verdicts.data[i] = window->value.accept(wordsOf<uint64_t>(counters)[i]) ? 1 : 0;
  }
  return nullptr;
}

}  // namespace

void addReplayWindow(napi_env env, napi_value exports) {
  addEdge(env, exports, "replayWindow", {{"create", create}, {"acceptAll", acceptAll}});
}

}  // namespace pqtun::testing
