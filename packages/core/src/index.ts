/** The public surface of the protocol core. Crypto back ends are entry points of their own: `@pqtun/core/node`, `/noble`. */
export { Secret, secretBytes, wipe } from './crypto/secret.ts';
export { selfTest } from './crypto/self-test.ts';
export type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite } from './crypto/suite.ts';
export { type Drop, DropCounters, dropReasons } from './drop.ts';
export type { EngineEvent } from './engine/context.ts';
export { Engine } from './engine/engine.ts';
export type { EngineOptions, PeerOptions, PeerUpdate } from './engine/options.ts';
export { PortableTunnel, type PortableTunnelOptions } from './engine/portable-tunnel.ts';
export type { PeerStatus } from './engine/status.ts';
export { type ErrorCode, errorCodes, invariant, PqtunError } from './errors.ts';
export { fingerprint, Identity, idOf, type PeerKeys, peerKeys } from './handshake/identity.ts';
export type { RekeyProfile, SessionLimits, SuiteId } from './limits.ts';
export * as limits from './limits.ts';
export { type TimerName, timerNames } from './peer/timers.ts';
export { AllowedIps } from './plane/allowed-ips.ts';
export { headRoom, PacketBuffer, tailRoom } from './plane/packet-buffer.ts';
export type {
  Confirmation,
  DataPlane,
  GateKey,
  GateSettings,
  GateVerdict,
  OutgoingDatagram,
  PeerActivity,
  PeerCounters,
  PeerSettings,
  PlaneMessage,
  PlaneReports,
  RouteChange,
  SessionInstall,
} from './plane/plane.ts';
export type { PlaneOutput } from './plane/plane-state.ts';
export { PortablePlane, type PortablePlaneOptions } from './plane/portable-plane.ts';
export { ReplayWindow } from './plane/replay-window.ts';
export { defaultPolicy, type Policy } from './policy.ts';
export * from './types.ts';
export { type Classified, classify } from './wire/classify.ts';
export { innerLength } from './wire/ip.ts';
export * as lengths from './wire/lengths.ts';
