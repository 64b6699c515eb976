#pragma once

#include "os_error.h"

namespace tuntap {

/** Whether a TUN or socket that answered a read with this errno may be read again. */
bool isTransientReadError(int code);

/** What this machine and process can do. */
struct Capabilities {
  /** Why no TUN can be opened; success when one can. */
  OsError tun;
  bool tunVnetHeader = false;
  bool tunMultiQueue = false;
  bool udpGso = false;
  bool udpGro = false;
  /** SO_MARK and SO_*BUFFORCE, which need CAP_NET_ADMIN. */
  bool netAdmin = false;
};

/** Asks the kernel; creates no interface and leaves nothing open. */
Capabilities probeCapabilities();

}  // namespace tuntap
