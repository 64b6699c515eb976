#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>

#include "virtio_header.h"

namespace pqtun {

/**
 * Joins consecutive packets of a TCP or UDP flow into super-frames for the TUN, so that the kernel's stack is passed once for
 * many of them. Nothing is copied: a frame is handed out as a list of pieces for writev(), and the payloads stay where they were
 * decrypted.
 *
 * What comes out of a super-frame when it is cut again is what went in, byte for byte; only the IPv4 identification of packets
 * with DF may differ, which RFC 6864 §4.1 says means nothing. Hence:
 *
 *  - Checksums are verified first, and a packet whose own are not right, or not as we would write them, passes alone as it is. A
 *    super-frame is written with a checksum that the kernel completes, which would repair what is corrupt.
 *  - Joined are packets with the same headers: addresses, ports, traffic class, TTL, DF, flow label, TCP acknowledgement,
 *    window, urgent pointer, options and flags. What differs: lengths, checksums, the identification counting up, the
 *    sequence number going on, PSH or FIN on the last, CWR on the first.
 *  - All have equal payloads, but the last, which may be shorter and ends the frame.
 *  - Never joined: fragments, IPv4 options, extension headers, packets without payload, with SYN, RST or URG, UDP without checksum.
 *
 * The order within a flow is kept: whatever of a flow cannot be joined ends its open frame. Flows may overtake each other
 * within a batch.
 *
 * Use: add() the packets of a batch, then write frame(0) … frame(frameCount() − 1), then clear().
 *
 * Bounds: `capacity` packets a batch, kMostFlows flows a batch (of further ones packets pass alone), 65,535 B a frame, kMostTcp or kMostUdp
 * packets a frame. Memory: 16 B for a packet and 56 B for a frame, `capacity` of each, and 2 KiB for flows; all of it from the
 * constructor.
 */
class Coalescer {
 public:
  static constexpr uint32_t kMostTcp = 128;
  /** What Linux takes in one UDP super-frame. */
  static constexpr uint32_t kMostUdp = 64;
  static constexpr uint32_t kMostFlows = 128;
  /** One for each packet; the virtio header stands before the first. */
  static constexpr uint32_t kMostVectors = kMostTcp;

  explicit Coalescer(uint32_t capacity);

  /** What the TUN takes: without, packets of that kind pass alone. Both are on at first. Between clear() and the first add(). */
  void allow(bool tcp, bool udp);

  /**
   * Takes one inner packet: `length` B, its true length. It and kVirtioHeaderSize B before it stay the caller's, but may be written to
   * from frame() on, and must stay where they are until clear(). `false`, and nothing done, when `capacity` is reached.
   */
  bool add(uint8_t* packet, uint32_t length);

  uint32_t frameCount() const { return frameCount_; }
  /** Packets that are in frame `i`. */
  uint32_t packetCount(uint32_t i) const { return frames_[i].count; }

  /**
   * Makes frame `i` ready and writes its pieces to `vectors` (room for kMostVectors); returns how many there are. The first begins with
   * the virtio header. After the first call of this there is no add() until clear().
   */
  uint32_t frame(uint32_t i, iovec* vectors);

  /**
   * For when the kernel has refused frame `i`: restores its packets to what they were and writes them to `vectors` (room for
   * kMostVectors), one each, with a plain virtio header before each; returns how many there are. It is then no super-frame any more, and
   * frame() must not be asked for it again.
   */
  uint32_t separate(uint32_t i, iovec* vectors);

  void clear();

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Packet {
    uint8_t* bytes;
    uint32_t length;
    /** The next one of its frame. */
    uint32_t next;
  };

  /** What frame() overwrites in the headers of the first packet. */
  struct Saved {
    uint16_t ipLength;
    uint16_t ipChecksum;
    uint16_t udpLength;
    uint16_t checksum;
    uint8_t flags;
  };

  struct Frame {
    uint32_t first;
    uint32_t last;
    uint32_t count;
    /** As a packet: headers of the first and all payloads. */
    uint32_t length;
    uint32_t headersLength;
    uint32_t segmentSize;
    uint32_t nextSequence;
    uint16_t nextIdentification;
    FrameKind kind;
    /** FIN and PSH of the last packet. */
    uint8_t lastFlags;
    bool open;
    /** The checksums of the first packet are known to be right. Asked only when a second one comes. */
    bool verified;
    /** The headers of the first packet are those of the super-frame. */
    bool written;
    Saved saved;
  };

  struct Flow {
    /** Of which batch; any other than the present one: empty. */
    uint32_t batch;
    uint32_t frame;
  };

  static constexpr uint32_t kFlowSlots = 2 * kMostFlows;
  /** How many slots are looked at: one who knows the hash can make flows meet, and then they are only not joined. */
  static constexpr uint32_t kMostProbes = 8;

  struct Shape;

  bool join(Frame* frame, const Shape& shape, uint8_t* bytes, uint32_t length);
  Frame* begin(uint8_t* bytes, uint32_t length);
  void append(Frame* frame, uint8_t* bytes, uint32_t length);
  Flow* findFlow(const Shape& shape, const uint8_t* bytes);
  void endAll();
  void writeHeaders(Frame* frame);
  VirtioHeader writeSuperHeaders(Frame* frame, uint8_t* packet);
  void restoreHeaders(const Frame& frame, uint8_t* packet);

  std::unique_ptr<Packet[]> packets_;
  std::unique_ptr<Frame[]> frames_;
  uint32_t capacity_;
  uint32_t packetCount_ = 0;
  uint32_t frameCount_ = 0;
  uint32_t batch_ = 1;
  bool tcp_ = true;
  bool udp_ = true;
  Flow flows_[kFlowSlots] = {};
  uint32_t flowCount_ = 0;
};

}  // namespace pqtun
