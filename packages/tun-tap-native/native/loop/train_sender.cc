#include "train_sender.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "os_error.h"
#include "udp_address.h"

namespace tuntap {

namespace {

using pqtun::kMostSegments;
using pqtun::Train;

constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
constexpr int kWait = 1;

bool isFull(int code) { return code == EAGAIN || code == ENOBUFS || code == ENOMEM; }

/** A source address given up with these is no longer ours, or no longer leads anywhere. */
bool isAboutSource(int code) { return code == EINVAL || code == EADDRNOTAVAIL || code == ENETUNREACH || code == ENODEV; }

/**
 * Whether it may be the train that is refused and not what is in it: EIO where the device computes no checksums or IPsec is in the
 * way, EINVAL and EMSGSIZE for a segment that does not fit the path (udp_send_skb), the others of kernels that do not know it.
 */
bool isAboutTrain(int code) {
  return code == EIO || code == EINVAL || code == EMSGSIZE || code == EOPNOTSUPP || code == ENOTSUP || code == ENOPROTOOPT;
}

}  // namespace

void TrainSender::send(const Train& train, bool transport) {
  const int fd = port_->fd(train.to.ipSize == 4 ? 4 : 6);
  if (fd < 0) return fail(train, EAFNOSUPPORT, transport, train.segmentSize, train.count);
  Address address;
  makeAddress(fd, train, &address);
  const bool single = train.count == 1;
  if (!single && !offloads_->active(Offload::udpGso)) return sendSingly(train, &address, transport, 0);
  int code = sendWhole(train, &address);
  if (isAboutSource(code) && address.hasSource) {
    address.hasSource = false;
    const int without = sendWhole(train, &address);
    if (without == 0) sourceLost_ = true;
    // EINVAL says it of either: each datagram will tell which it was.
    address.hasSource = !single && code == EINVAL && without != 0;
    code = without;
  }
  if (code == 0) return;
  if (single || !isAboutTrain(code)) return fail(train, code, transport, train.segmentSize, train.count);
  sendSingly(train, &address, transport, code);
}

bool TrainSender::takeSourceLost() { return std::exchange(sourceLost_, false); }

void TrainSender::makeAddress(int fd, const Train& train, Address* address) {
  const pqtun::Endpoint& to = train.to;
  const pqtun::LocalAddress& from = train.from;
  const int family = to.ipSize == 4 ? 4 : 6;
  address->fd = fd;
  address->nameLength = writeSocketAddress(family, to.ip, to.ipSize, to.port, to.scope, &address->name);
  if (train.count > 1) writeSegmentSize(address->control, static_cast<uint16_t>(train.segmentSize));
  address->hasSource = from.known() && from.ipSize == to.ipSize;
  address->sourceLength = 0;
  if (!address->hasSource) return;
  UdpRecord record{};
  record.localIpLength = from.ipSize;
  std::memcpy(record.localIp, from.ip, from.ipSize);
  // The interface is pinned for link-local destinations alone, which mean nothing without it. For others the source address is
  // asked for and routing decides the way: with two uplinks the way back need not be the way in.
  record.interfaceIndex = to.scope == 0 ? 0 : from.interfaceIndex;
  address->sourceLength =
      writePacketInfo(family, record, address->control + kSegmentControlSize, CMSG_SPACE(sizeof(in6_pktinfo)));
}

void TrainSender::setControl(Address* address, bool segmented, msghdr* header) {
  const size_t length = (segmented ? kSegmentControlSize : 0) + (address->hasSource ? address->sourceLength : 0);
  header->msg_control = length == 0 ? nullptr : address->control + (segmented ? 0 : kSegmentControlSize);
  header->msg_controllen = length;
}

/** Sends all as one, or the one there is. */
int TrainSender::sendWhole(const Train& train, Address* address) {
  iovec vector{const_cast<uint8_t*>(train.bytes), train.length};
  msghdr header{};
  header.msg_name = &address->name;
  header.msg_namelen = address->nameLength;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  setControl(address, train.count > 1, &header);
  for (bool retried = false; ::sendmsg(address->fd, &header, kFlags) < 0;) {
    const int code = errno;
    if (code == EINTR) continue;
    if (isFull(code) && waitForRoom(address->fd)) continue;
    // Not about this datagram: an ICMP error that came in for an earlier one, see isTransientReadError().
    if (code == ECONNREFUSED && !std::exchange(retried, true)) continue;
    return code;
  }
  countSent(train.count, train.length);
  if (train.count > 1) {
    counters_->add(LoopCounter::udpTrainsSent);
    counters_->add(LoopCounter::udpTrainDatagramsSent, train.count);
  }
  return 0;
}

/** `refusal`: with what the train as such was refused, 0: it was not tried. */
void TrainSender::sendSingly(const Train& train, Address* address, bool transport, int refusal) {
  mmsghdr messages[kMostSegments];
  iovec vectors[kMostSegments];
  const uint32_t count = std::min(train.count, kMostSegments);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t offset = i * train.segmentSize;
    vectors[i] = {const_cast<uint8_t*>(train.bytes) + offset, std::min(train.segmentSize, train.length - offset)};
    messages[i] = {};
    messages[i].msg_hdr.msg_name = &address->name;
    messages[i].msg_hdr.msg_namelen = address->nameLength;
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  bool clean = true;
  bool retried = false;
  bool lostSource = false;
  for (uint32_t done = 0; done < count;) {
    for (uint32_t i = done; i < count; ++i) setControl(address, false, &messages[i].msg_hdr);
    const int sent = ::sendmmsg(address->fd, messages + done, count - done, kFlags);
    if (sent > 0) {
      uint64_t bytes = 0;
      for (int i = 0; i < sent; ++i) bytes += vectors[done++].iov_len;
      countSent(static_cast<uint32_t>(sent), bytes);
      sourceLost_ = sourceLost_ || lostSource;
      retried = false;
      continue;
    }
    const int code = errno;
    if (code == EINTR) continue;
    if (isFull(code) && waitForRoom(address->fd)) continue;
    if (code == ECONNREFUSED && !std::exchange(retried, true)) continue;
    clean = false;
    if (isAboutSource(code) && address->hasSource) {
      address->hasSource = false;
      lostSource = true;
      continue;
    }
    if (isFull(code)) return fail(train, code, transport, train.segmentSize, count - done);
    retried = false;
    fail(train, code, transport, static_cast<uint32_t>(vectors[done++].iov_len), 1);
  }
  if (refusal != 0 && clean) {
    offloads_->turnOff(Offload::udpGso, std::string("the kernel refused a train whose datagrams it takes: ") + errorText(refusal));
  }
}

bool TrainSender::waitForRoom(int fd) {
  if (std::exchange(waited_, true)) {
    full_ = true;
    return false;
  }
  counters_->add(LoopCounter::udpWaits);
  pollfd waiting{fd, POLLOUT, 0};
  // Tried again also where it said no: the kernel calls a socket writable when it is half empty, and takes more before.
  ::poll(&waiting, 1, kWait);
  return true;
}

void TrainSender::fail(const Train& train, int code, bool transport, uint32_t length, uint32_t count) {
  counters_->add(isFull(code) ? LoopCounter::udpDatagramsDropped : LoopCounter::udpDatagramsFailed, count);
  failures_->add(train.to, code, transport, std::min(length, train.length), count);
}

void TrainSender::countSent(uint32_t datagrams, uint64_t bytes) {
  counters_->add(LoopCounter::udpSends);
  counters_->add(LoopCounter::udpDatagramsSent, datagrams);
  counters_->add(LoopCounter::udpBytesSent, bytes);
}

}  // namespace tuntap
