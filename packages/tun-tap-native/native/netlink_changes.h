// What a notice of the kernel says has changed.
#pragma once

#include <cstdint>

#include "netlink_message.h"

namespace tuntap::netlink {

/** Bits of what changed, as src/netlink-watch.ts reads them. */
enum Change : uint32_t { kLinkChanged = 1, kAddressChanged = 2, kRouteChanged = 4, kAnythingChanged = 7 };

/** The union of what the messages of one datagram say. Only their types matter: one that is cut short is as good as a whole one. */
uint32_t changesIn(ByteView datagram);

}  // namespace tuntap::netlink
