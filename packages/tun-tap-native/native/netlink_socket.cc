#include "netlink_socket.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>

namespace tuntap::netlink {

namespace {

// Dumps come in datagrams as large as the largest buffer we ever offered, up to 32 KiB (netlink_dump, af_netlink.c).
constexpr size_t kUsualDatagramSize = 32 * 1024;
// A link with many virtual functions may need more; this is only a bound against nonsense.
constexpr size_t kLargestDatagramSize = 4 * 1024 * 1024;
// Under constant change every dump is interrupted; then say so rather than try for ever.
constexpr int kDumpAttempts = 16;
// The answer is there before sendmsg returns; a silent kernel must still not hang the process.
constexpr timeval kReceiveTimeout = {5, 0};

// Above every errno there is (MAX_ERRNO, linux/err.h).
constexpr int kMostError = 4095;

// An answer's status as a positive errno: 0 or a negative one is what the kernel sends.
int errorOf(int status) { return status > 0 || status < -kMostError ? EBADMSG : -status; }

// The text the kernel adds to an error (NETLINK_EXT_ACK); `attributes` is what follows the fixed part.
std::string extendedText(ByteView attributes) {
  for (AttributeReader attribute(attributes); attribute.next();) {
    if (attribute.type() == NLMSGERR_ATTR_MSG) return attribute.value().text();
  }
  return {};
}

Outcome readAcknowledgement(const nlmsghdr& header, ByteView payload) {
  const std::optional<nlmsgerr> body = payload.read<nlmsgerr>();
  if (!body) return {EBADMSG, "short acknowledgement"};
  Outcome outcome{errorOf(body->error)};
  if (header.nlmsg_flags & NLM_F_ACK_TLVS) {
    // Without NLM_F_CAPPED our whole request is echoed before the attributes.
    size_t fixed = sizeof(nlmsgerr);
    if (!(header.nlmsg_flags & NLM_F_CAPPED) && body->msg.nlmsg_len >= NLMSG_HDRLEN) {
      fixed += body->msg.nlmsg_len - static_cast<size_t>(NLMSG_HDRLEN);
    }
    outcome.detail = extendedText(payload.after(fixed));
  }
  return outcome;
}

Outcome readDone(const nlmsghdr& header, ByteView payload) {
  const std::optional<int> status = payload.read<int>();
  if (!status || *status >= 0) return {};
  Outcome outcome{errorOf(*status)};
  if (header.nlmsg_flags & NLM_F_ACK_TLVS) outcome.detail = extendedText(payload.after(sizeof(int)));
  return outcome;
}

}  // namespace

Outcome Socket::open() {
  fd_ = UniqueFd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (fd_.get() < 0) return {errno, "socket"};

  // Each is a refinement that an old kernel may lack: echo no requests, explain errors, check and honour dump filters.
  const int on = 1;
  for (const int option : {NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK}) {
    (void)setsockopt(fd_.get(), SOL_NETLINK, option, &on, sizeof(on));
  }
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveTimeout, sizeof(kReceiveTimeout)) < 0) {
    return {errno, "SO_RCVTIMEO"};
  }

  sockaddr_nl local = {};
  local.nl_family = AF_NETLINK;
  socklen_t length = sizeof(local);
  if (bind(fd_.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)) < 0) return {errno, "bind"};
  if (getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&local), &length) < 0) return {errno, "getsockname"};
  port_ = local.nl_pid;
  return {};
}

Outcome Socket::request(MessageBuilder& message, const OnMessage& onMessage) {
  bool interrupted = false;
  return exchange(message, NLM_F_ACK, onMessage, &interrupted);
}

Outcome Socket::dump(MessageBuilder& message, const std::function<void()>& onBegin, const OnMessage& onMessage) {
  for (int attempt = 0; attempt < kDumpAttempts; attempt++) {
    onBegin();
    bool interrupted = false;
    Outcome outcome = exchange(message, NLM_F_DUMP, onMessage, &interrupted);
    if (outcome.failed() || !interrupted) return outcome;
  }
  return {EINTR, "the table kept changing while it was read"};
}

Outcome Socket::exchange(MessageBuilder& message, uint16_t flags, const OnMessage& onMessage, bool* interrupted) {
  const uint32_t sequence = ++sequence_;
  const std::vector<uint8_t>& bytes = message.finish(flags, sequence);
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  ssize_t sent;
  do {
    sent = ::sendto(fd_.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof(kernel));
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return {errno, "send"};

  for (;;) {
    ByteView datagram;
    Outcome received = receive(&datagram);
    if (received.failed()) return received;
    for (MessageReader reader(datagram); reader.next();) {
      const nlmsghdr& header = reader.header();
      if (header.nlmsg_seq != sequence || header.nlmsg_pid != port_) continue;
      if (header.nlmsg_flags & NLM_F_DUMP_INTR) *interrupted = true;
      switch (header.nlmsg_type) {
        case NLMSG_NOOP:
          break;
        case NLMSG_ERROR:
          return readAcknowledgement(header, reader.payload());
        case NLMSG_DONE:
          return readDone(header, reader.payload());
        case NLMSG_OVERRUN:
          return {ENOBUFS, "the kernel lost part of the answer"};
        default:
          if (onMessage) onMessage({header.nlmsg_type, header.nlmsg_flags, reader.payload()});
      }
    }
  }
}

Outcome Socket::receive(ByteView* datagram) {
  for (;;) {
    // Ask for the size first: a datagram that does not fit would be cut and the rest lost.
    const ssize_t size = ::recv(fd_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return {errno == EAGAIN ? ETIMEDOUT : errno, "receive"};
    if (static_cast<size_t>(size) > kLargestDatagramSize) return {EMSGSIZE, "receive"};
    const size_t wanted = std::max(static_cast<size_t>(size), kUsualDatagramSize);
    if (buffer_.size() < wanted) buffer_.resize(wanted);

    sockaddr_nl from = {};
    socklen_t fromLength = sizeof(from);
    const ssize_t length =
        ::recvfrom(fd_.get(), buffer_.data(), buffer_.size(), 0, reinterpret_cast<sockaddr*>(&from), &fromLength);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return {errno == EAGAIN ? ETIMEDOUT : errno, "receive"};
    // Any process may send to our port; only port 0 is the kernel.
    if (fromLength != sizeof(from) || from.nl_pid != 0) continue;
    *datagram = {buffer_.data(), static_cast<size_t>(length)};
    return {};
  }
}

}  // namespace tuntap::netlink
