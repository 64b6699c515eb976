#pragma once

#include <cstdint>
#include <cstring>

#include "little_endian.h"
#include "plane_types.h"

namespace pqtun {

/*
 * An endpoint and a local address as bytes between C++ and JavaScript: src/plane-verbs.ts writes them so, src/plane-reports.ts reads
 * them so. ip 16, its size a byte, 0, port u16, scope u32; ip 16, its size u32, interface index u32; little-endian.
 */
constexpr uint32_t kPlaceSize = 48;

inline void writePlace(uint8_t* to, const Endpoint& endpoint, const LocalAddress& local) {
  std::memcpy(to, endpoint.ip, sizeof endpoint.ip);
  writeLe32(to + 16, uint32_t{endpoint.ipSize} | uint32_t{endpoint.port} << 16);
  writeLe32(to + 20, endpoint.scope);
  std::memcpy(to + 24, local.ip, sizeof local.ip);
  writeLe32(to + 40, local.ipSize);
  writeLe32(to + 44, local.interfaceIndex);
}

/** A size that is none counts as not known. `from` is kPlaceSize B of the caller's. */
inline void readPlace(const uint8_t* from, Endpoint* endpoint, LocalAddress* local) {
  *endpoint = {};
  *local = {};
  if (from[16] == 4 || from[16] == 16) {
    endpoint->ipSize = from[16];
    std::memcpy(endpoint->ip, from, endpoint->ipSize);
    endpoint->port = static_cast<uint16_t>(readLe32(from + 16) >> 16);
    endpoint->scope = readLe32(from + 20);
  }
  const uint32_t localSize = readLe32(from + 40);
  if (localSize == 4 || localSize == 16) {
    local->ipSize = static_cast<uint8_t>(localSize);
    std::memcpy(local->ip, from + 24, localSize);
    local->interfaceIndex = readLe32(from + 44);
  }
}

}  // namespace pqtun
