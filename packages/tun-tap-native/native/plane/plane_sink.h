#pragma once

#include <sys/uio.h>

#include <cstdint>

#include "plane_types.h"

namespace pqtun {

/** The most datagrams of one UDP_SEGMENT send, and the most bytes of it: what Linux takes. linux/udp.h UDP_MAX_SEGMENTS. */
constexpr uint32_t kMostSegments = 64;
constexpr uint32_t kMostTrainBytes = 65507;

/** Sealed records of one peer, one behind the other. */
struct Train {
  Endpoint to;
  /** Not known: the kernel chooses. */
  LocalAddress from;
  const uint8_t* bytes;
  uint32_t length;
  /** Each record is as long as this, but the last, which may be shorter. */
  uint32_t segmentSize;
  /** At most kMostSegments. */
  uint32_t count;
};

/**
 * Where a DataPlane puts what leaves it; the shell's part, and a recorder's in tests. Called inside the plane's entry points and
 * verbs, in the thread that called those; must not call back into the plane. What cannot be sent is the sink's to count and
 * to retry: the plane has let go of it. All memory is the plane's and is read before the call returns.
 */
class PlaneSink {
 public:
  virtual void sendTrain(const Train& train) = 0;
  /** One handshake or cookie datagram. */
  virtual void sendDatagram(const Endpoint& to, const LocalAddress& from, const uint8_t* bytes, uint32_t length) = 0;

  /**
   * One packet or super-frame for the TUN, in `count` pieces, the first of which begins with the virtio header (10 B). `false`: the
   * kernel refused it for what it is (EINVAL, EIO), and if it is a super-frame the plane will try again with its packets one by one.
   */
  virtual bool writeTun(const iovec* pieces, uint32_t count) = 0;

 protected:
  ~PlaneSink() = default;
};

}  // namespace pqtun
