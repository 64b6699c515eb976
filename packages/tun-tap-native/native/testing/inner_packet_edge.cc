#include "../plane/inner_packet.h"

#include "../plane/icmp_too_big.h"
#include "../plane/mss_clamp.h"
#include "packets.h"

namespace pqtun::testing {
namespace {

/** innerLength(bytes) */
napi_value lengthOf(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "bytes"));
  if (!arguments.ok()) return nullptr;
  return tuntap::makeNumber(env, innerLength(bytes.data(), bytes.length()));
}

/** describe(bytes): undefined, or [version, length, source, destination, view, protocol, offset, routing] with addresses as offsets */
napi_value describe(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "bytes"));
  if (!arguments.ok()) return nullptr;
  const uint8_t* packet = bytes.data();
  const int32_t length = innerLength(packet, bytes.length());
  if (length < 0) return nullptr;
  const Transport transport = findTransport(packet, static_cast<uint32_t>(length));
  return makeNumbers(env, {double(versionOf(packet)), double(length), double(sourceOf(packet) - packet),
                           double(destinationOf(packet) - packet), double(transport.view), double(transport.protocol),
                           double(transport.offset), double(transport.routing)});
}

/** clampMss(packet, mtu): changes `packet`, of its true length, and says whether it did */
napi_value clamp(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Bytes packet = arguments.bytes(0, "packet");
  const auto mtu = static_cast<uint32_t>(arguments.integer(1, "mtu", 0, UINT32_MAX));
  if (!arguments.ok()) return nullptr;
  const Exact exact(packet);
  const bool legal = innerLength(exact.data(), exact.length()) == static_cast<int64_t>(exact.length());
  const bool changed = legal && clampMss(exact.data(), exact.length(), mtu);
  if (packet.length > 0) std::memcpy(packet.data, exact.data(), packet.length);
  return tuntap::makeBoolean(env, changed);
}

/** tooBigReply(packet, mtu, from: empty for none): the reply, empty for none */
napi_value tooBig(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact packet(arguments.bytes(0, "packet"));
  const auto mtu = static_cast<uint32_t>(arguments.integer(1, "mtu", 0, UINT32_MAX));
  const Exact from(arguments.bytes(2, "from"));
  if (!arguments.ok()) return nullptr;
  std::unique_ptr<uint8_t[]> reply(new uint8_t[kLargestTooBigReply]);
  const uint8_t* source = from.length() == 0 ? nullptr : from.data();
  const uint32_t length = tooBigReply(packet.data(), packet.length(), mtu, source, reply.get());
  return makeCopy(env, reply.get(), length);
}

}  // namespace

void addInnerPacket(napi_env env, napi_value exports) {
  addEdge(env, exports, "innerPacket",
          {{"innerLength", lengthOf}, {"describe", describe}, {"clampMss", clamp}, {"tooBigReply", tooBig}});
}

}  // namespace pqtun::testing
