// The Node-API edge: reads and checks arguments, wraps and unwraps handles. What the calls do stands in the files named
// like them. The functions are called by src/ alone; src/binding.ts declares each.
#include <node_api.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <vector>

#include "aead_edge.h"
#include "boot_timer.h"
#include "capabilities.h"
#include "data_plane_edge.h"
#include "environment.h"
#include "js.h"
#include "notify.h"
#include "process.h"
#include "tun.h"
#include "udp.h"

#if __has_include("netlink.h")
#include "netlink.h"
#define TUNTAP_HAS_NETLINK
#endif
#if __has_include("capture.h")
#include "capture.h"
#define TUNTAP_HAS_CAPTURE
#endif

namespace tuntap {
namespace {

// Raised with every change of the functions below, so that sources and a stale build do not meet.
constexpr int kEdgeVersion = 4;

constexpr napi_type_tag kTunTag = {0x6e1d4a3bb6f04f1aULL, 0x9c5e0f6f3a6b2d01ULL};
constexpr napi_type_tag kUdpTag = {0x6e1d4a3bb6f04f1aULL, 0x9c5e0f6f3a6b2d02ULL};
constexpr napi_type_tag kBootTimerTag = {0x6e1d4a3bb6f04f1aULL, 0x9c5e0f6f3a6b2d03ULL};

napi_value throwIf(napi_env env, OsError error) {
  if (error) throwOsError(env, error);
  return nullptr;
}

template <class T>
napi_value wrapOrThrow(napi_env env, OsResult<std::shared_ptr<T>> result, const napi_type_tag& tag) {
  if (result.error) return throwIf(env, result.error);
  return wrapHandle(env, std::move(result.value), tag);
}

napi_value makePair(napi_env env, napi_value first, napi_value second) {
  if (first == nullptr || second == nullptr) return nullptr;
  napi_value pair = nullptr;
  napi_create_array_with_length(env, 2, &pair);
  napi_set_element(env, pair, 0, first);
  napi_set_element(env, pair, 1, second);
  return pair;
}

std::function<void(uint32_t)> callWithCount(std::shared_ptr<JsCallback> callback) {
  return [callback](uint32_t count) {
    const HandleScope scope(callback->env());
    callback->call({makeNumber(callback->env(), count)});
  };
}

std::function<void(OsError)> callWithError(std::shared_ptr<JsCallback> callback) {
  return [callback](OsError error) {
    const HandleScope scope(callback->env());
    callback->call({makeOsError(callback->env(), error)});
  };
}

// --- TUN ---------------------------------------------------------------------------------------------------------------

/** openTun(name, tap, fd or -1, headroom, tailroom, batch) → handle */
napi_value openTun(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  TunOptions options;
  options.name = arguments.string(0, "name");
  options.tap = arguments.boolean(1, "tap");
  options.fd = static_cast<int>(arguments.integer(2, "fd", -1, INT32_MAX));
  options.headroom = static_cast<uint32_t>(arguments.integer(3, "headroom", 0, 256));
  options.tailroom = static_cast<uint32_t>(arguments.integer(4, "tailroom", 0, 256));
  options.batch = static_cast<uint32_t>(arguments.integer(5, "batch", 1, 256));
  if (!arguments.ok()) return nullptr;
  return wrapOrThrow(env, Tun::open(Environment::of(env), options), kTunTag);
}

/** tunInfo(handle) → {name, tap, interfaceIndex, fd} */
napi_value tunInfo(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  if (!arguments.ok()) return nullptr;
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "name", makeString(env, tun->name().c_str()));
  setProperty(env, result, "tap", makeBoolean(env, tun->tap()));
  setProperty(env, result, "interfaceIndex", makeNumber(env, tun->interfaceIndex()));
  setProperty(env, result, "fd", makeNumber(env, tun->fd()));
  return result;
}

/** tunBuffers(handle) → [slab, table of PacketPosition], both ArrayBuffers */
napi_value tunBuffers(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  if (!arguments.ok()) return nullptr;
  return makePair(env, makeArrayBuffer(env, tun->slab()), makeArrayBuffer(env, tun->table()));
}

/** tunStart(handle, packets(count), error(error)) */
napi_value tunStart(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  const napi_value packets = arguments.function(1, "onPackets");
  const napi_value error = arguments.function(2, "onError");
  if (!arguments.ok()) return nullptr;
  return throwIf(env, tun->start({callWithCount(std::make_shared<JsCallback>(env, packets, "tuntap.Tun")),
                                  callWithError(std::make_shared<JsCallback>(env, error, "tuntap.Tun"))}));
}

napi_value tunStop(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  if (arguments.ok()) tun->stop();
  return nullptr;
}

/** tunWrite(handle, array of Uint8Array) → number the kernel took */
napi_value tunWrite(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  uint32_t length = 0;
  const napi_value packets = arguments.array(1, "packets", &length);
  if (!arguments.ok()) return nullptr;
  if (tun->closed()) return throwIf(env, {EBADF, "write"});
  uint32_t taken = 0;
  // Reading an element can run JavaScript (a getter) that closes the device: it is asked each time, and no pointer is kept.
  for (uint32_t i = 0; i < length && !tun->closed(); ++i) {
    const HandleScope scope(env);
    napi_value element = nullptr;
    Bytes packet;
    if (napi_get_element(env, packets, i, &element) != napi_ok) return nullptr;
    if (!readBytes(env, element, &packet)) {
      arguments.refuse(("packets[" + std::to_string(i) + "]").c_str(), "a Uint8Array");
      return nullptr;
    }
    if (!tun->closed() && tun->write(packet.data, packet.length)) ++taken;
  }
  return makeNumber(env, taken);
}

/** tunCounters(handle) → {packetsRead, packetsWritten, packetsRefused} */
napi_value tunCounters(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  if (!arguments.ok()) return nullptr;
  const TunCounters& counters = tun->counters();
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "packetsRead", makeNumber(env, static_cast<double>(counters.packetsRead)));
  setProperty(env, result, "packetsWritten", makeNumber(env, static_cast<double>(counters.packetsWritten)));
  setProperty(env, result, "packetsRefused", makeNumber(env, static_cast<double>(counters.packetsRefused)));
  return result;
}

napi_value tunClose(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto tun = arguments.handle<Tun>(0, kTunTag);
  if (arguments.ok()) tun->close();
  return nullptr;
}

// --- UDP ---------------------------------------------------------------------------------------------------------------

/** openUdp(family, ip, port, scope, fd or -1, flags, mark, receiveBuffer, sendBuffer, pathMtuDiscovery, batch, longest) → handle */
napi_value openUdp(napi_env env, napi_callback_info info) {
  constexpr int64_t kIpv6Only = 1;
  constexpr int64_t kReusePort = 2;
  Arguments arguments(env, info);
  UdpOptions options;
  options.family = static_cast<int>(arguments.integer(0, "family", 4, 6));
  const Bytes ip = arguments.bytes(1, "ip");
  options.port = static_cast<uint16_t>(arguments.integer(2, "port", 0, UINT16_MAX));
  options.scope = static_cast<uint32_t>(arguments.integer(3, "scope", 0, UINT32_MAX));
  options.fd = static_cast<int>(arguments.integer(4, "fd", -1, INT32_MAX));
  const int64_t flags = arguments.integer(5, "flags", 0, kIpv6Only | kReusePort);
  options.ipv6Only = (flags & kIpv6Only) != 0;
  options.reusePort = (flags & kReusePort) != 0;
  options.mark = static_cast<uint32_t>(arguments.integer(6, "mark", 0, UINT32_MAX));
  options.receiveBuffer = static_cast<uint32_t>(arguments.integer(7, "receiveBuffer", 0, INT32_MAX));
  options.sendBuffer = static_cast<uint32_t>(arguments.integer(8, "sendBuffer", 0, INT32_MAX));
  options.pathMtuDiscovery = static_cast<int>(arguments.integer(9, "pathMtuDiscovery", IP_PMTUDISC_DONT, IP_PMTUDISC_PROBE));
  options.batch = static_cast<uint32_t>(arguments.integer(10, "batch", 1, 256));
  options.longest = static_cast<uint32_t>(arguments.integer(11, "longest", 1, 65535));
  if (arguments.ok() && options.family == 5) arguments.refuse("family", "4 or 6");
  if (arguments.ok() && ip.length != 0 && ip.length != (options.family == 4 ? 4 : 16)) arguments.refuse("ip", "as long as the family's");
  if (!arguments.ok()) return nullptr;
  options.ip.assign(reinterpret_cast<const char*>(ip.data), ip.length);
  return wrapOrThrow(env, Udp::open(Environment::of(env), options), kUdpTag);
}

/** udpInfo(handle) → {port, fd} */
napi_value udpInfo(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  if (!arguments.ok()) return nullptr;
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "port", makeNumber(env, udp->port()));
  setProperty(env, result, "fd", makeNumber(env, udp->fd()));
  return result;
}

/** udpBuffers(handle) → [slab, array of UdpRecord], both ArrayBuffers */
napi_value udpBuffers(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  if (!arguments.ok()) return nullptr;
  return makePair(env, makeArrayBuffer(env, udp->slab()), makeArrayBuffer(env, udp->records()));
}

/** udpStart(handle, datagrams(count), error(error)) */
napi_value udpStart(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  const napi_value datagrams = arguments.function(1, "onDatagrams");
  const napi_value error = arguments.function(2, "onError");
  if (!arguments.ok()) return nullptr;
  return throwIf(env, udp->start({callWithCount(std::make_shared<JsCallback>(env, datagrams, "tuntap.Udp")),
                                  callWithError(std::make_shared<JsCallback>(env, error, "tuntap.Udp"))}));
}

napi_value udpStop(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  if (arguments.ok()) udp->stop();
  return nullptr;
}

bool fits(const UdpRecord& record, int family) {
  const bool remote = record.ipLength == 4 || (family == 6 && record.ipLength == 16);
  return remote && record.port <= UINT16_MAX && (record.localIpLength == 0 || record.localIpLength == record.ipLength);
}

/** udpSend(handle, records, array of Uint8Array) → number that failed; their `status` is written to the records */
napi_value udpSend(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  const Bytes table = arguments.bytes(1, "records");
  uint32_t count = 0;
  const napi_value datagrams = arguments.array(2, "datagrams", &count);
  if (!arguments.ok()) return nullptr;
  if (udp->closed()) return throwIf(env, {EBADF, "sendmmsg"});
  if (table.length / sizeof(UdpRecord) < count) {
    arguments.refuse("records", "one for each datagram");
    return nullptr;
  }
  // `datagrams` is an array the package has just made: reading its elements runs no JavaScript, so the pointers stay good.
  std::vector<OutgoingBytes> bytes(count);
  std::vector<UdpRecord> records(count);
  if (count != 0) std::memcpy(records.data(), table.data, count * sizeof(UdpRecord));
  for (uint32_t i = 0; i < count; ++i) {
    const HandleScope scope(env);
    napi_value element = nullptr;
    Bytes datagram;
    napi_get_element(env, datagrams, i, &element);
    if (!readBytes(env, element, &datagram) || !fits(records[i], udp->family())) {
      arguments.refuse(("datagrams[" + std::to_string(i) + "]").c_str(), "a Uint8Array with an address of the family");
      return nullptr;
    }
    bytes[i] = {datagram.data, datagram.length};
  }
  const uint32_t failures = udp->send(records.data(), bytes.data(), count);
  if (failures != 0) std::memcpy(table.data, records.data(), count * sizeof(UdpRecord));
  return makeNumber(env, failures);
}

napi_value udpSetMark(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  const auto mark = static_cast<uint32_t>(arguments.integer(1, "mark", 0, UINT32_MAX));
  return arguments.ok() ? throwIf(env, udp->setMark(mark)) : nullptr;
}

/** udpCounters(handle) → {datagramsReceived, datagramsSent, oversize, receiveErrors, sendFailures} */
napi_value udpCounters(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  if (!arguments.ok()) return nullptr;
  const UdpCounters& counters = udp->counters();
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "datagramsReceived", makeNumber(env, static_cast<double>(counters.received)));
  setProperty(env, result, "datagramsSent", makeNumber(env, static_cast<double>(counters.sent)));
  setProperty(env, result, "oversize", makeNumber(env, static_cast<double>(counters.oversize)));
  setProperty(env, result, "receiveErrors", makeNumber(env, static_cast<double>(counters.receiveErrors)));
  setProperty(env, result, "sendFailures", makeNumber(env, static_cast<double>(counters.sendFailures)));
  return result;
}

napi_value udpClose(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto udp = arguments.handle<Udp>(0, kUdpTag);
  if (arguments.ok()) udp->close();
  return nullptr;
}

napi_value makeUdpRecordLayout(napi_env env) {
  napi_value layout = nullptr;
  napi_create_object(env, &layout);
  const auto set = [&](const char* name, size_t value) {
    setProperty(env, layout, name, makeNumber(env, static_cast<double>(value)));
  };
  set("size", sizeof(UdpRecord));
  set("offset", offsetof(UdpRecord, offset));
  set("length", offsetof(UdpRecord, length));
  set("port", offsetof(UdpRecord, port));
  set("scope", offsetof(UdpRecord, scope));
  set("interfaceIndex", offsetof(UdpRecord, interfaceIndex));
  set("status", offsetof(UdpRecord, status));
  set("ipLength", offsetof(UdpRecord, ipLength));
  set("localIpLength", offsetof(UdpRecord, localIpLength));
  set("ip", offsetof(UdpRecord, ip));
  set("localIp", offsetof(UdpRecord, localIp));
  return layout;
}

// --- time --------------------------------------------------------------------------------------------------------------

napi_value openBootTimer(napi_env env, napi_callback_info) {
  return wrapOrThrow(env, BootTimer::open(Environment::of(env)), kBootTimerTag);
}

/** bootTimerArm(handle, deadline, expired()); an armed timer keeps the function it has */
napi_value bootTimerArm(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto timer = arguments.handle<BootTimer>(0, kBootTimerTag);
  const double deadline = arguments.number(1, "deadline");
  const napi_value expired = arguments.function(2, "onExpire");
  if (!arguments.ok()) return nullptr;
  if (timer->armed()) return throwIf(env, timer->rearm(deadline));
  const auto callback = std::make_shared<JsCallback>(env, expired, "tuntap.BootTimer");
  return throwIf(env, timer->arm(deadline, [callback] {
    const HandleScope scope(callback->env());
    callback->call({});
  }));
}

napi_value bootTimerDisarm(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto timer = arguments.handle<BootTimer>(0, kBootTimerTag);
  if (arguments.ok()) timer->disarm();
  return nullptr;
}

napi_value bootTimerClose(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto timer = arguments.handle<BootTimer>(0, kBootTimerTag);
  if (arguments.ok()) timer->close();
  return nullptr;
}

napi_value readBootTime(napi_env env, napi_callback_info) { return makeNumber(env, bootTime()); }

// --- process -----------------------------------------------------------------------------------------------------------

/** notifyService(path, state) */
napi_value notify(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const std::string path = arguments.string(0, "path");
  const std::string state = arguments.string(1, "state");
  return arguments.ok() ? throwIf(env, notifyService(path, state)) : nullptr;
}

/** peerCredentials(fd) → {pid, uid, gid} */
napi_value peerCredentials(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 0, INT32_MAX));
  if (!arguments.ok()) return nullptr;
  const OsResult<ucred> credentials = socketPeerCredentials(fd);
  if (credentials.error) return throwIf(env, credentials.error);
  napi_value result = nullptr;
  napi_create_object(env, &result);
  setProperty(env, result, "pid", makeNumber(env, credentials.value.pid));
  setProperty(env, result, "uid", makeNumber(env, credentials.value.uid));
  setProperty(env, result, "gid", makeNumber(env, credentials.value.gid));
  return result;
}

napi_value callForbidDump(napi_env env, napi_callback_info) { return throwIf(env, forbidDump()); }
napi_value callForbidCoreFiles(napi_env env, napi_callback_info) { return throwIf(env, forbidCoreFiles()); }
napi_value callForbidNewPrivileges(napi_env env, napi_callback_info) { return throwIf(env, forbidNewPrivileges()); }

/** probe() → {tun: error or undefined, tunVnetHeader, tunMultiQueue, udpGso, udpGro, netAdmin} */
napi_value probe(napi_env env, napi_callback_info) {
  const Capabilities capabilities = probeCapabilities();
  napi_value result = nullptr;
  napi_create_object(env, &result);
  if (capabilities.tun) setProperty(env, result, "tunError", makeOsError(env, capabilities.tun));
  setProperty(env, result, "tunVnetHeader", makeBoolean(env, capabilities.tunVnetHeader));
  setProperty(env, result, "tunMultiQueue", makeBoolean(env, capabilities.tunMultiQueue));
  setProperty(env, result, "udpGso", makeBoolean(env, capabilities.udpGso));
  setProperty(env, result, "udpGro", makeBoolean(env, capabilities.udpGro));
  setProperty(env, result, "netAdmin", makeBoolean(env, capabilities.netAdmin));
  return result;
}

napi_value nameError(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int code = static_cast<int>(arguments.integer(0, "code", 0, INT32_MAX));
  return arguments.ok() ? makeString(env, errorName(code)) : nullptr;
}

}  // namespace
}  // namespace tuntap

NAPI_MODULE_INIT() {
  using namespace tuntap;
  if (!Environment::install(env)) return nullptr;
  setProperty(env, exports, "edgeVersion", makeNumber(env, kEdgeVersion));
  setProperty(env, exports, "udpRecordLayout", makeUdpRecordLayout(env));
  const struct {
    const char* name;
    napi_callback function;
  } functions[] = {
      {"openTun", openTun},
      {"tunInfo", tunInfo},
      {"tunBuffers", tunBuffers},
      {"tunStart", tunStart},
      {"tunStop", tunStop},
      {"tunWrite", tunWrite},
      {"tunCounters", tunCounters},
      {"tunClose", tunClose},
      {"openUdp", openUdp},
      {"udpInfo", udpInfo},
      {"udpBuffers", udpBuffers},
      {"udpStart", udpStart},
      {"udpStop", udpStop},
      {"udpSend", udpSend},
      {"udpSetMark", udpSetMark},
      {"udpCounters", udpCounters},
      {"udpClose", udpClose},
      {"openBootTimer", openBootTimer},
      {"bootTimerArm", bootTimerArm},
      {"bootTimerDisarm", bootTimerDisarm},
      {"bootTimerClose", bootTimerClose},
      {"bootTime", readBootTime},
      {"notifyService", notify},
      {"peerCredentials", peerCredentials},
      {"forbidDump", callForbidDump},
      {"forbidCoreFiles", callForbidCoreFiles},
      {"forbidNewPrivileges", callForbidNewPrivileges},
      {"probe", probe},
      {"errorName", nameError},
  };
  for (const auto& entry : functions) setFunction(env, exports, entry.name, entry.function);
  initDataPlane(env, exports);
  initAead(env, exports);
#ifdef TUNTAP_HAS_NETLINK
  initNetlink(env, exports);
#endif
#ifdef TUNTAP_HAS_CAPTURE
  initCapture(env, exports);
#endif
  return exports;
}
