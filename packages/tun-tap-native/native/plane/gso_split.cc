#include "gso_split.h"

#include <cstring>

#include "big_endian.h"
#include "checksum.h"
#include "inner_packet.h"
#include "tcp_udp.h"

namespace pqtun {

namespace {

constexpr uint32_t kIpv4Length = 2;
constexpr uint32_t kIpv4Identification = 4;
constexpr uint32_t kIpv4Checksum = 10;
constexpr uint32_t kIpv6Length = 4;

constexpr uint8_t kOnLastOnly = kTcpFin | kTcpPsh;
constexpr uint8_t kOnFirstOnly = kTcpCwr;

}  // namespace

void GsoSplitter::start(const TunFrame& frame, const uint8_t* packet) {
  done_ = false;
  first_ = true;
  udp_ = frame.kind == FrameKind::udp;
  version_ = frame.version;
  transportOffset_ = frame.transportOffset;
  headersLength_ = frame.headersLength;
  segmentSize_ = frame.segmentSize;
  payload_ = packet + frame.headersLength;
  payloadLeft_ = frame.length - frame.headersLength;
  std::memcpy(headers_, packet, headersLength_);

  if (version_ == 4) {
    identification_ = readU16be(headers_ + kIpv4Identification);
    std::memset(headers_ + kIpv4Length, 0, 4);  // and the identification behind it
    std::memset(headers_ + kIpv4Checksum, 0, 2);
    ipSum_ = sumBytes(headers_, transportOffset_);
  } else {
    std::memset(headers_ + kIpv6Length, 0, 2);
  }
  uint8_t* transport = headers_ + transportOffset_;
  if (udp_) {
    std::memset(transport + kUdpLength, 0, 4);  // and the checksum behind it
  } else {
    sequence_ = readU32be(transport + kTcpSequence);
    flags_ = transport[kTcpFlags];
    std::memset(transport + kTcpSequence, 0, 4);
    transport[kTcpFlags] = 0;
    std::memset(transport + kTcpChecksum, 0, 2);
  }
  const uint8_t protocol = udp_ ? kProtocolUdp : kProtocolTcp;
  transportSum_ = pseudoHeaderSum(sourceOf(packet), 2 * addressSize(version_), protocol, 0) +
                  sumBytes(transport, headersLength_ - transportOffset_);
}

void GsoSplitter::next(uint8_t* headersOut, const uint8_t** payload, uint32_t* payloadLength) {
  *payload = payload_;
  *payloadLength = nextPayloadLength();
  writeHeaders(headersOut, *payloadLength, sumBytes(payload_, *payloadLength));
  advance(*payloadLength);
}

uint32_t GsoSplitter::nextInto(uint8_t* out) {
  const uint32_t payloadLength = nextPayloadLength();
  const uint64_t payloadSum = copyAndSum(out + headersLength_, payload_, payloadLength);
  writeHeaders(out, payloadLength, payloadSum);
  advance(payloadLength);
  return headersLength_ + payloadLength;
}

void GsoSplitter::writeHeaders(uint8_t* out, uint32_t payloadLength, uint64_t payloadSum) const {
  std::memcpy(out, headers_, headersLength_);
  writeIpHeader(out, headersLength_ + payloadLength);
  const uint32_t length = headersLength_ - transportOffset_ + payloadLength;
  const uint64_t sum = transportSum_ + sumOf(length) + payloadSum;
  if (udp_) {
    writeUdpHeader(out + transportOffset_, length, sum);
  } else {
    writeTcpHeader(out + transportOffset_, sum);
  }
}

void GsoSplitter::writeIpHeader(uint8_t* out, uint32_t packetLength) const {
  if (version_ == 6) {
    writeU16be(out + kIpv6Length, static_cast<uint16_t>(packetLength - kIpv6HeaderSize));
    return;
  }
  const auto length = static_cast<uint16_t>(packetLength);
  writeU16be(out + kIpv4Length, length);
  writeU16be(out + kIpv4Identification, identification_);
  storeWord(out + kIpv4Checksum, checksumOf(ipSum_ + sumOf(length) + sumOf(identification_)));
}

void GsoSplitter::writeTcpHeader(uint8_t* tcp, uint64_t sum) const {
  uint8_t flags = flags_;
  if (!first_) flags &= static_cast<uint8_t>(~kOnFirstOnly);
  if (payloadLeft_ > segmentSize_) flags &= static_cast<uint8_t>(~kOnLastOnly);
  writeU32be(tcp + kTcpSequence, sequence_);
  tcp[kTcpFlags] = flags;
  // The flags are the second byte of their word, whose first is in the sum already.
  storeWord(tcp + kTcpChecksum, checksumOf(sum + sumOf(sequence_) + sumOf(uint16_t{flags})));
}

void GsoSplitter::writeUdpHeader(uint8_t* udp, uint32_t length, uint64_t sum) const {
  const auto written = static_cast<uint16_t>(length);
  writeU16be(udp + kUdpLength, written);
  storeWord(udp + kUdpChecksum, nonzeroChecksumOf(sum + sumOf(written)));
}

void GsoSplitter::advance(uint32_t payloadLength) {
  first_ = false;
  payload_ += payloadLength;
  payloadLeft_ -= payloadLength;
  sequence_ += payloadLength;
  ++identification_;
  done_ = payloadLeft_ == 0;
}

}  // namespace pqtun
