/** Finds and loads the addon; the only place that does. Nothing is loaded before the first call, so importing is always possible. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { CaptureBinding } from './capture.ts';
import type { DataPlaneBinding } from './data-plane.ts';
import type { NetlinkBinding } from './netlink.ts';
import type { AeadBinding } from './record-cipher.ts';

declare const handleBrand: unique symbol;
/** An empty object with a native one behind it; closed when collected. */
export type NativeHandle<Kind extends string> = object & { readonly [handleBrand]: Kind };
export type TunHandle = NativeHandle<'tun'>;
export type UdpHandle = NativeHandle<'udp'>;
export type BootTimerHandle = NativeHandle<'boot-timer'>;

/** What native/addon.cc exports. Arguments are positional and already checked; errors of the system carry `code`. */
export interface NativeBinding extends AeadBinding, CaptureBinding, DataPlaneBinding {
  readonly netlink: NetlinkBinding;
  readonly edgeVersion: number;
  readonly udpRecordLayout: Readonly<Record<string, number>>;
  openTun(
    name: string,
    tap: boolean,
    fd: number,
    headroom: number,
    tailroom: number,
    batch: number,
  ): TunHandle;
  tunInfo(tun: TunHandle): { name: string; tap: boolean; interfaceIndex: number; fd: number };
  tunBuffers(tun: TunHandle): [slab: ArrayBuffer, table: ArrayBuffer];
  tunStart(
    tun: TunHandle,
    onPackets: (count: number) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
  tunStop(tun: TunHandle): void;
  tunWrite(tun: TunHandle, packets: readonly Uint8Array[]): number;
  tunCounters(tun: TunHandle): { packetsRead: number; packetsWritten: number; packetsRefused: number };
  tunClose(tun: TunHandle): void;
  openUdp(
    family: 4 | 6,
    ip: Uint8Array,
    port: number,
    scope: number,
    fd: number,
    flags: number,
    mark: number,
    receiveBuffer: number,
    sendBuffer: number,
    pathMtuDiscovery: number,
    batch: number,
    longest: number,
  ): UdpHandle;
  udpInfo(udp: UdpHandle): { port: number; fd: number };
  udpBuffers(udp: UdpHandle): [slab: ArrayBuffer, records: ArrayBuffer];
  udpStart(
    udp: UdpHandle,
    onDatagrams: (count: number) => void,
    onError: (error: NodeJS.ErrnoException) => void,
  ): void;
  udpStop(udp: UdpHandle): void;
  udpSend(udp: UdpHandle, records: Uint8Array, datagrams: readonly Uint8Array[]): number;
  udpSetMark(udp: UdpHandle, mark: number): void;
  udpCounters(udp: UdpHandle): {
    datagramsReceived: number;
    datagramsSent: number;
    oversize: number;
    receiveErrors: number;
    sendFailures: number;
  };
  udpClose(udp: UdpHandle): void;
  openBootTimer(): BootTimerHandle;
  bootTimerArm(timer: BootTimerHandle, deadline: number, onExpire: () => void): void;
  bootTimerDisarm(timer: BootTimerHandle): void;
  bootTimerClose(timer: BootTimerHandle): void;
  bootTime(): number;
  notifyService(path: string, state: string): void;
  peerCredentials(fd: number): { pid: number; uid: number; gid: number };
  forbidDump(): void;
  forbidCoreFiles(): void;
  forbidNewPrivileges(): void;
  probe(): {
    tunError?: NodeJS.ErrnoException;
    tunVnetHeader: boolean;
    tunMultiQueue: boolean;
    udpGso: boolean;
    udpGro: boolean;
    netAdmin: boolean;
  };
  errorName(code: number): string;
}

/** The addon is not built, or was built for another machine or version of these sources. */
export class AddonUnavailableError extends Error {
  readonly code = 'ERR_ADDON_UNAVAILABLE';
}

/** `kEdgeVersion` of native/addon.cc. */
const edgeVersion = 4;
/** Made elsewhere for this architecture, or built here; the same from src/ and from dist/. The first that exists is loaded. */
const addonUrls = [`prebuilds/linux-${process.arch}`, 'build/Release'].map(
  (folder) => new URL(`../${folder}/tun_tap_native.node`, import.meta.url),
);

let loaded: NativeBinding | undefined;

/** Throws AddonUnavailableError. */
export function loadBinding(): NativeBinding {
  loaded ??= load();
  return loaded;
}

/** Whether the addon can be loaded here. */
export function available(): boolean {
  try {
    loadBinding();
    return true;
  } catch {
    return false;
  }
}

function load(): NativeBinding {
  const path = addonUrls.map((url) => fileURLToPath(url)).find((each) => existsSync(each));
  if (process.platform !== 'linux')
    throw unavailable(`this package knows Linux only, not ${process.platform}`);
  if (path === undefined) throw unavailable('its addon is not built');
  let exports: unknown;
  try {
    exports = createRequire(import.meta.url)(path);
  } catch (cause) {
    throw unavailable(`its addon does not load on ${process.arch}, Node ${process.version}`, cause);
  }
  // The cast holds because the version below is raised with every change of the exports.
  const binding = exports as NativeBinding;
  if (binding.edgeVersion !== edgeVersion) throw unavailable('its addon was built from other sources');
  return binding;
}

function unavailable(what: string, cause?: unknown): AddonUnavailableError {
  return new AddonUnavailableError(
    `tun-tap-native: ${what}; run "npm run setup" at the root of the workspace, or "npm run build" in the package`,
    cause === undefined ? undefined : { cause },
  );
}
