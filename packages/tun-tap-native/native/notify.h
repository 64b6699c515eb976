#pragma once

#include <string>

#include "os_error.h"

namespace tuntap {

/** Sends `state` as one datagram to the unix socket `path`; "@" first means the abstract namespace. systemd: sd_notify(3). */
OsError notifyService(const std::string& path, const std::string& state);

}  // namespace tuntap
