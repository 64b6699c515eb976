#include "plane_verbs.h"

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "plane/gate_settings.h"
#include "plane/little_endian.h"
#include "plane/place_layout.h"
#include "plane/report_layout.h"

namespace tuntap {
namespace {

using pqtun::DataPlane;
using pqtun::Endpoint;
using pqtun::LocalAddress;
using pqtun::PeerId;
using pqtun::readLe32;

constexpr size_t kSessionSize = 76;
constexpr size_t kSettingsSize = 8 + pqtun::kPlaceSize;
constexpr size_t kRouteSize = 24;

uint32_t word(Arguments* arguments, size_t position, const char* name) {
  return static_cast<uint32_t>(arguments->integer(position, name, 0, UINT32_MAX));
}

/** Bytes of one size. */
Bytes sized(Arguments* arguments, size_t position, const char* name, size_t size) {
  const Bytes bytes = arguments->bytes(position, name);
  if (arguments->ok() && bytes.length != size) arguments->refuse(name, (std::to_string(size) + " bytes").c_str());
  return bytes;
}

double readDouble(const uint8_t* from) {
  const uint64_t bits = pqtun::readLe64(from);
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** A counter limit; JavaScript may say more than fits, or what is no number. */
uint64_t readCount(const uint8_t* from) {
  const double value = readDouble(from);
  constexpr double kMost = 9007199254740992;  // 2^53, above what any session is allowed
  return value > 0 ? static_cast<uint64_t>(std::fmin(value, kMost)) : 0;
}

/** install(plane, now, session, sendKey, receiveKey); the session as src/plane-verbs.ts packs it */
napi_value install(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const double now = arguments->number(1, "now");
  const Bytes packed = sized(arguments, 2, "session", kSessionSize);
  const Bytes sendKey = sized(arguments, 3, "sendKey", pqtun::kKeySize);
  const Bytes receiveKey = sized(arguments, 4, "receiveKey", pqtun::kKeySize);
  if (!arguments->ok()) return nullptr;
  const uint8_t* at = packed.data;
  pqtun::SessionInstall session = {};
  session.peer = readLe32(at);
  session.localIndex = readLe32(at + 4);
  session.remoteIndex = readLe32(at + 8);
  session.role = at[12] == 0 ? pqtun::Role::initiator : pqtun::Role::responder;
  session.kind = at[13] == 0 ? pqtun::SessionKind::hybrid : pqtun::SessionKind::classical;
  session.winsCrossing = at[14] != 0;
  session.bornAt = readDouble(at + 16);
  session.limits = {readDouble(at + 24), readDouble(at + 32), readDouble(at + 40), readCount(at + 48), readCount(at + 56)};
  std::memcpy(session.timestamp, at + 64, sizeof session.timestamp);
  session.sendKey = sendKey.data;
  session.receiveKey = receiveKey.data;
  withPlane([&](DataPlane& plane) { plane.install(now, session); });
  return nullptr;
}

/** retire(plane, now, index), and the others that take a time and a number */
template <void (DataPlane::*verb)(double, uint32_t)>
napi_value withTimeAndNumber(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const double now = arguments->number(1, "now");
  const uint32_t number = word(arguments, 2, "number");
  if (arguments->ok()) withPlane([&](DataPlane& plane) { (plane.*verb)(now, number); });
  return nullptr;
}

/** resetTimestamp(plane, peer), and the others that take a number */
template <void (DataPlane::*verb)(uint32_t)>
napi_value withNumber(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const uint32_t number = word(arguments, 1, "number");
  if (arguments->ok()) withPlane([&](DataPlane& plane) { (plane.*verb)(number); });
  return nullptr;
}

/** setPeer(plane, peer, settings), as src/plane-verbs.ts packs them */
napi_value setPeer(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const PeerId peer = word(arguments, 1, "peer");
  const Bytes packed = sized(arguments, 2, "settings", kSettingsSize);
  if (!arguments->ok()) return nullptr;
  pqtun::PeerSettings settings = {};
  settings.setsEndpoint = (packed.data[0] & 1) != 0;
  settings.setsLocalAddress = (packed.data[0] & 2) != 0;
  settings.setsKind = (packed.data[0] & 4) != 0;
  settings.kind = packed.data[1] == 0 ? pqtun::SessionKind::hybrid : pqtun::SessionKind::classical;
  settings.pathMtu = readLe32(packed.data + 4);
  pqtun::readPlace(packed.data + 8, &settings.endpoint, &settings.localAddress);
  withPlane([&](DataPlane& plane) { plane.setPeer(peer, settings); });
  return nullptr;
}

/** setRoutes(plane, changes) → whether all were well-formed and have been applied; as src/plane-verbs.ts packs them */
napi_value setRoutes(napi_env env, Arguments* arguments, const WithPlane& withPlane) {
  const Bytes packed = arguments->bytes(1, "changes");
  if (arguments->ok() && packed.length % kRouteSize != 0) arguments->refuse("changes", "24 bytes each");
  if (!arguments->ok()) return nullptr;
  std::vector<DataPlane::PeerRoute> routes(packed.length / kRouteSize);
  for (size_t i = 0; i < routes.size(); i++) {
    const uint8_t* at = packed.data + i * kRouteSize;
    routes[i].kind = static_cast<pqtun::RouteChange::Kind>(at[0]);
    routes[i].size = at[1];
    routes[i].bits = at[2];
    routes[i].peer = readLe32(at + 4);
    std::memcpy(routes[i].prefix, at + 8, sizeof routes[i].prefix);
  }
  bool applied = false;
  withPlane([&](DataPlane& plane) { applied = plane.setRoutes(routes.data(), routes.size()); });
  return makeBoolean(env, applied);
}

/** transmit(plane, now, peer, payload, place: 48 B, or empty for the peer's endpoint) → whether it was sent */
napi_value transmit(napi_env env, Arguments* arguments, const WithPlane& withPlane) {
  const double now = arguments->number(1, "now");
  const PeerId peer = word(arguments, 2, "peer");
  const Bytes payload = arguments->bytes(3, "payload");
  const Bytes place = arguments->bytes(4, "place");
  if (arguments->ok() && place.length != 0 && place.length != pqtun::kPlaceSize) arguments->refuse("place", "48 bytes or none");
  if (arguments->ok() && payload.length > UINT16_MAX) arguments->refuse("payload", "at most 65,535 bytes");
  if (!arguments->ok()) return nullptr;
  Endpoint to = {};
  LocalAddress from = {};
  if (place.length > 0) pqtun::readPlace(place.data, &to, &from);
  bool sent = false;
  withPlane([&](DataPlane& plane) {
    sent = plane.transmit(now, peer, payload.data, static_cast<uint32_t>(payload.length), to, from);
  });
  return makeBoolean(env, sent);
}

/** sendDatagram(plane, place: 48 B, bytes) */
napi_value sendDatagram(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const Bytes place = sized(arguments, 1, "place", pqtun::kPlaceSize);
  const Bytes bytes = arguments->bytes(2, "bytes");
  if (arguments->ok() && bytes.length > UINT16_MAX) arguments->refuse("bytes", "at most 65,535 bytes");
  if (!arguments->ok()) return nullptr;
  Endpoint to;
  LocalAddress from;
  pqtun::readPlace(place.data, &to, &from);
  withPlane([&](DataPlane& plane) { plane.sendDatagram(to, from, bytes.data, static_cast<uint32_t>(bytes.length)); });
  return nullptr;
}

/** setGate(plane, settings), as src/gate-settings.ts packs them */
napi_value setGate(napi_env, Arguments* arguments, const WithPlane& withPlane) {
  const Bytes packed = arguments->bytes(1, "settings");
  if (!arguments->ok()) return nullptr;
  auto settings = std::make_unique<pqtun::GateSettings>();
  if (!settings->read(packed.data, packed.length)) {
    arguments->refuse("settings", "those of a gate");
    return nullptr;
  }
  withPlane([&](DataPlane& plane) { plane.setGate(std::move(settings)); });
  return nullptr;
}

/** takeReports(plane, mostOfLane) → ArrayBuffer, see plane/report_layout.h */
napi_value takeReports(napi_env env, Arguments* arguments, const WithPlane& withPlane) {
  const uint32_t mostOfLane = word(arguments, 1, "mostOfLane");
  if (!arguments->ok()) return nullptr;
  std::vector<uint8_t> bytes;
  if (!withPlane([&](DataPlane& plane) { bytes = pqtun::takeReports(&plane.reports(), mostOfLane); })) return nullptr;
  void* memory = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, bytes.size(), &memory, &buffer) != napi_ok) return nullptr;
  std::memcpy(memory, bytes.data(), bytes.size());
  return buffer;
}

/** peerCounters(plane, peers as u32) → ArrayBuffer: of each bytes received, bytes sent, packets received, packets sent, as f64 */
napi_value peerCounters(napi_env env, Arguments* arguments, const WithPlane& withPlane) {
  const Bytes peers = arguments->bytes(1, "peers");
  if (!arguments->ok()) return nullptr;
  const size_t count = peers.length / sizeof(PeerId);
  void* memory = nullptr;
  napi_value buffer = nullptr;
  if (napi_create_arraybuffer(env, count * 4 * sizeof(double), &memory, &buffer) != napi_ok) return nullptr;
  auto* out = static_cast<double*>(memory);
  withPlane([&](DataPlane& plane) {
    for (size_t i = 0; i < count; i++) {
      PeerId peer;
      std::memcpy(&peer, peers.data + i * sizeof peer, sizeof peer);
      const pqtun::PeerCounters counters = plane.peerCounters(peer);
      for (const uint64_t counted :
           {counters.bytesReceived, counters.bytesSent, counters.packetsReceived, counters.packetsSent})
        *out++ = static_cast<double>(counted);
    }
  });
  return buffer;
}

}  // namespace

const PlaneVerb kPlaneVerbs[] = {
    {"install", install},
    {"retire", withTimeAndNumber<&DataPlane::retire>},
    {"wipeKeys", withTimeAndNumber<&DataPlane::wipeKeys>},
    {"removePeer", withTimeAndNumber<&DataPlane::removePeer>},
    {"setPeer", setPeer},
    {"resetTimestamp", withNumber<&DataPlane::resetTimestamp>},
    {"setRoutes", setRoutes},
    {"transmit", transmit},
    {"flushStaged", withTimeAndNumber<&DataPlane::flushStaged>},
    {"purgeStaged", withNumber<&DataPlane::purgeStaged>},
    {"sendDatagram", sendDatagram},
    {"setGate", setGate},
    {"takeReports", takeReports},
    {"peerCounters", peerCounters},
    {"setMtu", withNumber<&DataPlane::setMtu>},
};
const size_t kPlaneVerbCount = sizeof kPlaneVerbs / sizeof kPlaneVerbs[0];

}  // namespace tuntap
