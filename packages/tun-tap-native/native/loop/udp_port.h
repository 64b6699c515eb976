#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "os_error.h"
#include "unique_fd.h"

namespace tuntap {

struct UdpPortOptions {
  /** 0: chosen by the kernel. */
  uint16_t port = 0;
  /** Local addresses, 4 or 16 B, at most one of each family; empty: any of both families. */
  std::vector<std::string> bind;
  uint32_t mark = 0;
  /** Bytes; 0 leaves the kernel's default. */
  uint32_t receiveBuffer = 0;
  uint32_t sendBuffer = 0;
  /** UDP_GRO: several datagrams a read. */
  bool joined = false;
};

/** A socket for IPv4 and one for IPv6, on one port. */
class UdpPort {
 public:
  /**
   * Where any address will do, a family this machine lacks is left out. Fails with the error of the last attempt; then nothing stays
   * open.
   */
  static OsResult<std::unique_ptr<UdpPort>> open(const UdpPortOptions& options);

  /** Of `family` 4 or 6; -1 where there is none. */
  int fd(int family) const { return (family == 4 ? ipv4_ : ipv6_).get(); }
  uint16_t port() const { return port_; }
  OsError setMark(uint32_t mark);

 private:
  static OsError openFamily(const UdpPortOptions& options, int family, const std::string& ip, UdpPort* port);

  UniqueFd ipv4_;
  UniqueFd ipv6_;
  uint16_t port_ = 0;
};

}  // namespace tuntap
