#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

// Younger than some headers this is built with.
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace tuntap {

constexpr size_t kSegmentControlSize = CMSG_SPACE(sizeof(uint16_t));

/**
 * Writes the control message that makes one send several datagrams of `segmentSize` B: kSegmentControlSize bytes, to memory aligned as a
 * cmsghdr is. linux/net/ipv4/udp.c, __udp_cmsg_send.
 */
inline void writeSegmentSize(char* control, uint16_t segmentSize) {
  cmsghdr header{};
  header.cmsg_level = IPPROTO_UDP;
  header.cmsg_type = UDP_SEGMENT;
  header.cmsg_len = CMSG_LEN(sizeof segmentSize);
  std::memset(control, 0, kSegmentControlSize);
  std::memcpy(control, &header, sizeof header);
  std::memcpy(control + CMSG_LEN(0), &segmentSize, sizeof segmentSize);
}

}  // namespace tuntap
