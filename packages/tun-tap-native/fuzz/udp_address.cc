// Control messages and socket addresses as recvmmsg leaves them, and as we write them.
// sources: native/udp_address.cc
// runs: 500000
#include "udp_address.h"

#include <algorithm>

#include "input.h"

using namespace tuntap;

namespace {

// As in native/udp.h: room for one packet info. What a socket of somebody else's has switched on besides may leave less.
constexpr size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo));

void readReceived(Input* input) {
  sockaddr_storage name{};
  const auto six = input->take<sockaddr_in6>();  // the larger of the two that are read
  std::memcpy(&name, &six, sizeof six);
  const std::vector<uint8_t> received = input->bytes(kControlSize);
  // From malloc, which aligns as control messages need it, and of that size and no more.
  auto* control = static_cast<char*>(std::malloc(kControlSize));
  std::memset(control, 0, kControlSize);
  std::copy(received.begin(), received.end(), control);
  msghdr header{};
  header.msg_control = control;
  header.msg_controllen = received.size();

  UdpRecord record{};
  readSocketAddress(name, &record);
  readPacketInfo(&header, &record);
  require(record.ipLength == 0 || record.ipLength == 4 || record.ipLength == 16);
  require(record.localIpLength == 0 || record.localIpLength == 4 || record.localIpLength == 16);
  require(record.port <= UINT16_MAX);
  std::free(control);
}

void writeAndRead(Input* input) {
  const int family = input->take<uint8_t>() % 2 == 0 ? 4 : 6;
  UdpRecord record = input->take<UdpRecord>();
  record.ipLength = family == 4 || record.ipLength % 2 == 0 ? 4 : 16;
  record.localIpLength = record.localIpLength % 2 == 0 ? 0 : record.ipLength;

  sockaddr_storage name;
  const socklen_t length = writeSocketAddress(family, record.ip, record.ipLength, static_cast<uint16_t>(record.port),
                                              record.scope, &name);
  require(length == (family == 4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)));
  UdpRecord again{};
  readSocketAddress(name, &again);
  require(again.port == static_cast<uint16_t>(record.port));
  // A mapped address comes back as the four bytes that it is.
  const size_t skipped = record.ipLength - again.ipLength;
  require(std::memcmp(again.ip, record.ip + skipped, again.ipLength) == 0);

  auto* control = static_cast<char*>(std::malloc(kControlSize));
  const size_t used = writePacketInfo(family, record, control, kControlSize);
  require(used <= kControlSize);
  if (used != 0 && family == 6) {
    msghdr header{};
    header.msg_control = control;
    header.msg_controllen = used;
    UdpRecord local{};
    readPacketInfo(&header, &local);
    require(local.interfaceIndex == record.interfaceIndex);
    if (record.localIpLength != 0) {
      const size_t mapped = record.localIpLength - local.localIpLength;
      require(std::memcmp(local.localIp, record.localIp + mapped, local.localIpLength) == 0);
    }
  }
  std::free(control);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  if (input.take<uint8_t>() % 2 == 0) {
    readReceived(&input);
  } else {
    writeAndRead(&input);
  }
  return 0;
}
