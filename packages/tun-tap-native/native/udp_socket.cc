#include "udp_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "udp_address.h"

namespace tuntap {

namespace {

/** The first form may exceed net.core.*mem_max and needs CAP_NET_ADMIN; the second is cut to it in silence. */
OsError setBuffer(int fd, int force, int plain, uint32_t bytes, const char* call) {
  if (bytes == 0) return {};
  const int value = static_cast<int>(std::min<uint32_t>(bytes, INT32_MAX));
  if (!setSocketOption(fd, SOL_SOCKET, force, value, call)) return {};
  return setSocketOption(fd, SOL_SOCKET, plain, value, call);
}

OsError configure(int fd, const UdpOptions& options) {
  const bool adopted = options.fd >= 0;
  OsError error;
  if (options.family == 4) {
    error = setSocketOption(fd, IPPROTO_IP, IP_PKTINFO, 1, "IP_PKTINFO");
    if (!error) error = setSocketOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, options.pathMtuDiscovery, "IP_MTU_DISCOVER");
  } else {
    // Only before bind: an adopted socket has made up its mind.
    if (!adopted) error = setSocketOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, options.ipv6Only ? 1 : 0, "IPV6_V6ONLY");
    if (!error) error = setSocketOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "IPV6_RECVPKTINFO");
    if (!error) error = setSocketOption(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, options.pathMtuDiscovery, "IPV6_MTU_DISCOVER");
    // For mapped IPv4; means nothing to a socket that is IPv6 only.
    if (!error) error = setSocketOption(fd, IPPROTO_IP, IP_MTU_DISCOVER, options.pathMtuDiscovery, "IP_MTU_DISCOVER");
  }
  if (!error && options.reusePort) error = setSocketOption(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
  if (!error && options.mark != 0) error = setSocketMark(fd, options.mark);
  if (!error) error = setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBuffer, "SO_RCVBUF");
  if (!error) error = setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, options.sendBuffer, "SO_SNDBUF");
  return error;
}

OsError create(const UdpOptions& options, UniqueFd* fd) {
  UniqueFd made(::socket(options.family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.valid()) return OsError::last("socket");
  if (const OsError error = configure(made.get(), options)) return error;
  constexpr uint8_t any[16] = {};
  const auto* ip = options.ip.empty() ? any : reinterpret_cast<const uint8_t*>(options.ip.data());
  const size_t ipLength = options.ip.empty() ? (options.family == 4 ? 4 : 16) : options.ip.size();
  sockaddr_storage name;
  const socklen_t length = writeSocketAddress(options.family, ip, ipLength, options.port, options.scope, &name);
  if (::bind(made.get(), reinterpret_cast<sockaddr*>(&name), length) < 0) return OsError::last("bind");
  *fd = std::move(made);
  return {};
}

OsError adopt(const UdpOptions& options, UniqueFd* fd) {
  int domain = 0;
  int type = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(options.fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0) return OsError::last("getsockopt");
  if (::getsockopt(options.fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0) return OsError::last("getsockopt");
  if (domain != (options.family == 4 ? AF_INET : AF_INET6) || type != SOCK_DGRAM) return {EPROTOTYPE, "getsockopt"};
  const int status = ::fcntl(options.fd, F_GETFL);
  if (status < 0 || ::fcntl(options.fd, F_SETFL, status | O_NONBLOCK) < 0) return OsError::last("fcntl");
  if (::fcntl(options.fd, F_SETFD, FD_CLOEXEC) < 0) return OsError::last("fcntl");
  if (const OsError error = configure(options.fd, options)) return error;
  fd->reset(options.fd);
  return {};
}

}  // namespace

OsError openUdpSocket(const UdpOptions& options, UniqueFd* fd) {
  return options.fd < 0 ? create(options, fd) : adopt(options, fd);
}

OsResult<uint16_t> localPort(int fd) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) < 0) return OsError::last("getsockname");
  UdpRecord local{};
  readSocketAddress(name, &local);
  return static_cast<uint16_t>(local.port);
}

OsError setSocketMark(int fd, uint32_t mark) {
  return setSocketOption(fd, SOL_SOCKET, SO_MARK, static_cast<int>(mark), "SO_MARK");
}

OsError setSocketOption(int fd, int level, int option, int value, const char* call) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0 ? OsError{} : OsError::last(call);
}

}  // namespace tuntap
