#include "../loop/train_sender.h"

#include <cstring>

#include "../loop/udp_port.h"
#include "testing.h"
#include "udp_socket.h"

namespace pqtun::testing {
namespace {

using tuntap::LoopCounter;
using tuntap::Offload;

constexpr napi_type_tag kTag = {0x2b7e151628aed2a6ULL, 0xabf7158809cf4f42ULL};

/** A sender with all that it works on. */
struct Bench {
  tuntap::Offloads offloads{tuntap::kAllOffloads};
  std::unique_ptr<tuntap::LoopCounters> counters = tuntap::LoopCounters::create();
  tuntap::SendFailures failures;
  std::unique_ptr<tuntap::UdpPort> port;
  tuntap::TrainSender sender{&offloads, counters.get(), &failures};

  void close() {}
};

/** create(segmentation: boolean, sendBuffer) */
napi_value create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const bool segmentation = arguments.boolean(0, "segmentation");
  tuntap::UdpPortOptions options;
  options.sendBuffer = static_cast<uint32_t>(arguments.integer(1, "sendBuffer", 0, INT32_MAX));
  if (!arguments.ok()) return nullptr;
  auto bench = std::make_shared<Bench>();
  if (segmentation) bench->offloads.turnOn(Offload::udpGso);
  auto port = tuntap::UdpPort::open(options);
  if (port.error) {
    tuntap::throwOsError(env, port.error);
    return nullptr;
  }
  bench->port = std::move(port.value);
  bench->sender.use(bench->port.get());
  return tuntap::wrapHandle(env, std::move(bench), kTag);
}

/** setOption(sender, family, level, option, value): of the socket, as somebody else might */
napi_value setOption(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto bench = arguments.handle<Bench>(0, kTag);
  int numbers[4] = {};
  for (size_t i = 0; i < 4; ++i) numbers[i] = static_cast<int>(arguments.integer(i + 1, "number", 0, INT32_MAX));
  if (!arguments.ok()) return nullptr;
  const tuntap::OsError error =
      tuntap::setSocketOption(bench->port->fd(numbers[0]), numbers[1], numbers[2], numbers[3], "setsockopt");
  if (error) tuntap::throwOsError(env, error);
  return nullptr;
}

/** send(sender, ip, port, source ip or none, bytes, segmentSize) */
napi_value send(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto bench = arguments.handle<Bench>(0, kTag);
  const Bytes ip = arguments.bytes(1, "ip");
  const auto port = static_cast<uint16_t>(arguments.integer(2, "port", 0, UINT16_MAX));
  const Bytes source = arguments.bytes(3, "source");
  const Bytes bytes = arguments.bytes(4, "bytes");
  const auto segmentSize = static_cast<uint32_t>(arguments.integer(5, "segmentSize", 1, UINT16_MAX));
  if (arguments.ok() && (ip.length > 16 || source.length > 16)) arguments.refuse("ip", "4 or 16 bytes");
  if (!arguments.ok()) return nullptr;
  Train train{};
  std::memcpy(train.to.ip, ip.data, ip.length);
  train.to.ipSize = static_cast<uint8_t>(ip.length);
  train.to.port = port;
  if (source.length != 0) std::memcpy(train.from.ip, source.data, source.length);
  train.from.ipSize = static_cast<uint8_t>(source.length);
  train.bytes = bytes.data;
  train.length = static_cast<uint32_t>(bytes.length);
  train.segmentSize = segmentSize;
  train.count = (train.length + segmentSize - 1) / segmentSize;
  bench->sender.send(train, true);
  return nullptr;
}

/** beginTurn(sender) */
napi_value beginTurn(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto bench = arguments.handle<Bench>(0, kTag);
  if (arguments.ok()) bench->sender.beginTurn();
  return nullptr;
}

/** take(sender) → all there is to be seen; failures and sourceLost since the last call */
napi_value take(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const auto bench = arguments.handle<Bench>(0, kTag);
  if (!arguments.ok()) return nullptr;
  napi_value result = nullptr;
  napi_create_object(env, &result);
  const auto set = [&](const char* name, napi_value value) { tuntap::setProperty(env, result, name, value); };
  const auto count = [&](LoopCounter counter) {
    return tuntap::makeNumber(env, static_cast<double>(bench->counters->read(counter)));
  };
  set("sends", count(LoopCounter::udpSends));
  set("datagrams", count(LoopCounter::udpDatagramsSent));
  set("trains", count(LoopCounter::udpTrainsSent));
  set("dropped", count(LoopCounter::udpDatagramsDropped));
  set("failed", count(LoopCounter::udpDatagramsFailed));
  set("waits", count(LoopCounter::udpWaits));
  set("full", tuntap::makeBoolean(env, bench->sender.full()));
  set("sourceLost", tuntap::makeBoolean(env, bench->sender.takeSourceLost()));
  set("segmentation", tuntap::makeBoolean(env, bench->offloads.active(Offload::udpGso)));
  set("reason", tuntap::makeString(env, bench->offloads.reason(Offload::udpGso).c_str()));
  napi_value failures = nullptr;
  napi_create_array(env, &failures);
  uint32_t length = 0;
  for (const tuntap::SendFailure& failure : bench->failures.take()) {
    napi_value entry = nullptr;
    napi_create_object(env, &entry);
    tuntap::setProperty(env, entry, "code", tuntap::makeString(env, tuntap::errorName(failure.code)));
    tuntap::setProperty(env, entry, "port", tuntap::makeNumber(env, failure.to.port));
    tuntap::setProperty(env, entry, "length", tuntap::makeNumber(env, failure.length));
    tuntap::setProperty(env, entry, "count", tuntap::makeNumber(env, static_cast<double>(failure.count)));
    napi_set_element(env, failures, length++, entry);
  }
  set("failures", failures);
  return result;
}

}  // namespace

void addTrainSender(napi_env env, napi_value exports) {
  addEdge(env, exports, "trainSender",
          {{"create", create}, {"setOption", setOption}, {"send", send}, {"beginTurn", beginTurn}, {"take", take}});
}

}  // namespace pqtun::testing
