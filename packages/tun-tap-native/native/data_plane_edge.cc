// The Node-API edge of the data plane: what src/data-plane.ts calls. The verbs are those of plane_verbs.h.
#include "data_plane_edge.h"

#include <cstring>
#include <string>
#include <utility>

#include "data_plane_handle.h"
#include "js.h"
#include "loop/udp_self_test.h"
#include "plane_verbs.h"

namespace tuntap {
namespace {

constexpr napi_type_tag kPlaneTag = {0x6e1d4a3bb6f04f1aULL, 0x9c5e0f6f3a6b2d04ULL};

napi_value throwIf(napi_env env, OsError error) {
  if (error) throwOsError(env, error);
  return nullptr;
}

/** The plane behind `position`, open; else there is an exception. */
std::shared_ptr<DataPlaneHandle> openHandle(napi_env env, Arguments* arguments) {
  auto handle = arguments->handle<DataPlaneHandle>(0, kPlaneTag);
  if (!arguments->ok()) return nullptr;
  if (handle->loop() == nullptr) {
    throwOsError(env, {EBADF, "data plane"});
    return nullptr;
  }
  return handle;
}

/** Six arguments: port, ipv4 (4 B or none), ipv6 (16 B or none), mark, receiveBuffer, sendBuffer. */
UdpPortOptions readUdpOptions(Arguments* arguments, size_t first) {
  UdpPortOptions options;
  options.port = static_cast<uint16_t>(arguments->integer(first, "port", 0, UINT16_MAX));
  const Bytes ipv4 = arguments->bytes(first + 1, "ipv4");
  const Bytes ipv6 = arguments->bytes(first + 2, "ipv6");
  options.mark = static_cast<uint32_t>(arguments->integer(first + 3, "mark", 0, UINT32_MAX));
  options.receiveBuffer = static_cast<uint32_t>(arguments->integer(first + 4, "receiveBuffer", 0, INT32_MAX));
  options.sendBuffer = static_cast<uint32_t>(arguments->integer(first + 5, "sendBuffer", 0, INT32_MAX));
  if (arguments->ok() && ipv4.length != 0 && ipv4.length != 4) arguments->refuse("ipv4", "4 bytes or none");
  if (arguments->ok() && ipv6.length != 0 && ipv6.length != 16) arguments->refuse("ipv6", "16 bytes or none");
  if (!arguments->ok()) return options;
  for (const Bytes& ip : {ipv4, ipv6}) {
    if (ip.length != 0) options.bind.emplace_back(reinterpret_cast<const char*>(ip.data), ip.length);
  }
  return options;
}

/** openDataPlane(name, fd or -1, mtu, aead, offloads, clampMss, batch, …readUdpOptions()) → handle */
napi_value openDataPlane(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  PlaneLoopOptions options;
  options.tunName = arguments.string(0, "name");
  options.tunFd = static_cast<int>(arguments.integer(1, "fd", -1, INT32_MAX));
  options.mtu = static_cast<uint32_t>(arguments.integer(2, "mtu", 1, UINT16_MAX));
  const std::string aead = arguments.string(3, "aead");
  options.allowedOffloads = static_cast<uint32_t>(arguments.integer(4, "offloads", 0, kAllOffloads));
  options.clampMss = arguments.boolean(5, "clampMss");
  options.batch = static_cast<uint32_t>(arguments.integer(6, "batch", 1, 256));
  options.udp = readUdpOptions(&arguments, 7);
  if (!arguments.ok()) return nullptr;
  pqtun::AeadOffer offer = pqtun::selectAead(aead);
  if (offer.engine == nullptr) {
    napi_throw_error(env, "ERR_AEAD_UNAVAILABLE", ("AEAD engine " + aead + ": " + offer.reason).c_str());
    return nullptr;
  }
  options.aead = offer.engine;
  auto opened = DataPlaneHandle::open(Environment::of(env), options, std::move(offer.reason));
  if (opened.error) return throwIf(env, opened.error);
  return wrapHandle(env, std::move(opened.value), kPlaneTag);
}

/** dataPlaneInfo(handle) → {name, interfaceIndex, port} */
napi_value dataPlaneInfo(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle) return nullptr;
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "name", makeString(env, handle->loop()->name().c_str()));
  setProperty(env, result, "interfaceIndex", makeNumber(env, handle->loop()->interfaceIndex()));
  setProperty(env, result, "port", makeNumber(env, handle->loop()->port()));
  return result;
}

napi_value makeOffload(napi_env env, const Offloads& offloads, Offload offload) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "name", makeString(env, offloadName(offload)));
  setProperty(env, result, "active", makeBoolean(env, offloads.active(offload)));
  setProperty(env, result, "reason", makeString(env, offloads.reason(offload).c_str()));
  return result;
}

/** Those in `mask`, as {name, active, reason}. */
napi_value makeOffloads(napi_env env, const Offloads& offloads, uint32_t mask) {
  napi_value list = nullptr;
  napi_create_array(env, &list);
  uint32_t length = 0;
  for (size_t i = 0; i < kOffloads; ++i) {
    const auto offload = static_cast<Offload>(i);
    if ((mask & offloadBit(offload)) != 0) napi_set_element(env, list, length++, makeOffload(env, offloads, offload));
  }
  return list;
}

/** dataPlaneStatus(handle) → {aead: {name, reason}, offloads: [{name, active, reason}]} */
napi_value dataPlaneStatus(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle) return nullptr;
  const Offloads offloads = PlaneLoop::Verb(handle->loop()).offloads();
  napi_value aead = nullptr;
  napi_create_object(env, &aead);
  setProperty(env, aead, "name", makeString(env, handle->aeadName().c_str()));
  setProperty(env, aead, "reason", makeString(env, handle->aeadReason().c_str()));
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "aead", aead);
  setProperty(env, result, "offloads", makeOffloads(env, offloads, kAllOffloads));
  return result;
}

/** dataPlaneCounters(handle) → ArrayBuffer of LoopCounter words */
napi_value dataPlaneCounters(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  return handle ? makeArrayBuffer(env, handle->loop()->counters().slab()) : nullptr;
}

/** dataPlaneStart(handle, onNews(), onLost(error)) */
napi_value dataPlaneStart(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle) return nullptr;
  const napi_value news = arguments.function(1, "onNews");
  const napi_value lost = arguments.function(2, "onLost");
  if (!arguments.ok()) return nullptr;
  const auto onNews = std::make_shared<JsCallback>(env, news, "tuntap.DataPlane");
  const auto onLost = std::make_shared<JsCallback>(env, lost, "tuntap.DataPlane");
  return throwIf(env, handle->start({[onNews] {
                                       const HandleScope scope(onNews->env());
                                       onNews->call({});
                                     },
                                     [onLost](OsError error) {
                                       const HandleScope scope(onLost->env());
                                       onLost->call({makeOsError(onLost->env(), error)});
                                     }}));
}

/** dataPlaneRebind(handle, …readUdpOptions()) */
napi_value dataPlaneRebind(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle) return nullptr;
  const UdpPortOptions options = readUdpOptions(&arguments, 1);
  return arguments.ok() ? throwIf(env, handle->loop()->rebind(options)) : nullptr;
}

/** dataPlaneSetMark(handle, mark) */
napi_value dataPlaneSetMark(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle) return nullptr;
  const auto mark = static_cast<uint32_t>(arguments.integer(1, "mark", 0, UINT32_MAX));
  return arguments.ok() ? throwIf(env, PlaneLoop::Verb(handle->loop()).setMark(mark)) : nullptr;
}

napi_value makeFailure(napi_env env, const SendFailure& failure) {
  napi_value result = nullptr;
  napi_create_object(env, &result);
  void* bytes = nullptr;
  napi_value buffer = nullptr;
  napi_value ip = nullptr;
  napi_create_arraybuffer(env, failure.to.ipSize, &bytes, &buffer);
  std::memcpy(bytes, failure.to.ip, failure.to.ipSize);
  napi_create_typedarray(env, napi_uint8_array, failure.to.ipSize, buffer, 0, &ip);
  napi_value to = nullptr;
  napi_create_object(env, &to);
  setProperty(env, to, "ip", ip);
  setProperty(env, to, "port", makeNumber(env, failure.to.port));
  setProperty(env, to, "scope", makeNumber(env, failure.to.scope));
  setProperty(env, result, "to", to);
  setProperty(env, result, "code", makeString(env, errorName(failure.code)));
  setProperty(env, result, "isTransport", makeBoolean(env, failure.transport));
  setProperty(env, result, "length", makeNumber(env, failure.length));
  setProperty(env, result, "count", makeNumber(env, static_cast<double>(failure.count)));
  return result;
}

/** Empties the loop's events; what is made of them for JavaScript is made when the loop has its turn again. */
LoopEvents takeEvents(PlaneLoop* loop, Offloads* offloads) {
  PlaneLoop::Verb verb(loop);
  *offloads = verb.offloads();
  return verb.takeEvents();
}

/** dataPlaneTakeEvents(handle) → {sendFailures, sourceLost, offloads: those that have changed}; undefined: there are none */
napi_value dataPlaneTakeEvents(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = openHandle(env, &arguments);
  if (!handle || !handle->loop()->hasEvents()) return nullptr;
  Offloads offloads(0);
  const LoopEvents events = takeEvents(handle->loop(), &offloads);
  napi_value failures = nullptr;
  napi_create_array_with_length(env, events.failures.size(), &failures);
  uint32_t length = 0;
  for (const SendFailure& failure : events.failures) {
    const HandleScope scope(env);
    napi_set_element(env, failures, length++, makeFailure(env, failure));
  }
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "sendFailures", failures);
  setProperty(env, result, "sourceLost", makeBoolean(env, events.sourceLost));
  setProperty(env, result, "offloads", makeOffloads(env, offloads, events.offloads));
  return result;
}

/** testDataPlaneOffloads(offloads) → [{name, active, reason}]: what a plane would find, as far as it can be told without a device */
napi_value testDataPlaneOffloads(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto allowed = static_cast<uint32_t>(arguments.integer(0, "offloads", 0, kAllOffloads));
  if (!arguments.ok()) return nullptr;
  Offloads offloads(allowed);
  testUdpOffloads(&offloads);
  TunPort::test(&offloads);
  return makeOffloads(env, offloads, kAllOffloads);
}

/** testDataPlaneAeads() → [{name, reason}], fastest first: the reason why one is not here, or none */
napi_value testDataPlaneAeads(napi_env env, napi_callback_info) {
  napi_value list = nullptr;
  napi_create_array(env, &list);
  uint32_t length = 0;
  for (const char* name : {"multibuffer", "raw", "evp"}) {
    const pqtun::AeadOffer offer = pqtun::selectAead(name);
    napi_value entry = nullptr;
    napi_create_object(env, &entry);
    setProperty(env, entry, "name", makeString(env, name));
    setProperty(env, entry, "reason", makeString(env, offer.engine == nullptr ? offer.reason.c_str() : ""));
    napi_set_element(env, list, length++, entry);
  }
  return list;
}

napi_value dataPlaneClose(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto handle = arguments.handle<DataPlaneHandle>(0, kPlaneTag);
  if (arguments.ok()) handle->close();
  return nullptr;
}

}  // namespace
}  // namespace tuntap

void initDataPlane(napi_env env, napi_value exports) {
  using namespace tuntap;
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"openDataPlane", openDataPlane},       {"dataPlaneInfo", dataPlaneInfo},
      {"dataPlaneStatus", dataPlaneStatus},   {"dataPlaneCounters", dataPlaneCounters},
      {"dataPlaneStart", dataPlaneStart},     {"dataPlaneRebind", dataPlaneRebind},
      {"dataPlaneSetMark", dataPlaneSetMark}, {"dataPlaneTakeEvents", dataPlaneTakeEvents},
      {"dataPlaneClose", dataPlaneClose},     {"testDataPlaneOffloads", testDataPlaneOffloads},
      {"testDataPlaneAeads", testDataPlaneAeads},
  };
  for (const auto& entry : functions) setFunction(env, exports, entry.name, entry.function);
  napi_value verbs = nullptr;
  if (napi_create_object(env, &verbs) != napi_ok) return;
  addPlaneVerbs<DataPlaneHandle, &kPlaneTag>(env, verbs);
  setProperty(env, exports, "planeVerbs", verbs);
}
