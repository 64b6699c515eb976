#include "udp_receiver.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "../plane/gro_split.h"
#include "capabilities.h"
#include "udp_address.h"

namespace tuntap {

namespace {

constexpr size_t kLongest = 65536;
constexpr size_t kCacheLine = 64;
constexpr uint32_t kMostErrors = 64;

/** Packet info and UDP_GRO; a socket of ours has nothing else switched on. */
struct alignas(cmsghdr) ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

void readAddresses(const sockaddr_storage& name, msghdr* header, Received* received) {
  UdpRecord record{};
  readSocketAddress(name, &record);
  readPacketInfo(header, &record);
  std::memcpy(received->from.ip, record.ip, sizeof record.ip);
  received->from.ipSize = record.ipLength;
  received->from.port = static_cast<uint16_t>(record.port);
  received->from.scope = record.scope;
  std::memcpy(received->localAddress.ip, record.localIp, sizeof record.localIp);
  received->localAddress.ipSize = record.localIpLength;
  received->localAddress.interfaceIndex = record.interfaceIndex;
}

}  // namespace

std::unique_ptr<UdpReceiver> UdpReceiver::create(LoopCounters* counters) {
  std::shared_ptr<Slab> slab = Slab::map(kShare + kLongest);
  return slab ? std::unique_ptr<UdpReceiver>(new UdpReceiver(std::move(slab), counters)) : nullptr;
}

void UdpReceiver::clear() {
  used_ = 0;
  errorsLeft_ = kMostErrors;
}

UdpReceiver::Outcome UdpReceiver::receive(int fd, Received* received) {
  uint8_t* bytes = slab_->data() + used_;
  sockaddr_storage name;
  ControlBuffer control;
  iovec vector{bytes, kLongest};
  msghdr header{};
  for (;;) {
    header = {};
    header.msg_name = &name;
    header.msg_namelen = sizeof name;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    const ssize_t length = ::recvmsg(fd, &header, MSG_DONTWAIT);
    if (length >= 0) {
      received->bytes = bytes;
      received->length = static_cast<uint32_t>(length);
      break;
    }
    if (errno == EAGAIN) return Outcome::nothing;
    if (errno == EINTR) continue;
    if (!isTransientReadError(errno)) {
      error_ = OsError::last("recvmsg");
      return Outcome::failed;
    }
    // The error has been taken off the socket, and a datagram may wait behind it.
    counters_->add(LoopCounter::udpReceiveErrors);
    if (errorsLeft_ == 0) return Outcome::nothing;
    --errorsLeft_;
  }
  used_ += (received->length + kCacheLine - 1) & ~(kCacheLine - 1);
  readAddresses(name, &header, received);
  received->segmentSize = pqtun::readGroSize(&header);
  received->truncated = (header.msg_flags & MSG_TRUNC) != 0;
  counters_->add(LoopCounter::udpReads);
  const uint32_t size = received->segmentSize;
  counters_->add(LoopCounter::udpDatagramsReceived, size == 0 ? 1 : (received->length + size - 1) / size);
  counters_->add(LoopCounter::udpBytesReceived, received->length);
  return Outcome::received;
}

}  // namespace tuntap
