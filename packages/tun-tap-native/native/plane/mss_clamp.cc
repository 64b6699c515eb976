#include "mss_clamp.h"

#include "big_endian.h"
#include "checksum.h"
#include "inner_packet.h"
#include "tcp_udp.h"

namespace pqtun {

namespace {

constexpr uint8_t kEndOfOptions = 0;
constexpr uint8_t kNoOperation = 1;
constexpr uint8_t kMaximumSegmentSize = 2;
constexpr uint32_t kMssLength = 4;

/** Length of the option at `option`, of which `available` B are there (at least one); 0 when it is malformed. RFC 9293 §3.1. */
uint32_t optionLength(const uint8_t* option, uint32_t available) {
  if (option[0] == kNoOperation) return 1;
  if (available < 2 || option[1] < 2 || option[1] > available) return 0;
  return option[0] == kMaximumSegmentSize && option[1] != kMssLength ? 0 : option[1];
}

bool wellFormed(const uint8_t* tcp, uint32_t headerLength) {
  for (uint32_t at = kTcpHeaderSize; at < headerLength && tcp[at] != kEndOfOptions;) {
    const uint32_t length = optionLength(tcp + at, headerLength - at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

}  // namespace

bool clampMss(uint8_t* packet, uint32_t length, uint32_t mtu) {
  const Transport transport = findTransport(packet, length);
  const bool visible = transport.view == TransportView::whole || transport.view == TransportView::firstFragment;
  if (!visible || transport.protocol != kProtocolTcp) return false;
  uint8_t* tcp = packet + transport.offset;
  const uint32_t headerLength = tcpHeaderLength(tcp, length - transport.offset);
  if (headerLength == 0 || (tcp[kTcpFlags] & kTcpSyn) == 0 || !wellFormed(tcp, headerLength)) return false;

  const uint32_t overhead = (versionOf(packet) == 4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kTcpHeaderSize;
  if (mtu <= overhead) return false;
  const uint32_t most = mtu - overhead;
  bool changed = false;
  // Several would be odd; receivers differ in which of them counts.
  for (uint32_t at = kTcpHeaderSize; at < headerLength && tcp[at] != kEndOfOptions;
       at += optionLength(tcp + at, headerLength - at)) {
    uint8_t* value = tcp + at + 2;
    if (tcp[at] != kMaximumSegmentSize || readU16be(value) <= most) continue;
    const uint16_t before = loadWord(value);
    writeU16be(value, static_cast<uint16_t>(most));
    uint8_t* checksum = tcp + kTcpChecksum;
    storeWord(checksum, updatedChecksum(loadWord(checksum), before, loadWord(value), at % 2 != 0));
    changed = true;
  }
  return changed;
}

}  // namespace pqtun
