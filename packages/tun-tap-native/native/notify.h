#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "os_error.h"

namespace tuntap {

/** Writes what `path` names: a file, or with "@" first a name of the abstract namespace; `length` is that of the address. */
OsError writeUnixAddress(const std::string& path, sockaddr_un* name, socklen_t* length);

/** Sends `state` as one datagram to the unix socket `path`; "@" first means the abstract namespace. systemd: sd_notify(3). */
OsError notifyService(const std::string& path, const std::string& state);

}  // namespace tuntap
