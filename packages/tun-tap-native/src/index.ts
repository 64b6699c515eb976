/** TUN and TAP devices, batched UDP, boot-time timers and netlink for Linux. Importing loads nothing native; the first call does. */
export { AddonUnavailableError, available } from './binding.ts';
export { bootTime, openBootTimer } from './boot-timer.ts';
export { openCapture } from './capture.ts';
export {
  type AeadName,
  type AeadStatus,
  type DataPlaneCallbacks,
  type DataPlaneEvent,
  type DataPlaneOptions,
  type DataPlaneStatus,
  type LoopCounters,
  loopCounterNames,
  type NativeDataPlane,
  type OffloadName,
  type OffloadStatus,
  offloadNames,
  openDataPlane,
  type PlaneUdpOptions,
  testAeads,
  testOffloads,
} from './data-plane.ts';
export { openNetlink } from './netlink.ts';
export type * from './plane-types.ts';
export { PlaneVerbs } from './plane-verbs.ts';
export { probe } from './probe.ts';
export { hardenProcess, sdNotify, socketPeerCredentials } from './process.ts';
export {
  isSlowedBuild,
  mostRecords,
  openRecordCipher,
  type RecordCipher,
  type RecordPlace,
  recordPlaces,
  recordTagSize,
} from './record-cipher.ts';
export { openTun } from './tun.ts';
export type * from './types.ts';
export { openUdp } from './udp.ts';
