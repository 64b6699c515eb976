// What tests do to descriptors of others: the shipped addon offers none of it.
#include <fcntl.h>
#include <sys/socket.h>

#include "testing.h"
#include "udp_socket.h"

namespace pqtun::testing {
namespace {

/** setOption(fd, level, option, value) */
napi_value setOption(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  int numbers[4] = {};
  for (size_t i = 0; i < 4; ++i) numbers[i] = static_cast<int>(arguments.integer(i, "number", 0, INT32_MAX));
  if (!arguments.ok()) return nullptr;
  const tuntap::OsError error = tuntap::setSocketOption(numbers[0], numbers[1], numbers[2], numbers[3], "setsockopt");
  if (error) tuntap::throwOsError(env, error);
  return nullptr;
}

/** duplicate(fd) → another one for the same */
napi_value duplicate(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  const int fd = static_cast<int>(arguments.integer(0, "fd", 0, INT32_MAX));
  return arguments.ok() ? tuntap::makeNumber(env, ::fcntl(fd, F_DUPFD_CLOEXEC, 0)) : nullptr;
}

}  // namespace

void addDescriptors(napi_env env, napi_value exports) {
  addEdge(env, exports, "descriptors", {{"setOption", setOption}, {"duplicate", duplicate}});
}

}  // namespace pqtun::testing
