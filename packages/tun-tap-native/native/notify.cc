#include "notify.h"

#include <cstddef>
#include <cstring>

#include "unique_fd.h"

namespace tuntap {

OsError writeUnixAddress(const std::string& path, sockaddr_un* name, socklen_t* length) {
  *name = {};
  name->sun_family = AF_UNIX;
  if (path.empty() || (path[0] != '/' && path[0] != '@')) return {EAFNOSUPPORT, "connect NOTIFY_SOCKET"};
  if (path.size() >= sizeof name->sun_path) return {ENAMETOOLONG, "connect NOTIFY_SOCKET"};
  std::memcpy(name->sun_path, path.data(), path.size());
  if (path[0] == '@') name->sun_path[0] = '\0';
  // The length is part of an abstract name: no terminating zero counts.
  *length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  return {};
}

OsError notifyService(const std::string& path, const std::string& state) {
  sockaddr_un name;
  socklen_t length = 0;
  if (const OsError error = writeUnixAddress(path, &name, &length)) return error;
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return OsError::last("socket");
  ssize_t sent;
  do {
    sent = ::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&name), length);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? OsError::last("sendto NOTIFY_SOCKET") : OsError{};
}

}  // namespace tuntap
