#include "netlink_link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <cerrno>

namespace tuntap::netlink {

namespace {

// linux/rtnetlink.h; named here because headers before 4.4 lack it. Leaves out 24 counters for each link.
constexpr uint32_t kSkipStatistics = 1 << 3;

std::optional<std::string> parseKind(ByteView linkInfo) {
  for (AttributeReader attribute(linkInfo); attribute.next();) {
    if (attribute.type() == IFLA_INFO_KIND) return attribute.value().text();
  }
  return std::nullopt;
}

std::optional<LinkInfo> parseLink(const Message& message) {
  const std::optional<ifinfomsg> header = message.payload.read<ifinfomsg>();
  if (message.type != RTM_NEWLINK || !header) return std::nullopt;
  LinkInfo link;
  link.index = static_cast<uint32_t>(header->ifi_index);
  link.up = (header->ifi_flags & IFF_UP) != 0;
  link.running = (header->ifi_flags & IFF_RUNNING) != 0;
  for (AttributeReader attribute(message.payload.after(sizeof(ifinfomsg))); attribute.next();) {
    switch (attribute.type()) {
      case IFLA_IFNAME:
        link.name = attribute.value().text();
        break;
      case IFLA_MTU:
        link.mtu = attribute.value().read<uint32_t>().value_or(0);
        break;
      case IFLA_LINKINFO:
        link.kind = parseKind(attribute.value());
        break;
    }
  }
  return link;
}

Outcome queryLink(Socket& socket, MessageBuilder& message, LinkInfo* link) {
  bool found = false;
  Outcome outcome = socket.request(message, [&](const Message& answer) {
    if (const std::optional<LinkInfo> parsed = parseLink(answer)) {
      *link = *parsed;
      found = true;
    }
  });
  if (!outcome.failed() && !found) return {ENODEV};
  return outcome;
}

}  // namespace

Outcome listLinks(Socket& socket, std::vector<LinkInfo>* links) {
  MessageBuilder message(RTM_GETLINK, 0, ifinfomsg{});
  message.attribute(IFLA_EXT_MASK, kSkipStatistics);
  return socket.dump(
      message, [&] { links->clear(); },
      [&](const Message& answer) {
        if (std::optional<LinkInfo> link = parseLink(answer)) links->push_back(std::move(*link));
      });
}

Outcome nameLinks(Socket& socket, LinkNames* names) {
  std::vector<LinkInfo> links;
  Outcome outcome = listLinks(socket, &links);
  for (LinkInfo& link : links) (*names)[link.index] = std::move(link.name);
  return outcome;
}

Outcome findLink(Socket& socket, const std::string& name, LinkInfo* link) {
  MessageBuilder message(RTM_GETLINK, 0, ifinfomsg{});
  message.attribute(IFLA_EXT_MASK, kSkipStatistics);
  message.attribute(IFLA_IFNAME, name);
  return queryLink(socket, message, link);
}

Outcome findLink(Socket& socket, uint32_t index, LinkInfo* link) {
  ifinfomsg header = {};
  header.ifi_index = static_cast<int>(index);
  MessageBuilder message(RTM_GETLINK, 0, header);
  message.attribute(IFLA_EXT_MASK, kSkipStatistics);
  return queryLink(socket, message, link);
}

Outcome setLink(Socket& socket, const std::string& name, const LinkChange& change) {
  LinkInfo link;
  Outcome found = findLink(socket, name, &link);
  if (found.failed()) return found;

  // By index: beside an index IFLA_IFNAME is the new name, without one it is the name looked for.
  ifinfomsg header = {};
  header.ifi_index = static_cast<int>(link.index);
  if (change.up) {
    header.ifi_change = IFF_UP;
    header.ifi_flags = *change.up ? IFF_UP : 0;
  }
  MessageBuilder message(RTM_SETLINK, 0, header);
  if (change.mtu) message.attribute(IFLA_MTU, *change.mtu);
  if (change.txQueueLength) message.attribute(IFLA_TXQLEN, *change.txQueueLength);
  if (change.rename) message.attribute(IFLA_IFNAME, *change.rename);
  if (change.netnsPid) message.attribute(IFLA_NET_NS_PID, static_cast<uint32_t>(*change.netnsPid));
  return socket.request(message);
}

Outcome createVeth(Socket& socket, const std::string& name, const std::string& peerName, std::optional<pid_t> peerNetnsPid) {
  MessageBuilder message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  const size_t linkInfo = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("veth"));
  const size_t data = message.open(IFLA_INFO_DATA);
  // The other end is described like a link of its own: a header, then attributes.
  const size_t peer = message.open(VETH_INFO_PEER);
  const ifinfomsg peerHeader = {};
  message.append(&peerHeader, sizeof(peerHeader));
  message.attribute(IFLA_IFNAME, peerName);
  if (peerNetnsPid) message.attribute(IFLA_NET_NS_PID, static_cast<uint32_t>(*peerNetnsPid));
  message.close(peer);
  message.close(data);
  message.close(linkInfo);
  return socket.request(message);
}

Outcome deleteLink(Socket& socket, const std::string& name) {
  MessageBuilder message(RTM_DELLINK, 0, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  return socket.request(message);
}

}  // namespace tuntap::netlink
