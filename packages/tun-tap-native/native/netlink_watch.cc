#include "netlink_watch.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <utility>

#include "netlink_changes.h"
#include "netlink_message.h"

namespace tuntap::netlink {

namespace {

constexpr uint32_t kGroups =
    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

// Enough for most; one that is cut short tells as much (netlink_changes.h).
constexpr size_t kBufferSize = 8192;

// Datagrams read in one turn: a full routing table being loaded must not starve the loop.
constexpr int kMostDatagrams = 256;

}  // namespace

OsResult<std::shared_ptr<Watch>> Watch::open(std::shared_ptr<Environment> environment, OnChange onChange) {
  std::shared_ptr<Watch> watch(new Watch(environment));
  if (OsError error = watch->subscribe()) return error;
  watch->onChange_ = std::make_shared<const OnChange>(std::move(onChange));
  // The poll handle never outlives the watch, so it may point at it.
  auto poll = PollHandle::open(std::move(environment), watch->fd_.get(), [self = watch.get()](int status) { self->turn(status); });
  if (poll.error) return poll.error;
  watch->poll_ = std::move(poll.value);
  if (OsError error = watch->poll_->start()) return error;
  return watch;
}

OsError Watch::subscribe() {
  fd_ = UniqueFd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!fd_.valid()) return OsError::last("socket");
  sockaddr_nl local = {};
  local.nl_family = AF_NETLINK;
  local.nl_groups = kGroups;
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&local), sizeof(local)) < 0) return OsError::last("bind");
  return {};
}

void Watch::close() {
  poll_.reset();
  fd_.reset();
  onChange_.reset();
}

void Watch::turn(int status) {
  const uint32_t changes = drain();
  // libuv stops at EPOLLERR, and an overrun is one; reading has cleared it.
  if (status != 0 && poll_->start()) close();
  // A copy: the callback may close this watch.
  const std::shared_ptr<const OnChange> onChange = onChange_;
  if (changes != 0 && onChange) (*onChange)(changes);
}

uint32_t Watch::drain() {
  uint32_t changes = 0;
  uint8_t buffer[kBufferSize];
  for (int i = 0; i < kMostDatagrams; i++) {
    sockaddr_nl from = {};
    socklen_t fromLength = sizeof(from);
    const ssize_t length =
        ::recvfrom(fd_.get(), buffer, sizeof(buffer), 0, reinterpret_cast<sockaddr*>(&from), &fromLength);
    if (length >= 0) {
      // Other processes may send to this socket; only port 0 is the kernel.
      if (fromLength == sizeof(from) && from.nl_pid == 0) changes |= changesIn({buffer, static_cast<size_t>(length)});
    } else if (errno == ENOBUFS) {
      // Notices were lost, nobody knows which. The socket goes on working.
      changes = kAnythingChanged;
    } else if (errno != EINTR) {
      break;
    }
  }
  return changes;
}

}  // namespace tuntap::netlink
