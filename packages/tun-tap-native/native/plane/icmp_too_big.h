#pragma once

#include <cstdint>

namespace pqtun {

/** Bytes that a reply may take: RFC 4443 §3.2, the MTU of every IPv6 link. */
constexpr uint32_t kLargestTooBigReply = 1280;

/**
 * Tells the source of an inner packet that no more than `mtu` B fit: ICMPv4 "fragmentation needed" (RFC 1191 §4) or ICMPv6
 * "packet too big" (RFC 4443 §3.2). The mirror of core's wire/icmp.ts, which says why; the same bytes come out.
 *
 * `packet` is the caller's, `available` B of it are there, and padding may follow it. `from`: the address the reply comes from, of the
 * packet's version, or `nullptr` for the packet's destination. Writes up to kLargestTooBigReply B to `reply`, which must not overlap
 * with either, and returns how many; 0 where none may be sent.
 *
 * Of a super-frame the first packet is what is too big: take it from a GsoSplitter.
 */
uint32_t tooBigReply(const uint8_t* packet, uint32_t available, uint32_t mtu, const uint8_t* from, uint8_t* reply);

}  // namespace pqtun
