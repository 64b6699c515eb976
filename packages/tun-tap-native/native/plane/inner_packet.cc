#include "inner_packet.h"

#include "big_endian.h"

namespace pqtun {

namespace {

constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kDestinationOptions = 60;

constexpr uint32_t kFragmentHeaderSize = 8;

Transport findTransportV4(const uint8_t* packet, uint32_t length) {
  const uint32_t offset = (packet[0] & 0x0fu) * 4;
  const uint16_t flags = readU16be(packet + 6);
  const uint8_t protocol = packet[9];
  if ((flags & 0x1fff) != 0) return {TransportView::laterFragment, false, protocol, offset};
  if (offset >= length) return {TransportView::hidden, false, protocol, offset};
  const bool moreFragments = (flags & 0x2000) != 0;
  return {moreFragments ? TransportView::firstFragment : TransportView::whole, false, protocol, offset};
}

Transport findTransportV6(const uint8_t* packet, uint32_t length) {
  const ExtensionChain chain = walkExtensions(packet, length);
  if (chain.laterFragment) return {TransportView::laterFragment, chain.routing, chain.next, chain.offset};
  if (!chain.whole || chain.offset >= length) return {TransportView::hidden, chain.routing, chain.next, chain.offset};
  return {chain.fragment ? TransportView::firstFragment : TransportView::whole, chain.routing, chain.next, chain.offset};
}

}  // namespace

int32_t innerLength(const uint8_t* bytes, size_t available) {
  if (available < 1) return kBadInnerPacket;
  if (bytes[0] >> 4 == 4) {
    if (available < kIpv4HeaderSize) return kBadInnerLength;
    const uint32_t headerLength = (bytes[0] & 0x0fu) * 4;
    const uint32_t length = readU16be(bytes + 2);
    const bool legal = headerLength >= kIpv4HeaderSize && length >= headerLength && length <= available;
    return legal ? static_cast<int32_t>(length) : kBadInnerLength;
  }
  if (bytes[0] >> 4 == 6) {
    if (available < kIpv6HeaderSize) return kBadInnerLength;
    const uint32_t length = kIpv6HeaderSize + readU16be(bytes + 4);
    return length <= available ? static_cast<int32_t>(length) : kBadInnerLength;
  }
  return kBadInnerPacket;
}

Transport findTransport(const uint8_t* packet, uint32_t length) {
  return versionOf(packet) == 4 ? findTransportV4(packet, length) : findTransportV6(packet, length);
}

ExtensionChain walkExtensions(const uint8_t* packet, uint32_t length) {
  ExtensionChain chain{true, false, false, false, packet[6], kIpv6HeaderSize};
  // INVARIANT: each turn moves the offset by at least 8 B or returns, so the walk ends with the packet.
  for (;;) {
    switch (chain.next) {
      case kHopByHop:
      case kRouting:
      case kDestinationOptions:
      case kAuthentication: {
        if (chain.offset + 2 > length) {
          chain.whole = false;
          return chain;
        }
        const uint32_t units = packet[chain.offset + 1];
        // RFC 4302 §2.2: the authentication header counts 4 B words less two, the others count 8 B units less one.
        const uint32_t size = chain.next == kAuthentication ? (units + 2) * 4 : (units + 1) * 8;
        chain.routing = chain.routing || chain.next == kRouting;
        chain.next = packet[chain.offset];
        chain.offset += size;
        break;
      }
      case kFragment:
        if (chain.offset + kFragmentHeaderSize > length) {
          chain.whole = false;
          return chain;
        }
        chain.fragment = true;
        chain.next = packet[chain.offset];
        chain.laterFragment = readU16be(packet + chain.offset + 2) >> 3 != 0;
        chain.offset += kFragmentHeaderSize;
        if (chain.laterFragment) return chain;
        break;
      default:
        return chain;
    }
  }
}

}  // namespace pqtun
