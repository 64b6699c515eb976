#pragma once

#include <cstdint>
#include <string>

#include "os_error.h"

namespace tuntap {

/** What a descriptor of /dev/net/tun is attached to. */
struct TunIdentity {
  std::string name;
  /** IFF_* of linux/if_tun.h. */
  int flags = 0;
};

/** A descriptor for a new device, or one attached to a persistent one of that name: non-blocking, the caller's to close. */
OsResult<int> createTunDevice(const std::string& name, int flags, TunIdentity* identity);

/** Asks a descriptor that somebody else has opened; changes nothing. */
OsResult<TunIdentity> identifyTunDevice(int fd);

/** Makes a descriptor that somebody else has opened non-blocking and close-on-exec. */
OsError adoptTunDevice(int fd);

/** 0 when the device is in another network namespace than this thread, where its name would lead to somebody else's. */
uint32_t tunInterfaceIndex(int fd, const std::string& name);

}  // namespace tuntap
