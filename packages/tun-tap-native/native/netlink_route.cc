#include "netlink_route.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "netlink_link.h"

namespace tuntap::netlink {

namespace {

// What a route message says, before interface numbers become names.
struct ParsedRoute {
  uint8_t type = 0;
  bool cloned = false;
  IpAddress destination;
  uint8_t bits = 0;
  IpAddress source;
  uint32_t table = RT_TABLE_UNSPEC;
  std::optional<uint32_t> metric;
  std::optional<uint32_t> mtu;
  struct NextHop {
    uint32_t interfaceIndex = 0;
    IpAddress gateway;
  };
  std::vector<NextHop> nextHops;
};

// A gateway of the other family: a family number, then the address.
IpAddress parseVia(ByteView value) {
  constexpr size_t kFamilySize = sizeof(uint16_t);
  if (value.size < kFamilySize) return {};
  return ByteView{value.data + kFamilySize, value.size - kFamilySize}.address();
}

std::optional<uint32_t> parseMtu(ByteView metrics) {
  for (AttributeReader metric(metrics); metric.next();) {
    if (metric.type() != RTAX_MTU) continue;
    const std::optional<uint32_t> mtu = metric.value().read<uint32_t>();
    if (mtu && *mtu != 0) return mtu;
  }
  return std::nullopt;
}

// The next hops of a multipath route: a list of headers, each with its own length and attributes.
std::vector<ParsedRoute::NextHop> parseMultipath(ByteView list) {
  std::vector<ParsedRoute::NextHop> hops;
  while (const std::optional<rtnexthop> header = list.read<rtnexthop>()) {
    if (header->rtnh_len < sizeof(rtnexthop) || header->rtnh_len > list.size) break;
    ParsedRoute::NextHop hop;
    hop.interfaceIndex = static_cast<uint32_t>(header->rtnh_ifindex);
    const ByteView whole = {list.data, header->rtnh_len};
    for (AttributeReader attribute(whole.after(sizeof(rtnexthop))); attribute.next();) {
      if (attribute.type() == RTA_GATEWAY) hop.gateway = attribute.value().address();
      if (attribute.type() == RTA_VIA) hop.gateway = parseVia(attribute.value());
    }
    hops.push_back(hop);
    list = list.after(header->rtnh_len);
  }
  return hops;
}

std::optional<ParsedRoute> parseRoute(const Message& message) {
  const std::optional<rtmsg> header = message.payload.read<rtmsg>();
  if (message.type != RTM_NEWROUTE || !header) return std::nullopt;
  if (header->rtm_family != AF_INET && header->rtm_family != AF_INET6) return std::nullopt;
  ParsedRoute route;
  route.type = header->rtm_type;
  route.cloned = (header->rtm_flags & RTM_F_CLONED) != 0;
  route.bits = header->rtm_dst_len;
  route.table = header->rtm_table;
  // A default route carries no destination.
  route.destination.size = header->rtm_family == AF_INET6 ? 16 : 4;
  ParsedRoute::NextHop hop;
  for (AttributeReader attribute(message.payload.after(sizeof(rtmsg))); attribute.next();) {
    const ByteView value = attribute.value();
    switch (attribute.type()) {
      case RTA_DST:
        route.destination = value.address();
        break;
      case RTA_OIF:
        hop.interfaceIndex = value.read<uint32_t>().value_or(0);
        break;
      case RTA_GATEWAY:
        hop.gateway = value.address();
        break;
      case RTA_VIA:
        hop.gateway = parseVia(value);
        break;
      case RTA_MULTIPATH:
        route.nextHops = parseMultipath(value);
        break;
      case RTA_PREFSRC:
        route.source = value.address();
        break;
      case RTA_TABLE:
        route.table = value.read<uint32_t>().value_or(route.table);
        break;
      case RTA_PRIORITY:
        route.metric = value.read<uint32_t>();
        break;
      case RTA_METRICS:
        route.mtu = parseMtu(value);
        break;
    }
  }
  if (route.destination.family() != header->rtm_family) return std::nullopt;
  if (route.nextHops.empty()) route.nextHops.push_back(hop);
  return route;
}

void appendRoutes(const ParsedRoute& parsed, const LinkNames& names, std::vector<RouteInfo>* routes) {
  for (const ParsedRoute::NextHop& hop : parsed.nextHops) {
    RouteInfo route;
    route.destination = parsed.destination;
    route.bits = parsed.bits;
    route.gateway = hop.gateway;
    const auto name = names.find(hop.interfaceIndex);
    if (name != names.end()) route.device = name->second;
    route.table = parsed.table;
    route.metric = parsed.metric;
    route.source = parsed.source;
    route.mtu = parsed.mtu;
    routes->push_back(std::move(route));
  }
}

// What adding and removing have in common: everything that is given goes into the request.
Outcome change(Socket& socket, uint16_t type, uint16_t flags, rtmsg header, const RouteInfo& route) {
  LinkInfo device;
  if (route.device) {
    Outcome found = findLink(socket, *route.device, &device);
    if (found.failed()) return found;
  }
  const uint32_t table = route.table.value_or(RT_TABLE_MAIN);
  header.rtm_family = static_cast<uint8_t>(route.destination.family());
  header.rtm_dst_len = route.bits;
  header.rtm_table = static_cast<uint8_t>(table <= UINT8_MAX ? table : RT_TABLE_UNSPEC);
  MessageBuilder message(type, flags, header);
  message.attribute(RTA_TABLE, table);
  message.attribute(RTA_DST, route.destination);
  if (!route.gateway.empty() && route.gateway.family() == header.rtm_family) {
    message.attribute(RTA_GATEWAY, route.gateway);
  } else if (!route.gateway.empty()) {
    uint8_t via[sizeof(uint16_t) + sizeof(route.gateway.bytes)];
    const uint16_t family = static_cast<uint16_t>(route.gateway.family());
    std::memcpy(via, &family, sizeof(family));
    std::memcpy(via + sizeof(family), route.gateway.bytes, route.gateway.size);
    message.attribute(RTA_VIA, via, sizeof(family) + route.gateway.size);
  }
  if (route.device) message.attribute(RTA_OIF, device.index);
  if (route.metric) message.attribute(RTA_PRIORITY, *route.metric);
  if (!route.source.empty()) message.attribute(RTA_PREFSRC, route.source);
  if (route.mtu) {
    const size_t metrics = message.open(RTA_METRICS);
    message.attribute(RTAX_MTU, *route.mtu);
    message.close(metrics);
  }
  return socket.request(message);
}

}  // namespace

Outcome listRoutes(Socket& socket, int family, std::optional<uint32_t> table, std::vector<RouteInfo>* routes) {
  LinkNames names;
  Outcome named = nameLinks(socket, &names);
  if (named.failed()) return named;

  rtmsg header = {};
  header.rtm_family = static_cast<uint8_t>(family);
  if (table && *table <= UINT8_MAX) header.rtm_table = static_cast<uint8_t>(*table);
  MessageBuilder message(RTM_GETROUTE, 0, header);
  if (table) message.attribute(RTA_TABLE, *table);
  Outcome outcome = socket.dump(
      message, [&] { routes->clear(); },
      [&](const Message& answer) {
        const std::optional<ParsedRoute> route = parseRoute(answer);
        // Cloned entries are the path MTU cache. Kernels before 4.20 send every table.
        if (!route || route->cloned || route->type != RTN_UNICAST || (table && route->table != *table)) return;
        if (route->destination.family() != family) return; // not what was asked for
        appendRoutes(*route, names, routes);
      });
  // A strictly checked dump of a table nobody has filled fails (fib_frontend.c, ip6_fib.c).
  if (outcome.error == ENOENT && table) return {};
  return outcome;
}

Outcome addRoute(Socket& socket, const RouteInfo& route) {
  rtmsg header = {};
  header.rtm_type = RTN_UNICAST;
  header.rtm_protocol = RTPROT_STATIC;
  // Without a gateway the destination is on the link itself. IPv6 has no scopes of this kind.
  const bool onLink = route.destination.family() == AF_INET && route.gateway.empty();
  header.rtm_scope = onLink ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  return change(socket, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header, route);
}

Outcome removeRoute(Socket& socket, const RouteInfo& route) {
  rtmsg header = {};
  header.rtm_type = RTN_UNICAST;
  // "Any scope"; protocol 0 is "any protocol".
  header.rtm_scope = RT_SCOPE_NOWHERE;
  Outcome outcome = change(socket, RTM_DELROUTE, 0, header, route);
  // "No such process" says the kernel.
  if (outcome.error == ESRCH && outcome.detail.empty()) outcome.detail = "no such route";
  return outcome;
}

Outcome lookUpRoute(Socket& socket, const IpAddress& ip, uint32_t mark, LookupInfo* lookup) {
  rtmsg header = {};
  header.rtm_family = static_cast<uint8_t>(ip.family());
  header.rtm_dst_len = ip.hostBits();
  MessageBuilder message(RTM_GETROUTE, 0, header);
  message.attribute(RTA_DST, ip);
  if (mark != 0) message.attribute(RTA_MARK, mark);
  std::optional<ParsedRoute> route;
  Outcome outcome = socket.request(message, [&](const Message& answer) { route = parseRoute(answer); });
  if (outcome.failed()) return outcome;
  if (!route) return {ENETUNREACH};

  const ParsedRoute::NextHop& hop = route->nextHops.front();
  LinkInfo device;
  Outcome found = findLink(socket, hop.interfaceIndex, &device);
  if (found.failed()) return found;
  lookup->device = device.name;
  lookup->interfaceIndex = hop.interfaceIndex;
  lookup->gateway = hop.gateway;
  lookup->source = route->source;
  lookup->mtu = route->mtu.value_or(device.mtu);
  return {};
}

}  // namespace tuntap::netlink
