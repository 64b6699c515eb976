// Packets between JavaScript and the classes of the plane that work on packets.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "testing.h"

namespace pqtun::testing {

/** Memory of exactly one packet, so that a sanitizer sees the first byte too many. */
class Exact {
 public:
  Exact(const uint8_t* bytes, size_t length) : memory_(new uint8_t[length]), length_(length) {
    if (length > 0) std::memcpy(memory_.get(), bytes, length);
  }
  explicit Exact(const Bytes& bytes) : Exact(bytes.data, bytes.length) {}

  uint8_t* data() const { return memory_.get(); }
  uint32_t length() const { return static_cast<uint32_t>(length_); }

 private:
  std::unique_ptr<uint8_t[]> memory_;
  size_t length_;
};

/** A Uint8Array of its own. */
napi_value makeCopy(napi_env env, const uint8_t* bytes, size_t length);

/** An Array of numbers. */
napi_value makeNumbers(napi_env env, std::initializer_list<double> numbers);

/** An Array of Uint8Arrays. */
napi_value makePackets(napi_env env, const std::vector<std::vector<uint8_t>>& packets);

}  // namespace pqtun::testing
