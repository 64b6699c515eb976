// The path of a packet:
//   1. What is it, and could it be joined with anything                      shapeOf()
//   2. The flow it belongs to, and that flow's open frame                    findFlow()
//   3. Is it the one that comes next there, and are all checksums right      join()
//   4. Else it begins a frame of its own                                     begin()
//   5. When all are in: headers of the super-frames                          writeHeaders()
#include "coalesce.h"

#include <cstring>

#include "big_endian.h"
#include "checksum.h"
#include "inner_packet.h"
#include "tcp_udp.h"

namespace pqtun {

/** A packet as the coalescer sees it. */
struct Coalescer::Shape {
  enum class Place : uint8_t {
    /** Of a protocol that is not joined: it goes its way. */
    alone,
    /** Perhaps of some TCP or UDP flow, but it does not show of which. */
    anyFlow,
    /** Of a flow, in which nothing can be joined across it. */
    between,
    joinable,
  };

  Place place = Place::alone;
  FrameKind kind = FrameKind::plain;
  uint8_t version = 0;
  uint8_t flags = 0;
  uint32_t transportOffset = 0;
  uint32_t headersLength = 0;
  uint32_t payloadLength = 0;

  static Shape of(const uint8_t* bytes, uint32_t length, bool tcp, bool udp);

 private:
  bool readTcp(const uint8_t* tcp, uint32_t available);
  bool readUdp(const uint8_t* udp, uint32_t available);
};

namespace {

constexpr uint32_t kLargestFrame = 65535;
constexpr uint8_t kEnds = kTcpFin | kTcpPsh;
constexpr uint8_t kDontFragment = 0x40;
constexpr uint8_t kReservedFlag = 0x80;

/** Where the transport header stands in a packet that may be joined: there are no options and extension headers. */
constexpr uint32_t plainHeaderSize(uint8_t version) { return version == 4 ? kIpv4HeaderSize : kIpv6HeaderSize; }

/** Both addresses, which stand side by side. */
constexpr uint32_t addressesOffset(uint8_t version) { return version == 4 ? 12 : 8; }
constexpr uint32_t addressesLength(uint8_t version) { return version == 4 ? 8 : 32; }

constexpr uint32_t kIpv4Checksum = 10;
constexpr uint32_t ipLengthOffset(uint8_t version) { return version == 4 ? 2 : 4; }

uint32_t load32(const uint8_t* bytes) {
  uint32_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t load64(const uint8_t* bytes) {
  uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/** Spreads flows over a table; `ports` are the first 4 B of the transport header. */
uint32_t hashOf(const uint8_t* addresses, uint32_t length, const uint8_t* ports) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  uint64_t hash = load32(ports);
  for (uint32_t i = 0; i < length; i += 8) {
    hash = (hash ^ load64(addresses + i)) * kOdd;
    hash ^= hash >> 29;
  }
  return static_cast<uint32_t>(hash * kOdd >> 32);
}

/** Whether the IP headers let both be in one super-frame; that addresses, version and protocol are equal is known. */
bool sameIpHeader(uint8_t version, const uint8_t* first, const uint8_t* next, uint16_t identification) {
  if (version == 6) return load32(first) == load32(next) && first[7] == next[7];
  // RFC 6864 §4.1: where DF says that it never becomes fragments, a packet's identification is to be ignored.
  const bool inOrder = (first[6] & kDontFragment) != 0 || readU16be(next + 4) == identification;
  return inOrder && first[1] == next[1] && first[6] == next[6] && first[8] == next[8];
}

bool sameTcpHeader(const uint8_t* first, const uint8_t* next, uint32_t length, uint32_t sequence) {
  const uint8_t differing = first[kTcpFlags] ^ next[kTcpFlags];
  constexpr uint8_t kMayDiffer = kEnds | kTcpCwr;
  return readU32be(next + kTcpSequence) == sequence &&
         load32(first + kTcpAcknowledgement) == load32(next + kTcpAcknowledgement) &&
         first[kTcpDataOffset] == next[kTcpDataOffset] && (differing & static_cast<uint8_t>(~kMayDiffer)) == 0 &&
         (next[kTcpFlags] & kTcpCwr) == 0 && loadWord(first + kTcpWindow) == loadWord(next + kTcpWindow) &&
         loadWord(first + kTcpUrgent) == loadWord(next + kTcpUrgent) &&
         std::memcmp(first + kTcpHeaderSize, next + kTcpHeaderSize, length - kTcpHeaderSize) == 0;
}

/** Whether all checksums are right and written as we would: ones-complement zero has two forms, of which TCP and IPv4 use 0. */
bool checksumsRight(FrameKind kind, uint8_t version, const uint8_t* packet, uint32_t length) {
  if (version == 4 && (loadWord(packet + kIpv4Checksum) == 0xffff || !sumsToZero(sumBytes(packet, kIpv4HeaderSize)))) return false;
  const uint32_t offset = plainHeaderSize(version);
  const uint8_t* transport = packet + offset;
  if (kind == FrameKind::tcp && loadWord(transport + kTcpChecksum) == 0xffff) return false;
  const uint8_t protocol = kind == FrameKind::tcp ? kProtocolTcp : kProtocolUdp;
  const uint64_t pseudo =
      pseudoHeaderSum(packet + addressesOffset(version), addressesLength(version), protocol, length - offset);
  return sumsToZero(pseudo + sumBytes(transport, length - offset));
}

}  // namespace

Coalescer::Shape Coalescer::Shape::of(const uint8_t* bytes, uint32_t length, bool tcp, bool udp) {
  Shape shape;
  if (innerLength(bytes, length) != static_cast<int64_t>(length)) return shape;
  const Transport transport = findTransport(bytes, length);
  shape.kind = transport.protocol == kProtocolTcp   ? FrameKind::tcp
               : transport.protocol == kProtocolUdp ? FrameKind::udp
                                                    : FrameKind::plain;
  if (shape.kind == FrameKind::plain && transport.view != TransportView::hidden) return shape;
  if ((shape.kind == FrameKind::tcp && !tcp) || (shape.kind == FrameKind::udp && !udp)) return shape;

  shape.place = Place::anyFlow;
  if (transport.view != TransportView::whole) return shape;
  shape.version = versionOf(bytes);
  shape.transportOffset = transport.offset;
  const uint8_t* header = bytes + transport.offset;
  const uint32_t available = length - transport.offset;
  if (available < kUdpHeaderSize) return shape;

  shape.place = Place::between;
  const bool fits = shape.kind == FrameKind::tcp ? shape.readTcp(header, available) : shape.readUdp(header, available);
  const bool plain = transport.offset == plainHeaderSize(shape.version);
  const bool reserved = shape.version == 4 && (bytes[6] & kReservedFlag) != 0;
  if (fits && plain && !reserved) shape.place = Place::joinable;
  return shape;
}

bool Coalescer::Shape::readTcp(const uint8_t* tcp, uint32_t available) {
  const uint32_t length = tcpHeaderLength(tcp, available);
  if (length == 0) return false;
  headersLength = transportOffset + length;
  payloadLength = available - length;
  flags = tcp[kTcpFlags];
  return payloadLength > 0 && (flags & (kTcpAck | kTcpSyn | kTcpRst | kTcpUrg)) == kTcpAck;
}

bool Coalescer::Shape::readUdp(const uint8_t* udp, uint32_t available) {
  headersLength = transportOffset + kUdpHeaderSize;
  payloadLength = available - kUdpHeaderSize;
  return payloadLength > 0 && readU16be(udp + kUdpLength) == available && loadWord(udp + kUdpChecksum) != 0;
}

Coalescer::Coalescer(uint32_t capacity)
    : packets_(new Packet[capacity]), frames_(new Frame[capacity]), capacity_(capacity) {}

void Coalescer::allow(bool tcp, bool udp) {
  tcp_ = tcp;
  udp_ = udp;
}

bool Coalescer::add(uint8_t* packet, uint32_t length) {
  if (packetCount_ == capacity_) return false;
  const Shape shape = Shape::of(packet, length, tcp_, udp_);
  if (shape.place == Shape::Place::anyFlow) endAll();
  const bool hasFlow = shape.place == Shape::Place::between || shape.place == Shape::Place::joinable;
  Flow* flow = hasFlow ? findFlow(shape, packet) : nullptr;
  const bool known = flow != nullptr && flow->batch == batch_;
  if (known) {
    Frame* frame = &frames_[flow->frame];
    if (shape.place == Shape::Place::joinable && frame->open && join(frame, shape, packet, length)) return true;
    frame->open = false;
  }

  Frame* frame = begin(packet, length);
  if (shape.place != Shape::Place::joinable || flow == nullptr) return true;
  frame->kind = shape.kind;
  frame->headersLength = shape.headersLength;
  frame->segmentSize = shape.payloadLength;
  frame->open = (shape.flags & kEnds) == 0 || shape.kind == FrameKind::udp;
  if (shape.kind == FrameKind::tcp)
    frame->nextSequence = readU32be(packet + shape.transportOffset + kTcpSequence) + shape.payloadLength;
  if (shape.version == 4) frame->nextIdentification = static_cast<uint16_t>(readU16be(packet + 4) + 1);
  if (!known) ++flowCount_;
  *flow = {batch_, static_cast<uint32_t>(frame - frames_.get())};
  return true;
}

bool Coalescer::join(Frame* frame, const Shape& shape, uint8_t* bytes, uint32_t length) {
  const uint8_t* first = packets_[frame->first].bytes;
  const uint32_t most = shape.kind == FrameKind::tcp ? kMostTcp : kMostUdp;
  if (shape.headersLength != frame->headersLength || shape.payloadLength > frame->segmentSize) return false;
  if (frame->count == most || frame->length + shape.payloadLength > kLargestFrame) return false;
  if (!sameIpHeader(shape.version, first, bytes, frame->nextIdentification)) return false;
  const uint32_t offset = shape.transportOffset;
  const bool follows = shape.kind == FrameKind::udp || sameTcpHeader(first + offset, bytes + offset,
                                                                     shape.headersLength - offset, frame->nextSequence);
  if (!follows) return false;

  if (!frame->verified) {
    if (!checksumsRight(shape.kind, shape.version, first, packets_[frame->first].length)) return false;
    frame->verified = true;
  }
  if (!checksumsRight(shape.kind, shape.version, bytes, length)) return false;

  append(frame, bytes, length);
  frame->length += shape.payloadLength;
  frame->nextSequence += shape.payloadLength;
  ++frame->nextIdentification;
  if (shape.kind == FrameKind::tcp) frame->lastFlags = shape.flags & kEnds;
  frame->open = frame->lastFlags == 0 && shape.payloadLength == frame->segmentSize;
  return true;
}

Coalescer::Frame* Coalescer::begin(uint8_t* bytes, uint32_t length) {
  Frame* frame = &frames_[frameCount_++];
  *frame = {};
  frame->first = packetCount_;
  frame->length = length;
  append(frame, bytes, length);
  return frame;
}

void Coalescer::append(Frame* frame, uint8_t* bytes, uint32_t length) {
  packets_[packetCount_] = {bytes, length, kNone};
  if (frame->count > 0) packets_[frame->last].next = packetCount_;
  frame->last = packetCount_++;
  ++frame->count;
}

/**
 * The slot of a packet's flow: the flow's own when it is known, else one that is free, which the caller may fill; `nullptr` when there
 * is neither. A flow is known by the first packet of its latest frame.
 */
Coalescer::Flow* Coalescer::findFlow(const Shape& shape, const uint8_t* bytes) {
  const uint8_t* addresses = bytes + addressesOffset(shape.version);
  const uint32_t length = addressesLength(shape.version);
  const uint8_t* ports = bytes + shape.transportOffset;
  const uint32_t hash = hashOf(addresses, length, ports);
  for (uint32_t i = 0; i < kMostProbes; ++i) {
    Flow* flow = &flows_[(hash + i) % kFlowSlots];
    if (flow->batch != batch_) return flowCount_ < kMostFlows ? flow : nullptr;
    const Frame& frame = frames_[flow->frame];
    const uint8_t* first = packets_[frame.first].bytes;
    if (frame.kind == shape.kind && versionOf(first) == shape.version &&
        load32(first + plainHeaderSize(shape.version)) == load32(ports) &&
        std::memcmp(first + addressesOffset(shape.version), addresses, length) == 0)
      return flow;
  }
  return nullptr;
}

void Coalescer::endAll() {
  for (const Flow& flow : flows_) {
    if (flow.batch == batch_) frames_[flow.frame].open = false;
  }
}

uint32_t Coalescer::frame(uint32_t i, iovec* vectors) {
  Frame* frame = &frames_[i];
  if (!frame->written) writeHeaders(frame);
  const Packet* packet = &packets_[frame->first];
  vectors[0] = {packet->bytes - kVirtioHeaderSize, packet->length + kVirtioHeaderSize};
  uint32_t count = 1;
  while (packet->next != kNone) {
    packet = &packets_[packet->next];
    vectors[count++] = {packet->bytes + frame->headersLength, packet->length - frame->headersLength};
  }
  return count;
}

void Coalescer::writeHeaders(Frame* frame) {
  frame->written = true;
  uint8_t* packet = packets_[frame->first].bytes;
  const VirtioHeader header = frame->count == 1 ? plainHeader() : writeSuperHeaders(frame, packet);
  std::memcpy(packet - kVirtioHeaderSize, &header, kVirtioHeaderSize);
}

/** Makes the headers of the first packet those of all, remembers what they were, and returns what stands before them. */
VirtioHeader Coalescer::writeSuperHeaders(Frame* frame, uint8_t* packet) {
  const uint8_t version = versionOf(packet);
  const uint32_t offset = plainHeaderSize(version);
  const uint32_t carried = frame->length - offset;
  const bool tcp = frame->kind == FrameKind::tcp;
  uint8_t* transport = packet + offset;

  uint8_t* ipLength = packet + ipLengthOffset(version);
  frame->saved.ipLength = loadWord(ipLength);
  writeU16be(ipLength, static_cast<uint16_t>(version == 4 ? frame->length : carried));
  if (version == 4) {
    frame->saved.ipChecksum = loadWord(packet + kIpv4Checksum);
    storeWord(packet + kIpv4Checksum, 0);
    storeWord(packet + kIpv4Checksum, checksumOf(sumBytes(packet, kIpv4HeaderSize)));
  }
  if (tcp) {
    frame->saved.flags = transport[kTcpFlags];
    transport[kTcpFlags] |= frame->lastFlags;
  } else {
    frame->saved.udpLength = loadWord(transport + kUdpLength);
    writeU16be(transport + kUdpLength, static_cast<uint16_t>(carried));
  }
  uint8_t* checksum = transport + (tcp ? kTcpChecksum : kUdpChecksum);
  frame->saved.checksum = loadWord(checksum);
  storeWord(checksum, foldSum(pseudoHeaderSum(packet + addressesOffset(version), addressesLength(version),
                                              tcp ? kProtocolTcp : kProtocolUdp, carried)));
  const bool cwr = tcp && (transport[kTcpFlags] & kTcpCwr) != 0;
  return superHeader(frame->kind, version, offset, frame->headersLength, frame->segmentSize, cwr);
}

/** The opposite of writeSuperHeaders(). */
void Coalescer::restoreHeaders(const Frame& frame, uint8_t* packet) {
  const uint8_t version = versionOf(packet);
  uint8_t* transport = packet + plainHeaderSize(version);
  storeWord(packet + ipLengthOffset(version), frame.saved.ipLength);
  if (version == 4) storeWord(packet + kIpv4Checksum, frame.saved.ipChecksum);
  if (frame.kind == FrameKind::tcp) {
    transport[kTcpFlags] = frame.saved.flags;
    storeWord(transport + kTcpChecksum, frame.saved.checksum);
  } else {
    storeWord(transport + kUdpLength, frame.saved.udpLength);
    storeWord(transport + kUdpChecksum, frame.saved.checksum);
  }
}

uint32_t Coalescer::separate(uint32_t i, iovec* vectors) {
  Frame* frame = &frames_[i];
  if (frame->written && frame->count > 1) restoreHeaders(*frame, packets_[frame->first].bytes);
  const VirtioHeader header = plainHeader();
  uint32_t count = 0;
  for (uint32_t at = frame->first; at != kNone; at = packets_[at].next) {
    uint8_t* start = packets_[at].bytes - kVirtioHeaderSize;
    std::memcpy(start, &header, kVirtioHeaderSize);
    vectors[count++] = {start, packets_[at].length + kVirtioHeaderSize};
  }
  return count;
}

void Coalescer::clear() {
  packetCount_ = 0;
  frameCount_ = 0;
  flowCount_ = 0;
  // Slots of other batches count as empty. When the number comes round, those of the same number four billion batches ago must not.
  if (++batch_ == 0) {
    std::memset(flows_, 0, sizeof flows_);
    batch_ = 1;
  }
}

}  // namespace pqtun
