#include "capabilities.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "unique_fd.h"

// Younger than some headers this is built with.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace tuntap {

bool isTransientReadError(int code) {
  switch (code) {
    case EAGAIN:
    case EINTR:
    // The kernel is short of memory now; it will not be for ever, and a VPN that ends for it is worse.
    case ENOBUFS:
    case ENOMEM:
    // ICMP errors about something sent earlier. The kernel hands them to a connected socket, or one with IP_RECVERR
    // (net/ipv4/udp.c __udp4_lib_err), by the next call whatever it is. Anyone on the path can forge them.
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case EMSGSIZE:
    case EACCES:
    case EPERM:
    case ETIMEDOUT:
      return true;
    // EBADFD: the TUN was deleted (drivers/net/tun.c tun_chr_read_iter). Others are mistakes of ours; asking again would spin.
    default:
      return false;
  }
}

Capabilities probeCapabilities() {
  Capabilities result;
  const UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  unsigned features = 0;
  if (!tun.valid()) {
    result.tun = OsError::last("open /dev/net/tun");
  } else if (::ioctl(tun.get(), TUNGETFEATURES, &features) < 0) {
    result.tun = OsError::last("TUNGETFEATURES");
  }
  result.tunVnetHeader = (features & IFF_VNET_HDR) != 0;
  result.tunMultiQueue = (features & IFF_MULTI_QUEUE) != 0;

  const UniqueFd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int off = 0;
  const int on = 1;
  result.udpGso = ::setsockopt(udp.get(), IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
  result.udpGro = ::setsockopt(udp.get(), IPPROTO_UDP, UDP_GRO, &on, sizeof on) == 0;
  result.netAdmin = ::setsockopt(udp.get(), SOL_SOCKET, SO_MARK, &on, sizeof on) == 0;
  if (!result.tun && !result.netAdmin) result.tun = {EPERM, "TUNSETIFF"};
  return result;
}

}  // namespace tuntap
