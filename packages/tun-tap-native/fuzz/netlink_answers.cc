// Every netlink request, with a kernel that answers anything: the system calls of native/netlink_socket.cc are ours.
// sources: native/netlink_socket.cc native/netlink_message.cc native/netlink_link.cc native/netlink_address.cc
// sources: native/netlink_route.cc native/netlink_rule.cc
// wrap: socket setsockopt bind getsockname sendto recv recvfrom
// runs: 80000
//
// Input: one byte chooses the request, one says whether numbers are put right (sequence and port, without which an answer is
// nobody's); then datagrams, each LE16 length and bytes.
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>

#include "input.h"
#include "netlink_address.h"
#include "netlink_link.h"
#include "netlink_route.h"
#include "netlink_rule.h"

using namespace tuntap::netlink;

namespace {

constexpr uint32_t kPort = 42;

/** What the kernel has to say in this execution. */
struct Kernel {
  Input* input = nullptr;
  bool putRight = false;
  uint32_t sequence = 0;
  /** The datagram that a look (MSG_PEEK) has shown and nobody has taken yet. */
  std::vector<uint8_t> waiting;

  bool next() {
    if (!waiting.empty()) return true;
    if (input->left() < 2) return false;
    waiting = input->bytes(input->take<uint16_t>());
    if (putRight) address();
    return !waiting.empty();
  }

  void address() {
    for (size_t at = 0; at + sizeof(nlmsghdr) <= waiting.size();) {
      nlmsghdr header;
      std::memcpy(&header, waiting.data() + at, sizeof header);
      header.nlmsg_seq = sequence;
      header.nlmsg_pid = kPort;
      std::memcpy(waiting.data() + at, &header, sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > waiting.size()) return;
      at += NLMSG_ALIGN(header.nlmsg_len);
    }
  }
};

Kernel kernel;

void check(const IpAddress& ip) { require(ip.size == 0 || ip.size == 4 || ip.size == 16); }

void check(const Outcome& outcome) {
  require(outcome.error >= 0);
  require(outcome.detail.find('\0') == std::string::npos);
}

void listAll(Socket& socket, uint8_t what) {
  std::vector<LinkInfo> links;
  std::vector<AddressInfo> addresses;
  std::vector<RouteInfo> routes;
  std::vector<RuleInfo> rules;
  const int family = what % 2 == 0 ? AF_INET : AF_INET6;
  switch (what % 4) {
    case 0:
      check(listLinks(socket, &links));
      break;
    case 1:
      check(listAddresses(socket, std::nullopt, &addresses));
      break;
    case 2:
      check(listRoutes(socket, family, std::nullopt, &routes));
      break;
    default:
      check(listRules(socket, family, &rules));
  }
  for (const LinkInfo& link : links) require(link.name.find('\0') == std::string::npos);
  for (const AddressInfo& address : addresses) require(address.ip.size == 4 || address.ip.size == 16);
  for (const RouteInfo& route : routes) {
    require(route.destination.family() == family);
    check(route.gateway);
    check(route.source);
  }
  for (const RuleInfo& rule : rules) require(rule.family == family);
}

void request(Socket& socket, uint8_t what) {
  IpAddress ip;
  ip.size = what % 2 == 0 ? 4 : 16;
  LinkInfo link;
  LookupInfo lookup;
  RouteInfo route;
  route.destination = ip;
  route.device = "tun0";
  route.mtu = 1400;
  RuleInfo rule;
  rule.family = ip.family();
  rule.mark = 1;
  switch (what % 8) {
    case 0:
      check(findLink(socket, "tun0", &link));
      break;
    case 1:
      check(findLink(socket, 7u, &link));
      break;
    case 2:
    case 3:
      check(lookUpRoute(socket, ip, what, &lookup));
      check(lookup.gateway);
      check(lookup.source);
      break;
    case 4:
      check(addRoute(socket, route));
      break;
    case 5:
      check(removeRoute(socket, route));
      break;
    case 6:
      check(addRule(socket, rule));
      break;
    default:
      check(removeRule(socket, rule));
  }
}

}  // namespace

extern "C" {

int __wrap_socket(int, int, int) { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
int __wrap_setsockopt(int, int, int, const void*, socklen_t) { return 0; }
int __wrap_bind(int, const sockaddr*, socklen_t) { return 0; }

int __wrap_getsockname(int, sockaddr* name, socklen_t* length) {
  sockaddr_nl local{};
  local.nl_family = AF_NETLINK;
  local.nl_pid = kPort;
  require(*length == sizeof local);
  std::memcpy(name, &local, sizeof local);
  return 0;
}

ssize_t __wrap_sendto(int, const void* bytes, size_t size, int, const sockaddr*, socklen_t) {
  nlmsghdr header;
  require(size >= sizeof header);
  std::memcpy(&header, bytes, sizeof header);
  require(header.nlmsg_len == size);
  kernel.sequence = header.nlmsg_seq;
  return static_cast<ssize_t>(size);
}

ssize_t __wrap_recv(int, void*, size_t, int) {
  if (kernel.next()) return static_cast<ssize_t>(kernel.waiting.size());
  errno = EAGAIN;
  return -1;
}

ssize_t __wrap_recvfrom(int, void* buffer, size_t size, int, sockaddr* name, socklen_t* length) {
  if (!kernel.next()) {
    errno = EAGAIN;
    return -1;
  }
  sockaddr_nl from{};
  from.nl_family = AF_NETLINK;
  require(*length == sizeof from);
  std::memcpy(name, &from, sizeof from);
  const size_t taken = std::min(size, kernel.waiting.size());
  std::memcpy(buffer, kernel.waiting.data(), taken);
  kernel.waiting.clear();
  return static_cast<ssize_t>(taken);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  const auto what = input.take<uint8_t>();
  kernel = {};
  kernel.input = &input;
  kernel.putRight = input.take<uint8_t>() % 8 != 0;
  Socket socket;
  require(!socket.open().failed());
  if (what % 2 == 0) {
    listAll(socket, what / 2);
  } else {
    request(socket, what / 2);
  }
  return 0;
}

}  // extern "C"
