#pragma once

#include <cstddef>
#include <cstdint>

namespace tuntap {

/**
 * What is known of one datagram beside its bytes; the form in which both directions cross into JavaScript, as an array of
 * these in one buffer. Host byte order, but addresses, which are network-order bytes. Mirrored by src/udp-record.ts, held to
 * it by a test.
 */
struct UdpRecord {
  /** Received: where in the slab. */
  uint32_t offset;
  uint32_t length;
  /** The remote end. */
  uint32_t port;
  uint32_t scope;
  /** Packet info: the interface; 0 is unknown, or for the kernel to choose. */
  uint32_t interfaceIndex;
  /** Sent: 0, or the errno that refused it. */
  uint32_t status;
  /** 4 or 16. */
  uint8_t ipLength;
  /** 4 or 16; 0 is unknown, or for the kernel to choose. */
  uint8_t localIpLength;
  uint8_t unused[2];
  uint8_t ip[16];
  uint8_t localIp[16];
};

static_assert(sizeof(UdpRecord) == 60, "src/udp-record.ts");

}  // namespace tuntap
