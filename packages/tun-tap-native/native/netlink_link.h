// Network interfaces by rtnetlink: list, find, change, create (veth), delete.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "netlink_socket.h"

namespace tuntap::netlink {

struct LinkInfo {
  uint32_t index = 0;
  std::string name;
  uint32_t mtu = 0;
  /** Wanted up by the administrator; `running` adds that it can carry packets (carrier, peer up). */
  bool up = false;
  bool running = false;
  /** `veth`, `tun`, `bridge`, …; absent for hardware and loopback. */
  std::optional<std::string> kind;
};

struct LinkChange {
  std::optional<bool> up;
  std::optional<uint32_t> mtu;
  std::optional<uint32_t> txQueueLength;
  std::optional<std::string> rename;
  std::optional<pid_t> netnsPid;
};

using LinkNames = std::map<uint32_t, std::string>;

Outcome listLinks(Socket& socket, std::vector<LinkInfo>* links);
Outcome nameLinks(Socket& socket, LinkNames* names);
/** ENODEV when there is none. */
Outcome findLink(Socket& socket, const std::string& name, LinkInfo* link);
Outcome findLink(Socket& socket, uint32_t index, LinkInfo* link);
/** One request for all changes; the kernel applies them in its own order and stops at the first it refuses. */
Outcome setLink(Socket& socket, const std::string& name, const LinkChange& change);
Outcome createVeth(Socket& socket, const std::string& name, const std::string& peerName, std::optional<pid_t> peerNetnsPid);
Outcome deleteLink(Socket& socket, const std::string& name);

}  // namespace tuntap::netlink
