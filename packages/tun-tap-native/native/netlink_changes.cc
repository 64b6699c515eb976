#include "netlink_changes.h"

#include <linux/rtnetlink.h>

namespace tuntap::netlink {

namespace {

uint32_t changeOf(uint16_t type) {
  switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return kLinkChanged;
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return kAddressChanged;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return kRouteChanged;
    default:
      return 0;
  }
}

}  // namespace

uint32_t changesIn(ByteView datagram) {
  uint32_t changes = 0;
  // Not MessageReader: it would pass over a message that does not fit the buffer.
  while (const std::optional<nlmsghdr> header = datagram.read<nlmsghdr>()) {
    changes |= changeOf(header->nlmsg_type);
    if (header->nlmsg_len < NLMSG_HDRLEN) break;
    datagram = datagram.after(header->nlmsg_len);
  }
  return changes;
}

}  // namespace tuntap::netlink
