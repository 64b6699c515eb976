#include "../plane/gso_split.h"

#include "../plane/gro_split.h"
#include "packets.h"

namespace pqtun::testing {
namespace {

/** parse(frame): [refusal], or with 0 every member of TunFrame in its order */
napi_value parse(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "frame"));
  if (!arguments.ok()) return nullptr;
  TunFrame frame;
  const FrameRefusal refusal = parseFrame(bytes.data(), bytes.length(), &frame);
  if (refusal != FrameRefusal::none) return makeNumbers(env, {double(refusal)});
  return makeNumbers(env, {0, double(frame.kind), double(frame.needsChecksum), double(frame.version), double(frame.length),
                           double(frame.checksumStart), double(frame.checksumPosition), double(frame.transportOffset),
                           double(frame.headersLength), double(frame.segmentSize)});
}

std::vector<uint8_t> takeInto(GsoSplitter* splitter) {
  std::vector<uint8_t> packet(splitter->nextLength());
  packet.resize(splitter->nextInto(packet.data()));
  return packet;
}

/** Headers before the payload, over whatever stands there, as for a cipher that reads in the frame. */
std::vector<uint8_t> takeInPlace(GsoSplitter* splitter, uint8_t* payloadLeft) {
  const uint8_t* payload = nullptr;
  uint32_t length = 0;
  const uint32_t headers = splitter->headersLength();
  splitter->next(payloadLeft - headers, &payload, &length);
  return {payload - headers, payload + length};
}

/**
 * split(frame, way): the packets, or an empty Array for a frame that is refused. The way is 0: each into memory of its own;
 * 1: each in place; 2: in turns.
 */
napi_value split(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "frame"));
  const int64_t way = arguments.integer(1, "way", 0, 2);
  if (!arguments.ok()) return nullptr;
  TunFrame frame;
  std::vector<std::vector<uint8_t>> packets;
  if (parseFrame(bytes.data(), bytes.length(), &frame) == FrameRefusal::none) {
    uint8_t* packet = bytes.data() + kVirtioHeaderSize;
    if (frame.kind == FrameKind::plain) {
      if (frame.needsChecksum) completeChecksum(frame, packet);
      packets.emplace_back(packet, packet + frame.length);
    } else {
      GsoSplitter splitter;
      splitter.start(frame, packet);
      uint8_t* payload = packet + frame.headersLength;
      const uint32_t count = splitter.packetsLeft();
      while (!splitter.done()) {
        const bool inPlace = way == 1 || (way == 2 && packets.size() % 2 == 1);
        packets.push_back(inPlace ? takeInPlace(&splitter, payload) : takeInto(&splitter));
        payload += packets.back().size() - frame.headersLength;
      }
      if (packets.size() != count) packets.clear();  // No test expects that.
    }
  }
  return makePackets(env, packets);
}

/** datagrams(bytes, segmentSize, truncated): [cut, offset, length, offset, length …] */
napi_value datagrams(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact bytes(arguments.bytes(0, "bytes"));
  const auto segmentSize = static_cast<uint32_t>(arguments.integer(1, "segmentSize", 0, 65535));
  const bool truncated = arguments.boolean(2, "truncated");
  napi_value array = nullptr;
  if (!arguments.ok() || napi_create_array(env, &array) != napi_ok) return nullptr;
  GroDatagrams walk(bytes.data(), bytes.length(), segmentSize, truncated);
  Datagram datagram;
  napi_set_element(env, array, 0, tuntap::makeNumber(env, walk.cut()));
  for (uint32_t i = 1; walk.next(&datagram); i += 2) {
    napi_set_element(env, array, i, tuntap::makeNumber(env, static_cast<double>(datagram.bytes - bytes.data())));
    napi_set_element(env, array, i + 1, tuntap::makeNumber(env, datagram.length));
  }
  return array;
}

/** groSize(control): what readGroSize() finds in these control messages */
napi_value groSize(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const Exact control(arguments.bytes(0, "control"));
  if (!arguments.ok()) return nullptr;
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.length();
  return tuntap::makeNumber(env, readGroSize(&message));
}

}  // namespace

void addGsoSplit(napi_env env, napi_value exports) {
  addEdge(env, exports, "gsoSplit", {{"parse", parse}, {"split", split}});
}

void addGroSplit(napi_env env, napi_value exports) {
  addEdge(env, exports, "groSplit", {{"datagrams", datagrams}, {"groSize", groSize}});
}

}  // namespace pqtun::testing
