#pragma once

#include <cstddef>
#include <cstdint>

namespace pqtun {

/* The headers of an IP packet inside the tunnel. The first part is the mirror of core's wire/ip.ts. */

constexpr uint32_t kIpv4HeaderSize = 20;
constexpr uint32_t kIpv6HeaderSize = 40;

constexpr uint8_t kProtocolIcmp = 1;
constexpr uint8_t kProtocolTcp = 6;
constexpr uint8_t kProtocolUdp = 17;
constexpr uint8_t kProtocolIcmpv6 = 58;

/** What innerLength() returns instead of a length. */
constexpr int32_t kBadInnerPacket = -1;
constexpr int32_t kBadInnerLength = -2;

/**
 * True length in bytes of the IP packet that `bytes` (the caller's, `available` B) begins with; kBadInnerPacket when it is
 * neither IPv4 nor IPv6, kBadInnerLength when the length is below the header's or above `available`. When it is not negative,
 * the whole fixed header is there, and for IPv4 its options. protocol.md §3.4.
 */
int32_t innerLength(const uint8_t* bytes, size_t available);

/* For a packet of which innerLength() was not negative. */

inline uint8_t versionOf(const uint8_t* packet) { return packet[0] >> 4; }
/** Bytes of an address of that version: 4 or 16. */
inline uint32_t addressSize(uint8_t version) { return version == 4 ? 4 : 16; }
inline const uint8_t* sourceOf(const uint8_t* packet) { return packet + (versionOf(packet) == 4 ? 12 : 8); }
inline const uint8_t* destinationOf(const uint8_t* packet) { return packet + (versionOf(packet) == 4 ? 16 : 24); }

/** How much of the packet's transport header there is to see. */
enum class TransportView : uint8_t {
  /** Not a fragment: `offset` B into the packet stands the header of `protocol`, at least its first byte. */
  whole,
  /** The first of several fragments (or of one, RFC 6946): the same, but what lengths and checksums cover lies elsewhere too. */
  firstFragment,
  laterFragment,
  /** The chain of extension headers is broken or ends with the packet. */
  hidden,
};

struct Transport {
  TransportView view;
  /** As in ExtensionChain. */
  bool routing;
  uint8_t protocol;
  uint32_t offset;
};

/** Looks behind IPv4 options and IPv6 extension headers. `packet` is the caller's, `length` the true length. */
Transport findTransport(const uint8_t* packet, uint32_t length);

/** Where the extension headers of an IPv6 packet lead. RFC 8200 §4. */
struct ExtensionChain {
  /** False when a header of the chain does not lie in the packet; the rest is then as far as it could be read. */
  bool whole;
  /** There is a routing header: the destination that checksums cover may be another than the IP header's. RFC 8200 §8.1. */
  bool routing;
  bool fragment;
  /** A fragment but the first: what follows its header is the middle of something. */
  bool laterFragment;
  /** What the last header announces. */
  uint8_t next;
  /** Where that begins; may be at or beyond the end of the packet. */
  uint32_t offset;
};

ExtensionChain walkExtensions(const uint8_t* packet, uint32_t length);

}  // namespace pqtun
