#pragma once

namespace tuntap {

/** Milliseconds since boot, suspend included. */
double bootTime();

}  // namespace tuntap
