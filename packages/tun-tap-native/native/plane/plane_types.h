#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace pqtun {

/** A point on CLOCK_BOOTTIME in milliseconds, fractions allowed, as core's `Instant`. Never goes back between two calls. */
using Instant = double;

/** As core numbers peers: never reused in the life of a plane. */
using PeerId = uint32_t;

/** Receiver index of a session, as it stands on the wire. protocol.md §2. */
using SessionIndex = uint32_t;

/** Outer address and port of a remote party. Never an IPv4-mapped IPv6 address: whoever fills it in has reduced that. */
struct Endpoint {
  /** `ipSize` B in network order, the rest zero. */
  uint8_t ip[16];
  /** 4 or 16; 0: no endpoint. */
  uint8_t ipSize;
  uint16_t port;
  /** Interface index of a link-local IPv6 address, else 0. */
  uint32_t scope;

  bool known() const { return ipSize != 0; }
  bool operator==(const Endpoint& other) const {
    return ipSize == other.ipSize && port == other.port && scope == other.scope && std::memcmp(ip, other.ip, sizeof ip) == 0;
  }
  bool operator!=(const Endpoint& other) const { return !(*this == other); }
};

/** The local address, and interface, that a datagram came to; answers leave from there. */
struct LocalAddress {
  /** `ipSize` B in network order, the rest zero. */
  uint8_t ip[16];
  /** 4 or 16; 0: not known. */
  uint8_t ipSize;
  /** 0 when not known. */
  uint32_t interfaceIndex;

  bool known() const { return ipSize != 0; }
  bool operator==(const LocalAddress& other) const {
    return ipSize == other.ipSize && interfaceIndex == other.interfaceIndex && std::memcmp(ip, other.ip, sizeof ip) == 0;
  }
  bool operator!=(const LocalAddress& other) const { return !(*this == other); }
};

}  // namespace pqtun
