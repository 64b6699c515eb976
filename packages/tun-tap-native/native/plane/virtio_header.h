#pragma once

#include <cstddef>
#include <cstdint>

namespace pqtun {

/*
 * What stands before a packet on a TUN with IFF_VNET_HDR: virtio 1.2 §5.1.6, `struct virtio_net_hdr`. Declared here because
 * linux/virtio_net.h of some distributions is no valid C++. Numbers are in host byte order, as a TUN has them unless told
 * otherwise (TUNSETVNETLE).
 */
struct VirtioHeader {
  uint8_t flags;
  uint8_t gsoType;
  uint16_t headerLength;
  uint16_t segmentSize;
  uint16_t checksumStart;
  uint16_t checksumOffset;
};
constexpr size_t kVirtioHeaderSize = 10;
static_assert(sizeof(VirtioHeader) == kVirtioHeaderSize, "as the kernel lays it out");

namespace virtio {
constexpr uint8_t kNeedsChecksum = 1;
/** Set by the kernel alone: the checksum has been verified, or the packet never left this machine. */
constexpr uint8_t kDataValid = 2;

constexpr uint8_t kGsoNone = 0;
constexpr uint8_t kGsoTcp4 = 1;
constexpr uint8_t kGsoTcp6 = 4;
/** UDP segmentation (USO), Linux 6.2. Type 3, fragmentation of UDP, is none of ours. */
constexpr uint8_t kGsoUdp = 5;
/** Beside a TCP type: the first segment carries CWR. */
constexpr uint8_t kGsoEcn = 0x80;
}  // namespace virtio

/** The longest IP and transport headers, together, of a super-frame that is taken. 60 B of TCP leave 196 B to IP. */
constexpr uint32_t kLargestHeaders = 256;

enum class FrameKind : uint8_t { plain, tcp, udp };

/** One frame read from the TUN, with everything in it that parseFrame() has checked against the packet. */
struct TunFrame {
  FrameKind kind;
  /** Of a plain one: completeChecksum() comes before anything else is done with it. */
  bool needsChecksum;
  /** 4 or 6. */
  uint8_t version;
  /** True length of the packet, by its own header. */
  uint32_t length;
  /** If needsChecksum: where the summing starts, and where the checksum goes, both from the beginning of the packet. */
  uint32_t checksumStart;
  uint32_t checksumPosition;
  /** Of a super-frame: where the transport header stands, where the payload begins, and how much of that a segment carries. */
  uint32_t transportOffset;
  uint32_t headersLength;
  uint32_t segmentSize;
};

/** Why a frame was refused. */
enum class FrameRefusal : uint8_t {
  none,
  /** Shorter than the virtio header. */
  truncated,
  /** As innerLength() says. */
  badInnerPacket,
  badInnerLength,
  /** A kind of super-frame that was not asked for. */
  unknownGso,
  /** The checksum would lie outside what the IP header carries, or elsewhere than in the transport header of a super-frame. */
  badChecksum,
  /** A super-frame whose packet is not of its kind: other IP version or protocol, a fragment, a routing header, headers not whole or too long. */
  badHeaders,
  /** A super-frame with segments of no size. */
  badSegmentSize,
};

/**
 * Checks a frame as read from the TUN, `bytes` being the caller's and beginning with the 10 B header. On `none` all of `frame` is set
 * and lies within `length`; else nothing of it is to be used. The header's own header length is ignored: the kernel gives the
 * length of the whole first packet when it forwards, and a guest behind a tap may say anything.
 */
FrameRefusal parseFrame(const uint8_t* bytes, size_t length, TunFrame* frame);

/**
 * Writes the checksum that the kernel left to the device; `packet` is the caller's and lies behind the virtio header. Zero is
 * written in its other form, as Linux does for all protocols: for UDP it would mean "no checksum".
 */
void completeChecksum(const TunFrame& frame, uint8_t* packet);

/** The header of a packet that is written as it is: the kernel will verify its checksums. */
constexpr VirtioHeader plainHeader() { return {0, virtio::kGsoNone, 0, 0, 0, 0}; }

/**
 * The header of a super-frame to be written. `transportOffset` and `headersLength` as in TunFrame; `cwr`: the first segment
 * carries CWR. The checksum field must hold the folded pseudo header sum.
 */
VirtioHeader superHeader(FrameKind kind, uint8_t version, uint32_t transportOffset, uint32_t headersLength, uint32_t segmentSize,
                         bool cwr);

}  // namespace pqtun
