#include "process.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace tuntap {

OsResult<ucred> socketPeerCredentials(int fd) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0) return OsError::last("SO_PEERCRED");
  // Without a peer Linux answers pid 0 and the overflow ids, which must not pass for anybody.
  if (credentials.pid == 0 && credentials.uid == static_cast<uid_t>(-1)) return OsError{ENOTCONN, "SO_PEERCRED"};
  return credentials;
}

OsError forbidDump() { return ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? OsError{} : OsError::last("PR_SET_DUMPABLE"); }

OsError forbidCoreFiles() {
  const rlimit none{0, 0};
  return ::setrlimit(RLIMIT_CORE, &none) == 0 ? OsError{} : OsError::last("RLIMIT_CORE");
}

OsError forbidNewPrivileges() {
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? OsError{} : OsError::last("PR_SET_NO_NEW_PRIVS");
}

}  // namespace tuntap
