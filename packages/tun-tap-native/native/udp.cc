// The path of a datagram in:
//   1. The loop reports the socket readable                              turn()
//   2. One recvmmsg fills up to a batch of slots of the slab             receiveBatch()
//   3. One call upward for all of them                                   events_->datagrams
//   4. What was left unread is reported by the loop on its next turn.
// Out: records and bytes of any number of datagrams, a batch a sendmmsg  send()
#include "udp.h"

#include <algorithm>
#include <utility>

#include "capabilities.h"
#include "udp_address.h"

namespace tuntap {

namespace {

constexpr uint32_t kMostPollErrors = 64;
constexpr size_t kCacheLine = 64;

/**
 * Slots begin a cache line further on in each page: with 64 KiB between them, the headers of a whole batch would compete
 * for the same few lines of the cache.
 */
constexpr size_t slotStride(uint32_t longest) {
  const size_t rounded = (longest + kCacheLine - 1) & ~(kCacheLine - 1);
  return rounded % 4096 == 0 ? rounded + kCacheLine : rounded;
}

}  // namespace

OsResult<std::shared_ptr<Udp>> Udp::open(std::shared_ptr<Environment> environment, const UdpOptions& options) {
  std::shared_ptr<Udp> udp(new Udp(std::move(environment), options));
  OsError error = openUdpSocket(options, &udp->fd_);
  if (!error) error = udp->prepare();
  if (!error) return udp;
  if (options.fd >= 0) udp->fd_.release();
  return error;
}

Udp::Udp(std::shared_ptr<Environment> environment, const UdpOptions& options)
    : Resource(std::move(environment)),
      family_(options.family),
      batch_(options.batch),
      longest_(options.longest),
      messages_(batch_),
      vectors_(batch_),
      names_(batch_),
      controls_(batch_) {}

OsError Udp::prepare() {
  const OsResult<uint16_t> port = localPort(fd_.get());
  if (port.error) return port.error;
  port_ = port.value;
  slab_ = Slab::map(batch_ * slotStride(longest_));
  records_ = Slab::map(batch_ * sizeof(UdpRecord));
  if (!slab_ || !records_) return {ENOMEM, "mmap"};
  auto poll = PollHandle::open(environment(), fd_.get(), [this](int status) { turn(status); });
  if (poll.error) return poll.error;
  poll_ = std::move(poll.value);
  return {};
}

OsError Udp::start(UdpEvents events) {
  if (closed()) return {EBADF, "start"};
  events_ = std::make_shared<const UdpEvents>(std::move(events));
  return poll_->start();
}

void Udp::stop() {
  if (poll_) poll_->stop();
  events_.reset();
}

void Udp::turn(int status) {
  // The callback may drop the last other owner of this socket, or of the functions being called.
  const std::shared_ptr<Udp> self = shared_from_this();
  const std::shared_ptr<const UdpEvents> events = events_;
  if (status < 0) clearPendingErrors();
  OsError fatal;
  const uint32_t count = receiveBatch(&fatal);
  if (count > 0) events->datagrams(count);
  if (events_ != events) return;
  if (!fatal && status < 0) {
    // libuv stops on POLLERR. An error that stays although nothing is left to take would make the loop spin.
    pollErrors_ = count > 0 ? 0 : pollErrors_ + 1;
    fatal = pollErrors_ > kMostPollErrors ? OsError{-status, "poll"} : poll_->start();
  } else if (count > 0) {
    pollErrors_ = 0;
  }
  if (!fatal) return;
  stop();
  events->error(fatal);
}

/** Takes what raised POLLERR: the pending error, and the error queue of an adopted socket with IP_RECVERR. */
void Udp::clearPendingErrors() {
  int pending = 0;
  socklen_t length = sizeof pending;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &pending, &length);
  if (pending != 0) ++counters_.receiveErrors;
  for (uint32_t i = 0; i < batch_; ++i) {
    char ignored;
    iovec vector{&ignored, sizeof ignored};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (::recvmsg(fd_.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    ++counters_.receiveErrors;
  }
}

/** Receives one batch; the datagrams that may go up are described by the first records, and their number is returned. */
uint32_t Udp::receiveBatch(OsError* fatal) {
  const size_t stride = slotStride(longest_);
  for (uint32_t i = 0; i < batch_; ++i) {
    vectors_[i] = {slab_->data() + i * stride, longest_};
    msghdr& header = messages_[i].msg_hdr;
    header = {};
    header.msg_name = &names_[i];
    header.msg_namelen = sizeof names_[i];
    header.msg_iov = &vectors_[i];
    header.msg_iovlen = 1;
    header.msg_control = controls_[i].bytes;
    header.msg_controllen = sizeof controls_[i].bytes;
  }
  int received;
  // Each error reported here has been taken off the socket, and a datagram may wait behind it.
  for (uint32_t attempt = 0;; ++attempt) {
    received = ::recvmmsg(fd_.get(), messages_.data(), batch_, MSG_DONTWAIT, nullptr);
    if (received >= 0) break;
    if (errno == EAGAIN) return 0;
    if (!isTransientReadError(errno)) {
      *fatal = OsError::last("recvmmsg");
      return 0;
    }
    if (errno != EINTR) ++counters_.receiveErrors;
    if (attempt >= batch_) return 0;
  }
  auto* records = reinterpret_cast<UdpRecord*>(records_->data());
  uint32_t count = 0;
  for (int i = 0; i < received; ++i) {
    msghdr& header = messages_[i].msg_hdr;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      ++counters_.oversize;
      continue;
    }
    UdpRecord& record = records[count++];
    record = {};
    record.offset = static_cast<uint32_t>(i * stride);
    record.length = messages_[i].msg_len;
    readSocketAddress(names_[i], &record);
    readPacketInfo(&header, &record);
  }
  counters_.received += count;
  return count;
}

uint32_t Udp::send(UdpRecord* records, const OutgoingBytes* bytes, uint32_t count) {
  uint32_t failures = 0;
  bool full = false;
  bool retried = false;
  for (uint32_t begin = 0; begin < count;) {
    const uint32_t length = std::min(count - begin, batch_);
    for (uint32_t i = 0; i < length; ++i) {
      // sendmmsg only reads them, but iovec serves both directions.
      vectors_[i] = {const_cast<uint8_t*>(bytes[begin + i].data), bytes[begin + i].length};
      messages_[i] = {};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      address(records[begin + i], &messages_[i], &names_[i], &controls_[i]);
      records[begin + i].status = 0;
    }
    for (uint32_t done = 0; done < length;) {
      const int sent =
          full ? -1 : ::sendmmsg(fd_.get(), messages_.data() + done, length - done, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0) {
        done += static_cast<uint32_t>(sent);
        retried = false;
        continue;
      }
      const int code = full ? EAGAIN : errno;
      if (code == EINTR) continue;
      // Not about this datagram: an ICMP error that came in for an earlier one, see isTransientReadError().
      if (code == ECONNREFUSED && !std::exchange(retried, true)) continue;
      retried = false;
      full = code == EAGAIN;
      records[begin + done++].status = static_cast<uint32_t>(code);
      ++failures;
    }
    begin += length;
  }
  counters_.sent += count - failures;
  counters_.sendFailures += failures;
  return failures;
}

void Udp::address(const UdpRecord& record, mmsghdr* message, sockaddr_storage* name, ControlBuffer* control) const {
  msghdr& header = message->msg_hdr;
  header.msg_name = name;
  header.msg_namelen = writeSocketAddress(family_, record.ip, record.ipLength, static_cast<uint16_t>(record.port),
                                          record.scope, name);
  const size_t length = writePacketInfo(family_, record, control->bytes, sizeof control->bytes);
  header.msg_control = length == 0 ? nullptr : control->bytes;
  header.msg_controllen = length;
}

OsError Udp::setMark(uint32_t mark) { return setSocketMark(fd_.get(), mark); }

void Udp::close() {
  events_.reset();
  poll_.reset();
  fd_.reset();
}

}  // namespace tuntap
