#include "tun_device.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <cstring>

#include "unique_fd.h"

#ifndef TUNGETDEVNETNS
#define TUNGETDEVNETNS _IO('T', 227)
#endif

namespace tuntap {

namespace {

TunIdentity identityOf(const ifreq& request) {
  return {std::string(request.ifr_name, strnlen(request.ifr_name, sizeof request.ifr_name)),
          static_cast<uint16_t>(request.ifr_flags)};
}

bool livesElsewhere(int fd) {
  const UniqueFd theirs(::ioctl(fd, TUNGETDEVNETNS));
  struct stat device;
  struct stat thread;
  // An old kernel, or no right to ask: then most likely it was made here.
  if (!theirs.valid() || ::fstat(theirs.get(), &device) < 0 || ::stat("/proc/thread-self/ns/net", &thread) < 0) return false;
  return device.st_ino != thread.st_ino || device.st_dev != thread.st_dev;
}

}  // namespace

OsResult<int> createTunDevice(const std::string& name, int flags, TunIdentity* identity) {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return OsError::last("open /dev/net/tun");
  ifreq request{};
  if (name.size() >= sizeof request.ifr_name) return OsError{EINVAL, "TUNSETIFF"};
  std::memcpy(request.ifr_name, name.c_str(), name.size());
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) return OsError::last("TUNSETIFF");
  *identity = identityOf(request);
  return fd.release();
}

OsResult<TunIdentity> identifyTunDevice(int fd) {
  ifreq request{};
  if (::ioctl(fd, TUNGETIFF, &request) < 0) return OsError::last("TUNGETIFF");
  return identityOf(request);
}

OsError adoptTunDevice(int fd) {
  const int status = ::fcntl(fd, F_GETFL);
  if (status < 0 || ::fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0) return OsError::last("fcntl");
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return OsError::last("fcntl");
  return {};
}

uint32_t tunInterfaceIndex(int fd, const std::string& name) { return livesElsewhere(fd) ? 0 : ::if_nametoindex(name.c_str()); }

}  // namespace tuntap
