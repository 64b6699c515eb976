#pragma once

#include <cstdint>

namespace pqtun {

/* Where things stand in the two transport headers that offloads know, in bytes. RFC 9293 §3.1, RFC 768. */

constexpr uint32_t kTcpHeaderSize = 20;
constexpr uint32_t kTcpSequence = 4;
constexpr uint32_t kTcpAcknowledgement = 8;
constexpr uint32_t kTcpDataOffset = 12;
constexpr uint32_t kTcpFlags = 13;
constexpr uint32_t kTcpWindow = 14;
constexpr uint32_t kTcpChecksum = 16;
constexpr uint32_t kTcpUrgent = 18;

constexpr uint8_t kTcpFin = 0x01;
constexpr uint8_t kTcpSyn = 0x02;
constexpr uint8_t kTcpRst = 0x04;
constexpr uint8_t kTcpPsh = 0x08;
constexpr uint8_t kTcpAck = 0x10;
constexpr uint8_t kTcpUrg = 0x20;
constexpr uint8_t kTcpCwr = 0x80;

constexpr uint32_t kUdpHeaderSize = 8;
constexpr uint32_t kUdpLength = 4;
constexpr uint32_t kUdpChecksum = 6;

/** Length of the TCP header at `tcp`, of which `available` B are there (the caller's); 0 when it is not whole. */
inline uint32_t tcpHeaderLength(const uint8_t* tcp, uint32_t available) {
  if (available < kTcpHeaderSize) return 0;
  const uint32_t length = (tcp[kTcpDataOffset] >> 4) * 4u;
  return length >= kTcpHeaderSize && length <= available ? length : 0;
}

}  // namespace pqtun
