#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "../plane/plane_sink.h"
#include "loop_counters.h"
#include "offloads.h"
#include "send_failures.h"
#include "udp_port.h"
#include "udp_segment.h"

namespace tuntap {

/**
 * Sends trains: as one with UDP_SEGMENT, or, where that is off or refused, as a list with sendmmsg. What the kernel refuses:
 *
 *  - A train that it refuses while it takes each of its datagrams: UDP_SEGMENT is turned off, once and for all.
 *  - EMSGSIZE of one datagram is the path, and goes to `failures`.
 *  - A source address that is not ours any more: sent again without, and sourceLost() tells.
 *  - No room in the socket: waits a millisecond for it, once a turn, and then drops and counts. Whoever reads packets for it to send
 *    looks at full() and lets them wait in the TUN's queue, which knows how to push back.
 *  - All else goes to `failures`.
 *
 * Never waits longer, never tries anything more often than twice. Not thread-safe: the loop's lock is held.
 */
class TrainSender {
 public:
  TrainSender(Offloads* offloads, LoopCounters* counters, SendFailures* failures)
      : offloads_(offloads), counters_(counters), failures_(failures) {}

  /** Sends through these sockets from now on; they must outlive that. */
  void use(UdpPort* port) { port_ = port; }
  /** Allows the wait anew. */
  void beginTurn() { waited_ = full_ = false; }

  void send(const pqtun::Train& train, bool transport);

  /** Whether a socket was full in this turn, and a wait did not help. */
  bool full() const { return full_; }
  /** Whether a source address was found to be lost since the last call. */
  bool takeSourceLost();

 private:
  /** One name and one set of control messages for all datagrams of a train. */
  struct Address {
    int fd;
    sockaddr_storage name;
    socklen_t nameLength;
    bool hasSource;
    /** Segment size, behind it the source, so that any part of the two is in one piece. */
    alignas(cmsghdr) char control[kSegmentControlSize + CMSG_SPACE(sizeof(in6_pktinfo))];
    size_t sourceLength;
  };

  static void makeAddress(int fd, const pqtun::Train& train, Address* address);
  static void setControl(Address* address, bool segmented, msghdr* header);
  /** 0, or the errno. */
  int sendWhole(const pqtun::Train& train, Address* address);
  void sendSingly(const pqtun::Train& train, Address* address, bool transport, int refusal);
  bool waitForRoom(int fd);
  void fail(const pqtun::Train& train, int code, bool transport, uint32_t length, uint32_t count);
  void countSent(uint32_t datagrams, uint64_t bytes);

  Offloads* offloads_;
  LoopCounters* counters_;
  SendFailures* failures_;
  UdpPort* port_ = nullptr;
  bool waited_ = false;
  bool full_ = false;
  bool sourceLost_ = false;
};

}  // namespace tuntap
