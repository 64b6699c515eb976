/** A post-quantum tunnel for a program of yours: {@link openTunnel}. */
export { PqtunError, type RekeyProfile, Secret, type SuiteId } from '@pqtun/core';
export type {
  DeviceChoice,
  OffloadName,
  OffloadStatus,
  OpenOptions,
  PacketDevice,
  PeerChange,
  PeerStats,
  StateStore,
  Tunnel,
  TunnelEvent,
  TunnelStats,
} from './api.ts';
export { checkConfig } from './check-config.ts';
export type { EndpointSpec, PeerConfig, Prefix, TunnelConfig } from './config.ts';
export { generateKeys, type PublicKeys, publicKeysOf, type SecretKeys } from './keys.ts';
export { type MemoryDeviceOptions, memoryDevice } from './memory-device.ts';
export { openTunnel } from './open-tunnel.ts';
