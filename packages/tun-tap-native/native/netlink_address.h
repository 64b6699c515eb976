// Addresses of network interfaces by rtnetlink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink_socket.h"

namespace tuntap::netlink {

struct AddressInfo {
  uint32_t interfaceIndex = 0;
  IpAddress ip;
  uint8_t bits = 0;
};

/** Both families; of the named interface only when `name` is given (ENODEV when there is none). */
Outcome listAddresses(Socket& socket, const std::optional<std::string>& name, std::vector<AddressInfo>* addresses);
/** An IPv6 address skips duplicate address detection and is usable when this returns. */
Outcome addAddress(Socket& socket, const std::string& name, const IpAddress& ip, uint8_t bits);
Outcome removeAddress(Socket& socket, const std::string& name, const IpAddress& ip, uint8_t bits);

}  // namespace tuntap::netlink
