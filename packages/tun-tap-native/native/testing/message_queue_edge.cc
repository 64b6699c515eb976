#include "../plane/message_queue.h"

#include <cstring>
#include <memory>

#include "../plane/little_endian.h"

#include "testing.h"

namespace pqtun::testing {
namespace {

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f0dULL};

struct HeldQueue {
  MessageQueue queue{{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL}};
  void close() {}
};

napi_value create(napi_env env, napi_callback_info) { return tuntap::wrapHandle(env, std::make_shared<HeldQueue>(), kTag); }

/** push(queue, lane, ip: 4 | 16 B, port, key, bytes) → whether there was room. `key` is the verdict's, and the peer of control payloads. */
napi_value push(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldQueue>(0, kTag);
  const auto lane = static_cast<MessageLane>(arguments.integer(1, "lane", 0, kMessageLanes - 1));
  const Bytes ip = arguments.bytes(2, "ip");
  const auto port = static_cast<uint16_t>(arguments.integer(3, "port", 0, 65535));
  const auto key = static_cast<uint32_t>(arguments.integer(4, "key", 0, UINT32_MAX));
  const Bytes bytes = arguments.bytes(5, "bytes");
  if (arguments.ok() && ip.length != 4 && ip.length != 16) arguments.refuse("ip", "4 or 16 bytes");
  if (!arguments.ok()) return nullptr;
  Message message = {};
  message.lane = lane;
  message.peer = lane == MessageLane::control ? key : 0;
  message.from = {{}, static_cast<uint8_t>(ip.length), port, 7};
  std::memcpy(message.from.ip, ip.data, ip.length);
  message.localAddress = {{ip.data[0]}, 4, port};
  message.passed = (key & 1) != 0;
  message.proven = (key & 2) != 0;
  message.key = key;
  message.bytes = bytes.data;
  message.length = static_cast<uint32_t>(bytes.length);
  return tuntap::makeBoolean(env, held->queue.push(message) == Drop::none);
}

napi_value beginTurn(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldQueue>(0, kTag);
  const auto most = static_cast<uint32_t>(arguments.integer(1, "most", 0, UINT32_MAX));
  if (arguments.ok()) held->queue.beginTurn(most);
  return nullptr;
}

/**
 * next(queue, head: 24 B, bytes) → how many bytes it has, copied as far as there is room; −1: none. Head: lane u8, size of the address
 * u8, port u16, key u32, address 16 B.
 */
napi_value next(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldQueue>(0, kTag);
  const Bytes head = arguments.bytes(1, "head");
  const Bytes out = arguments.bytes(2, "bytes");
  if (arguments.ok() && head.length != 24) arguments.refuse("head", "24 bytes");
  if (!arguments.ok()) return nullptr;
  Message message;
  if (!held->queue.next(&message)) return tuntap::makeNumber(env, -1);
  const bool kept = message.from.scope == 7 && message.localAddress.ip[0] == message.from.ip[0] &&
                    message.localAddress.interfaceIndex == message.from.port &&
                    message.passed == ((message.key & 1) != 0) && message.proven == ((message.key & 2) != 0) &&
                    message.peer == (message.lane == MessageLane::control ? message.key : 0);
  if (!kept) {
    napi_throw_error(env, nullptr, "a message came out with another head");
    return nullptr;
  }
  head.data[0] = static_cast<uint8_t>(message.lane);
  head.data[1] = message.from.ipSize;
  head.data[2] = static_cast<uint8_t>(message.from.port);
  head.data[3] = static_cast<uint8_t>(message.from.port >> 8);
  writeLe32(head.data + 4, message.key);
  std::memcpy(head.data + 8, message.from.ip, 16);
  std::memcpy(out.data, message.bytes, message.length < out.length ? message.length : out.length);
  return tuntap::makeNumber(env, message.length);
}

napi_value isEmpty(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto held = arguments.handle<HeldQueue>(0, kTag);
  return arguments.ok() ? tuntap::makeBoolean(env, held->queue.empty()) : nullptr;
}

}  // namespace

void addMessageQueue(napi_env env, napi_value exports) {
  addEdge(env, exports, "messageQueue",
          {{"create", create}, {"push", push}, {"beginTurn", beginTurn}, {"next", next}, {"isEmpty", isEmpty}});
}

}  // namespace pqtun::testing
