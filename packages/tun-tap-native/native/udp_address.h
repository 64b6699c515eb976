#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "udp_record.h"

namespace tuntap {

/** Writes an address of `ipLength` 4 or 16 B as `family` wants it, IPv4 mapped into IPv6; returns the length of the sockaddr. */
socklen_t writeSocketAddress(int family, const uint8_t* ip, size_t ipLength, uint16_t port, uint32_t scope,
                             sockaddr_storage* out);

/** Writes the packet info that makes the kernel send from record.localIp; returns its length with padding, 0: none is needed. */
size_t writePacketInfo(int family, const UdpRecord& record, char* control, size_t size);

/** Fills address and port of the remote end, mapped IPv4 reduced to 4 B. */
void readSocketAddress(const sockaddr_storage& name, UdpRecord* record);

/** Fills local address and interface from the control messages of a received datagram; none found leaves lengths 0. */
void readPacketInfo(msghdr* header, UdpRecord* record);

}  // namespace tuntap
