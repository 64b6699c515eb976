#pragma once

#include <cstdint>
#include <cstring>

namespace pqtun {

// Little-endian numbers anywhere in memory; one instruction each on the machines we know.

inline uint32_t readLe32(const uint8_t* from) {
  uint32_t value;
  std::memcpy(&value, from, sizeof value);
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap32(value);
}

inline uint64_t readLe64(const uint8_t* from) {
  uint64_t value;
  std::memcpy(&value, from, sizeof value);
  return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap64(value);
}

inline void writeLe32(uint8_t* to, uint32_t value) {
  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof value);
}

inline void writeLe64(uint8_t* to, uint64_t value) {
  if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace pqtun
