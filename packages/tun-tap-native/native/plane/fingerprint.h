#pragma once

#include <string>

namespace pqtun {

struct PlaneState;

/**
 * The plane's state as JSON, for tests: a packet that is refused leaves it as it was. As core's plane/fingerprint.ts writes its own, so
 * that the two can be compared; peers stand by number. Holds no key.
 */
std::string fingerprint(const PlaneState& state, uint32_t waiting);

}  // namespace pqtun
