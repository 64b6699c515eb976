// An inner packet and what is done to it alone: length, transport header, MSS, ICMP; and the datagrams of a GRO buffer.
// sources: native/plane/inner_packet.cc native/plane/mss_clamp.cc native/plane/icmp_too_big.cc native/plane/gro_split.cc
// sources: native/plane/checksum.cc
// runs: 300000
#include "plane/inner_packet.h"

#include "input.h"
#include "plane/checksum.h"
#include "plane/gro_split.h"
#include "plane/icmp_too_big.h"
#include "plane/mss_clamp.h"

using namespace pqtun;

namespace {

void readPacket(Input* input) {
  const uint32_t mtu = input->take<uint16_t>();
  std::vector<uint8_t> bytes = input->bytes(input->left());
  const int32_t inner = innerLength(bytes.data(), bytes.size());
  std::vector<uint8_t> reply(kLargestTooBigReply);
  const uint32_t replied = tooBigReply(bytes.data(), static_cast<uint32_t>(bytes.size()), mtu, nullptr, reply.data());
  require(replied <= kLargestTooBigReply);
  if (inner < 0) {
    require(replied == 0);
    return;
  }
  const auto length = static_cast<uint32_t>(inner);
  require(length <= bytes.size() && length >= (versionOf(bytes.data()) == 4 ? kIpv4HeaderSize : kIpv6HeaderSize));
  if (replied > 0) require(innerLength(reply.data(), replied) == static_cast<int64_t>(replied) && length > mtu);
  const Transport transport = findTransport(bytes.data(), length);
  const bool visible = transport.view == TransportView::whole || transport.view == TransportView::firstFragment;
  if (visible) require(transport.offset < length);

  bytes.resize(length);
  bytes.shrink_to_fit();
  std::vector<uint8_t> once(bytes);
  if (clampMss(once.data(), length, mtu)) {
    require(visible && transport.protocol == kProtocolTcp);
    require(!clampMss(once.data(), length, mtu));
  } else {
    require(once == bytes);
  }
}

void readBuffer(Input* input) {
  const bool truncated = input->take<uint8_t>() % 2 == 0;
  const uint32_t segmentSize = input->take<uint16_t>();
  const std::vector<uint8_t> control = input->bytes(input->take<uint8_t>());
  auto* aligned = static_cast<uint8_t*>(std::malloc(control.size() + 1));
  if (!control.empty()) std::memcpy(aligned, control.data(), control.size());
  msghdr message{};
  message.msg_control = aligned;
  message.msg_controllen = control.size();
  require(readGroSize(&message) <= 65535);
  std::free(aligned);

  std::vector<uint8_t> bytes = input->bytes(input->left());
  GroDatagrams walk(bytes.data(), static_cast<uint32_t>(bytes.size()), segmentSize, truncated);
  uint8_t* at = bytes.data();
  Datagram datagram;
  while (walk.next(&datagram)) {
    require(datagram.bytes == at && (segmentSize == 0 || datagram.length <= segmentSize));
    at += datagram.length;
  }
  require(truncated ? at <= bytes.data() + bytes.size() : at == bytes.data() + bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  if (input.take<uint8_t>() % 2 == 0) {
    readPacket(&input);
  } else {
    readBuffer(&input);
  }
  return 0;
}
