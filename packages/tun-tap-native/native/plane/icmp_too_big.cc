#include "icmp_too_big.h"

#include <algorithm>
#include <cstring>

#include "big_endian.h"
#include "checksum.h"
#include "inner_packet.h"

namespace pqtun {

namespace {

constexpr uint32_t kIcmpHeaderSize = 8;
constexpr uint32_t kIcmpChecksum = 2;

/** RFC 791: every link carries 68 B. */
constexpr uint32_t kIpv4MinMtu = 68;
/** RFC 1812 §4.3.2.3: quote as much as keeps the whole error within this. */
constexpr uint32_t kIpv4MaxError = 576;
/** RFC 8200 §5: every link carries 1280 B; RFC 8201 §4: smaller MTUs are ignored. */
constexpr uint32_t kIpv6MinMtu = 1280;
static_assert(kLargestTooBigReply == kIpv6MinMtu && kIpv4MaxError < kIpv6MinMtu, "both replies fit");

/** Whether an address names one host, so that it may get or send an error. RFC 1122 §3.2.2, RFC 4443 §2.4 (e). */
bool isOneHost(uint8_t version, const uint8_t* ip) {
  if (version == 4) return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;  // none, loopback, multicast, class E, broadcast
  return ip[0] != 0xff && std::any_of(ip, ip + 16, [](uint8_t byte) { return byte != 0; });
}

/** ICMPv4 types that report an error; a message too short to show its type is taken for one. RFC 1122 §3.2.2. */
bool isErrorV4(const uint8_t* packet, uint32_t length) {
  if (packet[9] != kProtocolIcmp) return false;
  const uint32_t headerLength = (packet[0] & 0x0fu) * 4;
  if (headerLength >= length) return true;
  const uint8_t type = packet[headerLength];
  return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/** Not answered: a later fragment, an ICMPv6 error or redirect, and a chain that ends before it shows what it carries. RFC 4443 §2.4 (e). */
bool mayAnswerV6(const uint8_t* packet, uint32_t length) {
  constexpr uint8_t kLastErrorType = 127;
  constexpr uint8_t kRedirect = 137;
  const ExtensionChain chain = walkExtensions(packet, length);
  if (!chain.whole || chain.laterFragment) return false;
  if (chain.next != kProtocolIcmpv6) return true;
  if (chain.offset >= length) return false;
  return packet[chain.offset] > kLastErrorType && packet[chain.offset] != kRedirect;
}

/** Header, quotation and checksum of the message behind the IP header; `pseudo` is what the checksum covers besides. */
void writeMessage(uint8_t* message, uint8_t type, uint8_t code, uint32_t mtu, const uint8_t* quoted, uint32_t quotedLength,
                  uint64_t pseudo) {
  message[0] = type;
  message[1] = code;
  storeWord(message + kIcmpChecksum, 0);
  writeU32be(message + 4, mtu);
  std::memcpy(message + kIcmpHeaderSize, quoted, quotedLength);
  storeWord(message + kIcmpChecksum, checksumOf(pseudo + sumBytes(message, kIcmpHeaderSize + quotedLength)));
}

uint32_t fragmentationNeeded(const uint8_t* packet, uint32_t length, uint32_t mtu, const uint8_t* source, uint8_t* reply) {
  const bool laterFragment = (readU16be(packet + 6) & 0x1fff) != 0;
  if (mtu < kIpv4MinMtu || laterFragment || isErrorV4(packet, length)) return 0;
  const uint32_t quoted = std::min(length, std::min(mtu, kIpv4MaxError) - kIpv4HeaderSize - kIcmpHeaderSize);
  const uint32_t size = kIpv4HeaderSize + kIcmpHeaderSize + quoted;
  // No options; precedence "internetwork control" (RFC 1812 §4.3.2.5); no identification but DF (RFC 6864 §4.1); TTL 64.
  const uint8_t header[] = {0x45, 0xc0, 0, 0, 0, 0, 0x40, 0, 64, kProtocolIcmp, 0, 0};
  std::memcpy(reply, header, sizeof header);
  writeU16be(reply + 2, static_cast<uint16_t>(size));
  std::memcpy(reply + 12, source, 4);
  std::memcpy(reply + 16, sourceOf(packet), 4);
  storeWord(reply + 10, checksumOf(sumBytes(reply, kIpv4HeaderSize)));
  // RFC 1191 §4: the second half of a field whose first is unused; the MTU is below the packet's length, so it fits.
  writeMessage(reply + kIpv4HeaderSize, 3, 4, mtu, packet, quoted, 0);
  return size;
}

uint32_t packetTooBig(const uint8_t* packet, uint32_t length, uint32_t mtu, const uint8_t* source, uint8_t* reply) {
  if (mtu < kIpv6MinMtu || !mayAnswerV6(packet, length)) return 0;
  const uint32_t quoted = std::min(length, kIpv6MinMtu - kIpv6HeaderSize - kIcmpHeaderSize);
  const uint32_t size = kIcmpHeaderSize + quoted;
  const uint8_t header[] = {0x60, 0, 0, 0, 0, 0, kProtocolIcmpv6, 64};
  std::memcpy(reply, header, sizeof header);
  writeU16be(reply + 4, static_cast<uint16_t>(size));
  std::memcpy(reply + 8, source, 16);
  std::memcpy(reply + 24, sourceOf(packet), 16);
  writeMessage(reply + kIpv6HeaderSize, 2, 0, mtu, packet, quoted, pseudoHeaderSum(reply + 8, 32, kProtocolIcmpv6, size));
  return kIpv6HeaderSize + size;
}

}  // namespace

uint32_t tooBigReply(const uint8_t* packet, uint32_t available, uint32_t mtu, const uint8_t* from, uint8_t* reply) {
  const int32_t inner = innerLength(packet, available);
  if (inner < 0 || static_cast<uint32_t>(inner) <= mtu) return 0;
  const auto length = static_cast<uint32_t>(inner);
  const uint8_t version = versionOf(packet);
  const uint8_t* destination = destinationOf(packet);
  const uint8_t* source = from != nullptr ? from : destination;
  if (!isOneHost(version, sourceOf(packet)) || !isOneHost(version, source)) return 0;
  // RFC 4443 §2.4 (e.3) lets just this error answer IPv6 multicast: so path MTU discovery works for it.
  if (version == 4 && !isOneHost(version, destination)) return 0;
  return version == 4 ? fragmentationNeeded(packet, length, mtu, source, reply)
                      : packetTooBig(packet, length, mtu, source, reply);
}

}  // namespace pqtun
