#pragma once

#include "offloads.h"

namespace tuntap {

/**
 * Sends trains over the loopback and looks at what arrives, in both families that are there, and turns udpGso and udpGro in
 * `offloads` on where it is byte for byte what was sent. Takes some milliseconds at most, but where datagrams are lost. Where there is no loopback
 * to test with (a namespace in which it is down), what the kernel says it can do is believed, and the reason says so.
 */
void testUdpOffloads(Offloads* offloads);

}  // namespace tuntap
