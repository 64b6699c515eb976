#pragma once

#include <sys/socket.h>

#include "os_error.h"

namespace tuntap {

/** Who is at the other end of a connected unix socket, as of connect(2). */
OsResult<ucred> socketPeerCredentials(int fd);

/** No ptrace by the same user, no /proc/self/mem for it, no core. Of the process. */
OsError forbidDump();
/** RLIMIT_CORE 0, hard. Of the process. */
OsError forbidCoreFiles();
/** Neither this thread nor what it starts can gain privileges by exec. */
OsError forbidNewPrivileges();

}  // namespace tuntap
