// Unicast routes by rtnetlink, and the question where a packet would go.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "netlink_socket.h"

namespace tuntap::netlink {

struct RouteInfo {
  /** Never empty: `size` tells the family also of a default route. */
  IpAddress destination;
  uint8_t bits = 0;
  /** May be IPv6 for an IPv4 destination (RTA_VIA). */
  IpAddress gateway;
  std::optional<std::string> device;
  std::optional<uint32_t> table;
  std::optional<uint32_t> metric;
  IpAddress source;
  std::optional<uint32_t> mtu;
};

struct LookupInfo {
  std::string device;
  uint32_t interfaceIndex = 0;
  IpAddress gateway;
  IpAddress source;
  uint32_t mtu = 0;
};

/** Unicast routes of one table, or of all; one entry for each next hop. A table that does not exist has none. */
Outcome listRoutes(Socket& socket, int family, std::optional<uint32_t> table, std::vector<RouteInfo>* routes);
/** EEXIST for the same destination, table and metric. */
Outcome addRoute(Socket& socket, const RouteInfo& route);
/** Removes the first route that agrees in all that is given; ESRCH when there is none. */
Outcome removeRoute(Socket& socket, const RouteInfo& route);
Outcome lookUpRoute(Socket& socket, const IpAddress& ip, uint32_t mark, LookupInfo* lookup);

}  // namespace tuntap::netlink
