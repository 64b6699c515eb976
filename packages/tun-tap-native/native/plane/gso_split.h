#pragma once

#include <cstdint>

#include "virtio_header.h"

namespace pqtun {

/**
 * Cuts a super-frame of the TUN (TSO, USO) into the packets it stands for, each with whole headers and checksums, as Linux's own
 * segmentation would: IPv4 identification counts up; TCP sequence numbers go on; FIN and PSH stay on the last, CWR on the
 * first; IPv4 options, extension headers and TCP options are on each.
 *
 * A packet can be had in two ways, mixed at will:
 *
 *  - next() writes the headers where it is told and says where the payload lies, in the frame. Nothing is copied. With the
 *    headers written right before the payload, that is over the tail of the segment before, a packet is in one piece in the
 *    frame's own memory: for a cipher that reads here and writes into a train. The segment before must have been sealed by
 *    then; the splitter itself does not need it any more, since it works from a copy of the headers.
 *  - nextInto() writes headers and payload to one place: for a cipher that works in place in the train. The payload's
 *    checksum is summed while it is copied, so it passes through the processor once before the cipher.
 *
 * Holds no memory but its own 350 B, and allocates none. Every payload byte is read once, by whichever call delivers it.
 */
class GsoSplitter {
 public:
  /**
   * Begins with a super-frame: `frame` as parseFrame() filled it, of kind tcp or udp, and `packet` (frame.length B, behind the
   * virtio header). The packet is the caller's; its payload must stay as it is until the last packet has been taken.
   */
  void start(const TunFrame& frame, const uint8_t* packet);

  /** Whether all packets have been taken; so it is before the first start(). */
  bool done() const { return done_; }
  /** How many are left. A frame without payload is one packet. */
  uint32_t packetsLeft() const { return done_ ? 0 : (payloadLeft_ == 0 ? 1 : (payloadLeft_ + segmentSize_ - 1) / segmentSize_); }
  /** Bytes of IP and transport headers, the same for each packet. */
  uint32_t headersLength() const { return headersLength_; }
  /** Bytes of the next packet, headers included. INVARIANT of callers: asked only when not done(). */
  uint32_t nextLength() const { return headersLength_ + nextPayloadLength(); }

  /**
   * Takes the next packet, not done(): writes headersLength() B to `headersOut` and says where its payload is. `headersOut` may lie
   * anywhere but in payload not taken yet.
   */
  void next(uint8_t* headersOut, const uint8_t** payload, uint32_t* payloadLength);

  /** Takes the next packet, not done(): writes nextLength() B to `out`, which must lie outside the frame, and returns their number. */
  uint32_t nextInto(uint8_t* out);

 private:
  uint32_t nextPayloadLength() const { return payloadLeft_ < segmentSize_ ? payloadLeft_ : segmentSize_; }
  void writeHeaders(uint8_t* out, uint32_t payloadLength, uint64_t payloadSum) const;
  void writeIpHeader(uint8_t* out, uint32_t packetLength) const;
  void writeTcpHeader(uint8_t* tcp, uint64_t sum) const;
  void writeUdpHeader(uint8_t* udp, uint32_t length, uint64_t sum) const;
  void advance(uint32_t payloadLength);

  bool done_ = true;
  bool first_ = false;
  bool udp_ = false;
  uint8_t version_ = 0;
  uint8_t flags_ = 0;
  uint16_t identification_ = 0;
  uint32_t sequence_ = 0;
  uint32_t transportOffset_ = 0;
  uint32_t headersLength_ = 0;
  uint32_t segmentSize_ = 0;
  uint32_t payloadLeft_ = 0;
  const uint8_t* payload_ = nullptr;
  /** What the checksums cover besides the payload and the fields that differ from packet to packet, which the copy has as zeros. */
  uint64_t ipSum_ = 0;
  uint64_t transportSum_ = 0;
  uint8_t headers_[kLargestHeaders];
};

}  // namespace pqtun
