#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace pqtun {

/**
 * The segment size of a read with UDP_GRO, from the control messages of recvmsg() or recvmmsg(); 0 when there is none, or none
 * that means anything: then what was read is one datagram. `message` is the caller's. linux/net/ipv4/udp.c, udp_cmsg_recv.
 */
uint32_t readGroSize(msghdr* message);

/** One datagram in a receive buffer, whose owner owns it. */
struct Datagram {
  uint8_t* bytes;
  uint32_t length;
};

/**
 * Walks over the datagrams that the kernel has put into one buffer: all of `segmentSize` B, but the last, which may be shorter.
 * Holds no memory; the buffer is the caller's.
 *
 * Of a buffer that was too short (MSG_TRUNC) the datagrams that are whole are walked over, and the rest is given up: what lies at
 * the end may be cut off, and a cut-off datagram must not pass for a short one.
 */
class GroDatagrams {
 public:
  /** `length` B were read; `segmentSize` from readGroSize(). */
  GroDatagrams(uint8_t* bytes, uint32_t length, uint32_t segmentSize, bool truncated);

  /** `false` when there is no other. An empty read without segment size is one empty datagram. */
  bool next(Datagram* datagram);
  /** Whether bytes were lost or given up. */
  bool cut() const { return cut_; }

 private:
  uint8_t* bytes_;
  uint32_t left_;
  uint32_t segmentSize_;
  bool cut_;
  bool empty_;
};

}  // namespace pqtun
