#pragma once

#include <cstdint>

namespace pqtun {

/**
 * Lowers the maximum segment size that a TCP SYN announces to what fits `mtu` (the tunnel's, in bytes): for those behind us who
 * never hear of the smaller MTU. Returns whether it changed anything.
 *
 * `packet` is the caller's, `length` its true length; the option is written in place and the checksum follows by difference, so
 * a wrong one stays wrong. The checksum must be whole: completeChecksum() comes first.
 *
 * Never raises a value. Left alone: whatever is no SYN, fragments but the first, options that are malformed anywhere. Assumes
 * headers without options, as RFC 9293 §3.7.1 says an MSS does: mtu − 40 for IPv4, − 60 for IPv6.
 */
bool clampMss(uint8_t* packet, uint32_t length, uint32_t mtu);

}  // namespace pqtun
