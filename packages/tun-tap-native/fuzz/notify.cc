// The address that NOTIFY_SOCKET names.
// sources: native/notify.cc
// runs: 500000
#include "notify.h"

#include <cstddef>

#include "input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path(reinterpret_cast<const char*>(data), size);
  sockaddr_un name;
  socklen_t length = 0;
  if (tuntap::writeUnixAddress(path, &name, &length)) return 0;
  require(length <= sizeof name && length == offsetof(sockaddr_un, sun_path) + size);
  require(std::memcmp(name.sun_path + 1, path.data() + 1, size - 1) == 0);
  require(name.sun_path[0] == (path[0] == '@' ? '\0' : '/'));
  return 0;
}
