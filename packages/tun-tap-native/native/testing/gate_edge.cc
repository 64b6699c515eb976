#include "../plane/gate.h"

#include <cstring>
#include <memory>

#include "../plane/little_endian.h"

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f0cULL};
constexpr size_t kDecisionSize = 8;

struct HeldGate {
  std::unique_ptr<Gate> gate;
  void close() { gate.reset(); }
};

/** create() → gate, without settings */
napi_value create(napi_env env, napi_callback_info) {
  auto held = std::make_shared<HeldGate>();
  held->gate = Gate::create({0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL});
  if (held->gate == nullptr) {
    napi_throw_error(env, nullptr, "no gate");
    return nullptr;
  }
  return tuntap::wrapHandle(env, held, kTag);
}

/** set(gate, settings: bytes) → whether they were well-formed; if not, the old ones stay */
napi_value set(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldGate>(0, kTag);
  const Bytes bytes = arguments.bytes(1, "settings");
  if (!arguments.ok()) return nullptr;
  auto settings = std::make_unique<GateSettings>();
  const bool taken = settings->read(bytes.data, bytes.length);
  if (taken) held->gate->set(std::move(settings));
  return tuntap::makeBoolean(env, taken);
}

/** decide(gate, now, ip: 4 | 16 B, port, datagram, decision: 8 B, reply: 64 B, times): the decision of the last time */
napi_value decide(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldGate>(0, kTag);
  const double now = arguments.number(1, "now");
  const Bytes ip = arguments.bytes(2, "ip");
  const auto port = static_cast<uint16_t>(arguments.integer(3, "port", 0, 65535));
  const Bytes datagram = arguments.bytes(4, "datagram");
  const Bytes out = arguments.bytes(5, "decision");
  const Bytes reply = arguments.bytes(6, "reply");
  const int64_t times = arguments.integer(7, "times", 1, 1 << 20);
  if (arguments.ok() && ip.length != 4 && ip.length != 16) arguments.refuse("ip", "4 or 16 bytes");
  if (arguments.ok() && (out.length != kDecisionSize || reply.length != kCookieReplySize)) {
    arguments.refuse("decision", "8 bytes, and 64 for the reply");
  }
  if (!arguments.ok()) return nullptr;
  Endpoint from = {{}, static_cast<uint8_t>(ip.length), port, 0};
  std::memcpy(from.ip, ip.data, ip.length);
  GateDecision decision = {};
  for (int64_t i = 0; i < times; i++) {
    decision = held->gate->decide(now, from, datagram.data, datagram.length, reply.data);
  }
  out.data[0] = static_cast<uint8_t>(decision.kind);
  out.data[1] = static_cast<uint8_t>(decision.reason);
  out.data[2] = decision.proven ? 1 : 0;
  out.data[3] = 0;
  writeLe32(out.data + 4, decision.key);
  return nullptr;
}

}  // namespace

void addGate(napi_env env, napi_value exports) {
  addEdge(env, exports, "gate", {{"create", create}, {"set", set}, {"decide", decide}});
}

}  // namespace pqtun::testing
