// Super-frames of a TUN: both ways of taking packets give the same, the payload is all there, and the checksums are right.
// sources: native/plane/gso_split.cc native/plane/virtio_header.cc native/plane/inner_packet.cc native/plane/checksum.cc
// runs: 300000
#include "plane/gso_split.h"

#include <algorithm>

#include "input.h"
#include "plane/checksum.h"
#include "plane/inner_packet.h"

using namespace pqtun;

namespace {

void checkPacket(const TunFrame& frame, const std::vector<uint8_t>& packet) {
  const uint8_t* bytes = packet.data();
  require(innerLength(bytes, packet.size()) == static_cast<int64_t>(packet.size()));
  if (frame.version == 4) require(sumsToZero(sumBytes(bytes, frame.transportOffset)));
  const auto length = static_cast<uint32_t>(packet.size() - frame.transportOffset);
  const uint8_t protocol = frame.kind == FrameKind::tcp ? kProtocolTcp : kProtocolUdp;
  const uint64_t pseudo = pseudoHeaderSum(sourceOf(bytes), 2 * addressSize(frame.version), protocol, length);
  require(sumsToZero(pseudo + sumBytes(bytes + frame.transportOffset, length)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  TunFrame frame;
  if (parseFrame(bytes.data(), bytes.size(), &frame) != FrameRefusal::none || frame.kind == FrameKind::plain) return 0;
  // A cut every few bytes is legal, and slow with the sanitizers on.
  if ((frame.length - frame.headersLength) / frame.segmentSize > 512) return 0;
  uint8_t* packet = bytes.data() + kVirtioHeaderSize;
  const std::vector<uint8_t> payload(packet + frame.headersLength, packet + frame.length);
  const std::vector<uint8_t> original(packet, packet + frame.length);

  GsoSplitter apart;
  GsoSplitter inPlace;
  apart.start(frame, original.data());
  inPlace.start(frame, packet);
  size_t taken = 0;
  while (!apart.done()) {
    require(!inPlace.done() && apart.packetsLeft() == inPlace.packetsLeft());
    std::vector<uint8_t> one(apart.nextLength());
    require(apart.nextInto(one.data()) == one.size());
    checkPacket(frame, one);

    const uint8_t* payloadAt = nullptr;
    uint32_t length = 0;
    inPlace.next(packet + taken, &payloadAt, &length);
    require(payloadAt == packet + taken + frame.headersLength);
    require(one.size() == frame.headersLength + length);
    require(std::memcmp(one.data(), packet + taken, one.size()) == 0);
    require(std::equal(payloadAt, payloadAt + length, payload.begin() + static_cast<ptrdiff_t>(taken)));
    taken += length;
  }
  require(inPlace.done() && taken == payload.size());
  return 0;
}
