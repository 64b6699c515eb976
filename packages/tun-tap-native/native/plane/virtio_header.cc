#include "virtio_header.h"

#include <cstring>

#include "checksum.h"
#include "inner_packet.h"
#include "tcp_udp.h"

namespace pqtun {

namespace {

/** A checksum inside the IP header would overwrite what has just been checked, so it has to lie behind it. */
FrameRefusal parseChecksum(const VirtioHeader& header, const uint8_t* packet, TunFrame* frame) {
  frame->needsChecksum = (header.flags & virtio::kNeedsChecksum) != 0;
  if (!frame->needsChecksum) return FrameRefusal::none;
  frame->checksumStart = header.checksumStart;
  frame->checksumPosition = uint32_t{header.checksumStart} + header.checksumOffset;
  const uint32_t ipHeader = frame->version == 4 ? (packet[0] & 0x0fu) * 4 : kIpv6HeaderSize;
  const bool inside = frame->checksumStart >= ipHeader && frame->checksumPosition + 2 <= frame->length;
  return inside ? FrameRefusal::none : FrameRefusal::badChecksum;
}

bool kindOf(uint8_t gsoType, uint8_t version, FrameKind* kind, FrameRefusal* refusal) {
  const uint8_t type = gsoType & static_cast<uint8_t>(~virtio::kGsoEcn);
  const bool ecn = type != gsoType;
  *refusal = FrameRefusal::unknownGso;
  if (type == virtio::kGsoTcp4 || type == virtio::kGsoTcp6) {
    *kind = FrameKind::tcp;
    *refusal = FrameRefusal::badHeaders;
    return version == (type == virtio::kGsoTcp4 ? 4 : 6);
  }
  *kind = type == virtio::kGsoUdp ? FrameKind::udp : FrameKind::plain;
  return !ecn && (type == virtio::kGsoUdp || type == virtio::kGsoNone);
}

uint32_t transportLength(FrameKind kind, const uint8_t* transport, uint32_t available) {
  if (kind == FrameKind::tcp) return tcpHeaderLength(transport, available);
  return available >= kUdpHeaderSize ? kUdpHeaderSize : 0;
}

FrameRefusal parseSuperFrame(const VirtioHeader& header, const uint8_t* packet, TunFrame* frame) {
  const Transport transport = findTransport(packet, frame->length);
  const uint8_t protocol = frame->kind == FrameKind::tcp ? kProtocolTcp : kProtocolUdp;
  if (transport.view != TransportView::whole || transport.protocol != protocol) return FrameRefusal::badHeaders;
  // The segments' checksums would cover an address that is not the IP header's.
  if (transport.routing) return FrameRefusal::badHeaders;
  const uint32_t length = transportLength(frame->kind, packet + transport.offset, frame->length - transport.offset);
  frame->transportOffset = transport.offset;
  frame->headersLength = transport.offset + length;
  if (length == 0 || frame->headersLength > kLargestHeaders) return FrameRefusal::badHeaders;

  // Segments get checksums made from scratch, which would make a corrupt packet whole: so somebody must vouch for this one.
  if (frame->needsChecksum) {
    const uint32_t offset = frame->kind == FrameKind::tcp ? kTcpChecksum : kUdpChecksum;
    const bool inPlace = frame->checksumStart == transport.offset && header.checksumOffset == offset;
    if (!inPlace) return FrameRefusal::badChecksum;
  } else if ((header.flags & virtio::kDataValid) == 0) {
    return FrameRefusal::badChecksum;
  }

  frame->segmentSize = header.segmentSize;
  return frame->segmentSize > 0 ? FrameRefusal::none : FrameRefusal::badSegmentSize;
}

}  // namespace

FrameRefusal parseFrame(const uint8_t* bytes, size_t length, TunFrame* frame) {
  if (length < kVirtioHeaderSize) return FrameRefusal::truncated;
  VirtioHeader header;
  std::memcpy(&header, bytes, sizeof header);
  const uint8_t* packet = bytes + kVirtioHeaderSize;
  const int32_t inner = innerLength(packet, length - kVirtioHeaderSize);
  if (inner < 0) return inner == kBadInnerPacket ? FrameRefusal::badInnerPacket : FrameRefusal::badInnerLength;

  *frame = {};
  frame->version = versionOf(packet);
  frame->length = static_cast<uint32_t>(inner);
  FrameRefusal refusal;
  if (!kindOf(header.gsoType, frame->version, &frame->kind, &refusal)) return refusal;
  refusal = parseChecksum(header, packet, frame);
  if (refusal != FrameRefusal::none || frame->kind == FrameKind::plain) return refusal;
  return parseSuperFrame(header, packet, frame);
}

void completeChecksum(const TunFrame& frame, uint8_t* packet) {
  // The field holds the sum of the pseudo header until now, and so is one of the summands.
  const uint64_t sum = sumBytes(packet + frame.checksumStart, frame.length - frame.checksumStart);
  storeWord(packet + frame.checksumPosition, nonzeroChecksumOf(sum));
}

VirtioHeader superHeader(FrameKind kind, uint8_t version, uint32_t transportOffset, uint32_t headersLength, uint32_t segmentSize,
                         bool cwr) {
  const uint8_t tcpType = version == 4 ? virtio::kGsoTcp4 : virtio::kGsoTcp6;
  const uint8_t type = kind == FrameKind::tcp ? static_cast<uint8_t>(tcpType | (cwr ? virtio::kGsoEcn : 0)) : virtio::kGsoUdp;
  const uint32_t checksumOffset = kind == FrameKind::tcp ? kTcpChecksum : kUdpChecksum;
  return {virtio::kNeedsChecksum,
          type,
          static_cast<uint16_t>(headersLength),
          static_cast<uint16_t>(segmentSize),
          static_cast<uint16_t>(transportOffset),
          static_cast<uint16_t>(checksumOffset)};
}

}  // namespace pqtun
