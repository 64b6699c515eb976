// Notices of the kernel, whole or cut short.
// sources: native/netlink_changes.cc native/netlink_message.cc
// runs: 500000
#include "netlink_changes.h"

#include "input.h"

using namespace tuntap::netlink;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<uint8_t> datagram = Input(data, size).bytes(size);
  require((changesIn({datagram.data(), datagram.size()}) & ~static_cast<uint32_t>(kAnythingChanged)) == 0);
  return 0;
}
