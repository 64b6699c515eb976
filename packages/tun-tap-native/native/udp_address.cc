#include "udp_address.h"

#include <cstring>

namespace tuntap {

namespace {

constexpr uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void writeIpv6(const uint8_t* ip, size_t ipLength, in6_addr* out) {
  if (ipLength == 16) {
    std::memcpy(out->s6_addr, ip, 16);
    return;
  }
  std::memcpy(out->s6_addr, kMappedPrefix, sizeof kMappedPrefix);
  std::memcpy(out->s6_addr + sizeof kMappedPrefix, ip, 4);
}

/** Writes 4 or 16 B to `out` and returns which. */
uint8_t readIpv6(const in6_addr& address, uint8_t* out) {
  if (std::memcmp(address.s6_addr, kMappedPrefix, sizeof kMappedPrefix) == 0) {
    std::memcpy(out, address.s6_addr + sizeof kMappedPrefix, 4);
    return 4;
  }
  std::memcpy(out, address.s6_addr, 16);
  return 16;
}

template <class Info>
size_t writeControl(int level, int type, const Info& info, char* control, size_t size) {
  std::memset(control, 0, size);
  msghdr header{};
  header.msg_control = control;
  header.msg_controllen = size;
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  message->cmsg_level = level;
  message->cmsg_type = type;
  message->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(message), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

/**
 * Reads what a control message of this kind carries; `false` when it is of another kind, or cut. The kernel cuts the one for which
 * no room is left (put_cmsg, net/core/scm.c), which a socket of somebody else's, with more options than ours, can bring about.
 */
template <class Info>
bool readControl(const msghdr& header, cmsghdr* message, int level, int type, Info* info) {
  if (message->cmsg_level != level || message->cmsg_type != type || message->cmsg_len < CMSG_LEN(sizeof *info)) return false;
  const auto* end = static_cast<const uint8_t*>(header.msg_control) + header.msg_controllen;
  if (CMSG_DATA(message) > end || static_cast<size_t>(end - CMSG_DATA(message)) < sizeof *info) return false;
  std::memcpy(info, CMSG_DATA(message), sizeof *info);
  return true;
}

}  // namespace

socklen_t writeSocketAddress(int family, const uint8_t* ip, size_t ipLength, uint16_t port, uint32_t scope,
                             sockaddr_storage* out) {
  std::memset(out, 0, sizeof *out);
  if (family == 4) {
    auto* name = reinterpret_cast<sockaddr_in*>(out);
    name->sin_family = AF_INET;
    name->sin_port = htons(port);
    std::memcpy(&name->sin_addr, ip, 4);
    return sizeof *name;
  }
  auto* name = reinterpret_cast<sockaddr_in6*>(out);
  name->sin6_family = AF_INET6;
  name->sin6_port = htons(port);
  name->sin6_scope_id = scope;
  writeIpv6(ip, ipLength, &name->sin6_addr);
  return sizeof *name;
}

size_t writePacketInfo(int family, const UdpRecord& record, char* control, size_t size) {
  if (record.localIpLength == 0 && record.interfaceIndex == 0) return 0;
  if (family == 4) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(record.interfaceIndex);
    if (record.localIpLength == 4) std::memcpy(&info.ipi_spec_dst, record.localIp, 4);
    return writeControl(IPPROTO_IP, IP_PKTINFO, info, control, size);
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = record.interfaceIndex;
  if (record.localIpLength != 0) {
    writeIpv6(record.localIp, record.localIpLength, &info.ipi6_addr);
  } else if (record.ipLength == 4) {
    // For a mapped destination the kernel reads the address as IPv4, and takes only a mapped one (ip_cmsg_send).
    constexpr uint8_t any[4] = {};
    writeIpv6(any, sizeof any, &info.ipi6_addr);
  }
  return writeControl(IPPROTO_IPV6, IPV6_PKTINFO, info, control, size);
}

void readSocketAddress(const sockaddr_storage& name, UdpRecord* record) {
  if (name.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(name);
    record->port = ntohs(ipv4.sin_port);
    record->ipLength = 4;
    std::memcpy(record->ip, &ipv4.sin_addr, 4);
  } else if (name.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(name);
    record->port = ntohs(ipv6.sin6_port);
    record->scope = ipv6.sin6_scope_id;
    record->ipLength = readIpv6(ipv6.sin6_addr, record->ip);
  }
}

void readPacketInfo(msghdr* header, UdpRecord* record) {
  for (cmsghdr* message = CMSG_FIRSTHDR(header); message != nullptr; message = CMSG_NXTHDR(header, message)) {
    in_pktinfo ipv4;
    in6_pktinfo ipv6;
    if (readControl(*header, message, IPPROTO_IP, IP_PKTINFO, &ipv4)) {
      record->interfaceIndex = static_cast<uint32_t>(ipv4.ipi_ifindex);
      record->localIpLength = 4;
      // ipi_addr, the destination in the header, and not ipi_spec_dst, which for a broadcast is another one.
      std::memcpy(record->localIp, &ipv4.ipi_addr, 4);
    } else if (readControl(*header, message, IPPROTO_IPV6, IPV6_PKTINFO, &ipv6)) {
      record->interfaceIndex = ipv6.ipi6_ifindex;
      record->localIpLength = readIpv6(ipv6.ipi6_addr, record->localIp);
    }
  }
}

}  // namespace tuntap
