#include "udp_port.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "udp_segment.h"
#include "udp_socket.h"


namespace tuntap {

namespace {

/** The kernel chose a port for one family that somebody else has for the other: tried with this many ports. */
constexpr int kAttempts = 16;

bool isFamilyMissing(int code) { return code == EAFNOSUPPORT || code == EADDRNOTAVAIL || code == EPROTONOSUPPORT; }

}  // namespace

OsResult<std::unique_ptr<UdpPort>> UdpPort::open(const UdpPortOptions& options) {
  for (int attempt = 1;; ++attempt) {
    std::unique_ptr<UdpPort> port(new UdpPort());
    port->port_ = options.port;
    OsError error;
    OsError missing;
    for (const int family : {4, 6}) {
      if (options.bind.empty()) {
        error = openFamily(options, family, {}, port.get());
        if (error && isFamilyMissing(error.code)) missing = std::exchange(error, OsError{});
      }
      for (const std::string& ip : options.bind) {
        if (!error && ip.size() == (family == 4 ? 4u : 16u)) error = openFamily(options, family, ip, port.get());
      }
      if (error) break;
    }
    const bool some = port->ipv4_.valid() || port->ipv6_.valid();
    if (!error && !some) return missing;
    if (!error) return port;
    const bool clash = options.port == 0 && some && error.code == EADDRINUSE;
    if (!clash || attempt >= kAttempts) return error;
  }
}

OsError UdpPort::openFamily(const UdpPortOptions& options, int family, const std::string& ip, UdpPort* port) {
  UdpOptions socket;
  socket.family = family;
  socket.ip = ip;
  socket.port = port->port_;
  socket.mark = options.mark;
  socket.receiveBuffer = options.receiveBuffer;
  socket.sendBuffer = options.sendBuffer;
  socket.pathMtuDiscovery = IP_PMTUDISC_PROBE;
  UniqueFd fd;
  if (const OsError error = openUdpSocket(socket, &fd)) return error;
  if (options.joined) {
    if (const OsError error = setSocketOption(fd.get(), IPPROTO_UDP, UDP_GRO, 1, "UDP_GRO")) return error;
  }
  const OsResult<uint16_t> bound = localPort(fd.get());
  if (bound.error) return bound.error;
  port->port_ = bound.value;
  (family == 4 ? port->ipv4_ : port->ipv6_) = std::move(fd);
  return {};
}

OsError UdpPort::setMark(uint32_t mark) {
  OsError error;
  for (const UniqueFd* fd : {&ipv4_, &ipv6_}) {
    if (!error && fd->valid()) error = setSocketMark(fd->get(), mark);
  }
  return error;
}

}  // namespace tuntap
