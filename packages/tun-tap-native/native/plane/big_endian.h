#pragma once

#include <cstdint>

namespace pqtun {

/* Numbers of network headers: most significant byte first, at any alignment. */

inline uint16_t readU16be(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]); }

inline uint32_t readU32be(const uint8_t* bytes) {
  return static_cast<uint32_t>(bytes[0]) << 24 | static_cast<uint32_t>(bytes[1]) << 16 |
         static_cast<uint32_t>(bytes[2]) << 8 | bytes[3];
}

inline void writeU16be(uint8_t* bytes, uint16_t value) {
  bytes[0] = static_cast<uint8_t>(value >> 8);
  bytes[1] = static_cast<uint8_t>(value);
}

inline void writeU32be(uint8_t* bytes, uint32_t value) {
  writeU16be(bytes, static_cast<uint16_t>(value >> 16));
  writeU16be(bytes + 2, static_cast<uint16_t>(value));
}

}  // namespace pqtun
