// Batches of packets: every one comes out again, alone as it was or, cut out of its super-frame, the same.
// sources: native/plane/coalesce.cc native/plane/gso_split.cc native/plane/virtio_header.cc native/plane/inner_packet.cc
// sources: native/plane/checksum.cc
// runs: 50000
//
// Input: packets, each one byte for what is put right (so that some may be joined) and one for the length, then bytes.
#include "plane/coalesce.h"

#include <cstring>

#include "input.h"
#include "plane/big_endian.h"
#include "plane/checksum.h"
#include "plane/gso_split.h"
#include "plane/inner_packet.h"
#include "plane/tcp_udp.h"

using namespace pqtun;

namespace {

constexpr uint32_t kMostPackets = 48;

/** What a flow would have sent next, as far as the packet has room for it. */
struct Flow {
  uint32_t sequence = 1000;
  uint16_t identification = 1;
};

void putRight(uint8_t how, Flow* flow, std::vector<uint8_t>* packet) {
  const uint8_t version = how & 1 ? 6 : 4;
  const bool tcp = (how & 2) != 0;
  const uint32_t offset = version == 4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  const uint32_t header = offset + (tcp ? kTcpHeaderSize : kUdpHeaderSize);
  if (packet->size() < header) return;
  uint8_t* bytes = packet->data();
  const auto length = static_cast<uint16_t>(packet->size());
  const auto carried = static_cast<uint16_t>(length - offset);
  std::memset(bytes, 0, header);
  if (version == 4) {
    bytes[0] = 0x45;
    writeU16be(bytes + 2, length);
    writeU16be(bytes + 4, flow->identification++);
    bytes[8] = 64;
    bytes[9] = tcp ? kProtocolTcp : kProtocolUdp;
    bytes[12] = 10;
    bytes[16] = 10;
    storeWord(bytes + 10, checksumOf(sumBytes(bytes, kIpv4HeaderSize)));
  } else {
    bytes[0] = 0x60;
    writeU16be(bytes + 4, carried);
    bytes[6] = tcp ? kProtocolTcp : kProtocolUdp;
    bytes[7] = 64;
    bytes[8] = 0xfd;
    bytes[24] = 0xfd;
  }
  uint8_t* transport = bytes + offset;
  if (tcp) {
    writeU32be(transport + kTcpSequence, flow->sequence);
    flow->sequence += length - header;
    transport[kTcpDataOffset] = 0x50;
    transport[kTcpFlags] = static_cast<uint8_t>(kTcpAck | (how & 4 ? kTcpPsh : 0) | (how & 8 ? kTcpCwr : 0));
  } else {
    writeU16be(transport + kUdpLength, carried);
  }
  const uint64_t pseudo = pseudoHeaderSum(sourceOf(bytes), 2 * addressSize(version), tcp ? kProtocolTcp : kProtocolUdp, carried);
  storeWord(transport + (tcp ? kTcpChecksum : kUdpChecksum), nonzeroChecksumOf(pseudo + sumBytes(transport, carried)));
  if (how & 16) packet->back() ^= 1;
}

/** Without what means nothing in an IPv4 packet with DF. RFC 6864 §4.1. */
std::vector<uint8_t> comparable(std::vector<uint8_t> packet) {
  if (packet.size() < kIpv4HeaderSize || packet[0] >> 4 != 4 || (packet[6] & 0x40) == 0) return packet;
  std::memset(packet.data() + 4, 0, 2);
  std::memset(packet.data() + 10, 0, 2);
  return packet;
}

std::vector<std::vector<uint8_t>> cut(const std::vector<uint8_t>& bytes) {
  TunFrame frame;
  require(parseFrame(bytes.data(), bytes.size(), &frame) == FrameRefusal::none && frame.kind != FrameKind::plain);
  GsoSplitter splitter;
  splitter.start(frame, bytes.data() + kVirtioHeaderSize);
  std::vector<std::vector<uint8_t>> packets;
  while (!splitter.done()) {
    packets.emplace_back(splitter.nextLength());
    splitter.nextInto(packets.back().data());
  }
  return packets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  Flow flows[4];
  std::vector<std::vector<uint8_t>> originals;
  std::vector<std::vector<uint8_t>> memory;
  Coalescer coalescer(kMostPackets);
  while (input.left() > 0 && originals.size() < kMostPackets) {
    const auto how = input.take<uint8_t>();
    std::vector<uint8_t> packet = input.bytes(input.take<uint8_t>());
    if (how < 0xe0) putRight(how, &flows[how & 3], &packet);
    originals.push_back(packet);
    packet.insert(packet.begin(), kVirtioHeaderSize, 0xaa);
    memory.push_back(std::move(packet));
    uint8_t* bytes = memory.back().data() + kVirtioHeaderSize;
    require(coalescer.add(bytes, static_cast<uint32_t>(originals.back().size())));
  }

  std::vector<bool> seen(originals.size());
  const auto claim = [&](const std::vector<uint8_t>& packet, bool exactly) {
    for (size_t i = 0; i < originals.size(); i++) {
      const bool same = exactly ? originals[i] == packet : comparable(originals[i]) == comparable(packet);
      if (seen[i] || !same) continue;
      seen[i] = true;
      return;
    }
    std::abort();
  };
  iovec vectors[Coalescer::kMostVectors];
  for (uint32_t i = 0; i < coalescer.frameCount(); i++) {
    const uint32_t count = coalescer.frame(i, vectors);
    require(count == coalescer.packetCount(i));
    std::vector<uint8_t> frame;
    for (uint32_t k = 0; k < count; k++) {
      const auto* bytes = static_cast<const uint8_t*>(vectors[k].iov_base);
      frame.insert(frame.end(), bytes, bytes + vectors[k].iov_len);
    }
    if (count == 1) {
      claim({frame.begin() + kVirtioHeaderSize, frame.end()}, true);
      continue;
    }
    const auto packets = cut(frame);
    require(packets.size() == count);
    for (const auto& packet : packets) claim(packet, false);

    // And back, for when the kernel refuses it.
    require(coalescer.separate(i, vectors) == count);
    for (uint32_t k = 0; k < count; k++) require(vectors[k].iov_len == packets[k].size() + kVirtioHeaderSize);
  }
  for (const bool one : seen) require(one);
  return 0;
}
