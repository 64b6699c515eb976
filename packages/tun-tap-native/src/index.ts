/** TUN and TAP devices, batched UDP, boot-time timers and netlink for Linux. Importing loads nothing native; the first call does. */
export { AddonUnavailableError, available } from './binding.ts';
export { bootTime, openBootTimer } from './boot-timer.ts';
export { openCapture } from './capture.ts';
export { openNetlink } from './netlink.ts';
export { probe } from './probe.ts';
export { hardenProcess, sdNotify, socketPeerCredentials } from './process.ts';
export { openTun } from './tun.ts';
export type * from './types.ts';
export { openUdp } from './udp.ts';
