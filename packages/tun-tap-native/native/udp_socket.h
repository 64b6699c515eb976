#pragma once

#include <cstdint>
#include <string>

#include "os_error.h"
#include "unique_fd.h"

namespace tuntap {

struct UdpOptions {
  /** 4 or 6. */
  int family = 4;
  /** 4 or 16 B to bind to; empty: any. */
  std::string ip;
  uint16_t port = 0;
  uint32_t scope = 0;
  /** A bound socket to adopt, or -1. Stays the caller's when open() fails. */
  int fd = -1;
  bool ipv6Only = true;
  bool reusePort = false;
  uint32_t mark = 0;
  /** Bytes; 0 leaves the kernel's default. */
  uint32_t receiveBuffer = 0;
  uint32_t sendBuffer = 0;
  /** IP_PMTUDISC_*; IPv6 has the same numbers. */
  int pathMtuDiscovery = 0;
  uint32_t batch = 64;
  /** Longest datagram received, in bytes. */
  uint32_t longest = 65535;
};

/**
 * Makes a bound socket, or prepares the one to adopt: non-blocking, close-on-exec, with packet info on receive and all else that
 * the options say. `fd` owns it on success alone.
 */
OsError openUdpSocket(const UdpOptions& options, UniqueFd* fd);

/** What was bound: the port, where it was for the kernel to choose. */
OsResult<uint16_t> localPort(int fd);

OsError setSocketMark(int fd, uint32_t mark);

/** Sets an option whose value is an int. `call` is for the error. */
OsError setSocketOption(int fd, int level, int option, int value, const char* call);

}  // namespace tuntap
