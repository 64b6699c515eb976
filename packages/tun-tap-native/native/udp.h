#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "environment.h"
#include "os_error.h"
#include "poll_handle.h"
#include "slab.h"
#include "udp_record.h"
#include "udp_socket.h"
#include "unique_fd.h"

namespace tuntap {

struct UdpEvents {
  /** `count` datagrams lie in the slab where records() says, until this returns. May close the socket. */
  std::function<void(uint32_t count)> datagrams;
  /** Receiving has ended; nothing follows. */
  std::function<void(OsError error)> error;
};

struct UdpCounters {
  uint64_t received = 0;
  uint64_t sent = 0;
  /** Longer than `longest`, and so dropped. */
  uint64_t oversize = 0;
  /** Transient errors the socket reported while receiving. */
  uint64_t receiveErrors = 0;
  uint64_t sendFailures = 0;
};

/** One datagram to send: its bytes are the caller's, and are read before send() returns. */
struct OutgoingBytes {
  const uint8_t* data;
  size_t length;
};

/** One UDP socket, read and written in batches on the event loop, with the local address of every datagram. */
class Udp : public Resource, public std::enable_shared_from_this<Udp> {
 public:
  static OsResult<std::shared_ptr<Udp>> open(std::shared_ptr<Environment> environment, const UdpOptions& options);
  ~Udp() override { close(); }

  OsError start(UdpEvents events);
  void stop();
  /**
   * Sends datagram i to and from the addresses of records[i], sets records[i].status, and returns how many failed. A failed
   * one is skipped; a full socket buffer (EAGAIN) also fails the rest, which would only meet it again.
   */
  uint32_t send(UdpRecord* records, const OutgoingBytes* bytes, uint32_t count);
  OsError setMark(uint32_t mark);
  void close() override;

  bool closed() const { return !fd_.valid(); }
  int fd() const { return fd_.get(); }
  int family() const { return family_; }
  uint16_t port() const { return port_; }
  const UdpCounters& counters() const { return counters_; }
  const std::shared_ptr<Slab>& slab() const { return slab_; }
  const std::shared_ptr<Slab>& records() const { return records_; }

 private:
  /** Room for one IP_PKTINFO or IPV6_PKTINFO. */
  struct alignas(cmsghdr) ControlBuffer {
    char bytes[CMSG_SPACE(sizeof(in6_pktinfo))];
  };

  Udp(std::shared_ptr<Environment> environment, const UdpOptions& options);
  OsError prepare();
  void turn(int status);
  uint32_t receiveBatch(OsError* fatal);
  void clearPendingErrors();
  void address(const UdpRecord& record, mmsghdr* message, sockaddr_storage* name, ControlBuffer* control) const;

  UniqueFd fd_;
  std::unique_ptr<PollHandle> poll_;
  std::shared_ptr<const UdpEvents> events_;
  std::shared_ptr<Slab> slab_;
  std::shared_ptr<Slab> records_;
  int family_;
  uint32_t batch_;
  uint32_t longest_;
  uint16_t port_ = 0;
  uint32_t pollErrors_ = 0;
  UdpCounters counters_;
  // Scratch of one system call, `batch_` of each, here so that a turn allocates nothing.
  std::vector<mmsghdr> messages_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_storage> names_;
  std::vector<ControlBuffer> controls_;
};

}  // namespace tuntap
