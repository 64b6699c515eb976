// The addon `plane_testing`: not shipped, and loaded by src/testing/plane-edge.ts alone. One line for each edge.
#include "testing.h"

namespace pqtun::testing {

void addAead(napi_env env, napi_value exports);
void addAllowedIps(napi_env env, napi_value exports);
void addBlake2sMac(napi_env env, napi_value exports);
void addReplayWindow(napi_env env, napi_value exports);
void addSourceLimiter(napi_env env, napi_value exports);
void addXChaCha(napi_env env, napi_value exports);
void addChecksum(napi_env env, napi_value exports);
void addInnerPacket(napi_env env, napi_value exports);
void addGsoSplit(napi_env env, napi_value exports);
void addGroSplit(napi_env env, napi_value exports);
void addCoalesce(napi_env env, napi_value exports);
void addDataPlane(napi_env env, napi_value exports);
void addGate(napi_env env, napi_value exports);
void addMessageQueue(napi_env env, napi_value exports);
void addOffloads(napi_env env, napi_value exports);
void addTurnLock(napi_env env, napi_value exports);
void addTrainSender(napi_env env, napi_value exports);
void addDescriptors(napi_env env, napi_value exports);

void addEdge(napi_env env, napi_value exports, const char* name, std::initializer_list<Function> functions) {
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return;
  for (const auto& function : functions) tuntap::setFunction(env, object, function.name, function.call);
  tuntap::setProperty(env, exports, name, object);
}

}  // namespace pqtun::testing

NAPI_MODULE_INIT() {
  using namespace pqtun::testing;
  addAead(env, exports);
  addAllowedIps(env, exports);
  addBlake2sMac(env, exports);
  addReplayWindow(env, exports);
  addSourceLimiter(env, exports);
  addXChaCha(env, exports);
  addChecksum(env, exports);
  addInnerPacket(env, exports);
  addGsoSplit(env, exports);
  addGroSplit(env, exports);
  addCoalesce(env, exports);
  addDataPlane(env, exports);
  addOffloads(env, exports);
  addTurnLock(env, exports);
  addTrainSender(env, exports);
  addDescriptors(env, exports);
  addGate(env, exports);
  addMessageQueue(env, exports);
  return exports;
}
