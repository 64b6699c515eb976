/** Puts a tunnel together from its parts, or takes all of them down again. */
import { Identity, PqtunError, type Suite } from '@pqtun/core';
import type { OpenOptions, Tunnel } from './api.ts';
import { checkConfig } from './check-config.ts';
import { checkOptions } from './check-options.ts';
import { type Clock, nativeClock, portableClock } from './clock.ts';
import type { TunnelConfig } from './config.ts';
import type { OpenedPath } from './data-path.ts';
import { loadNative, type Native } from './native.ts';
import { openNativePath } from './native-path.ts';
import { named, PeerBook } from './peer-book.ts';
import { openPortablePath } from './portable-path.ts';
import { systemLookup } from './resolve.ts';
import { loadSuite, type Runtime } from './runtime.ts';
import { LiveTunnel } from './tunnel.ts';

/**
 * Opens a tunnel: binds UDP, takes or creates the device, and runs until `close`. Linux gives it a TUN and fast UDP through the
 * addon `tun-tap-native`; with `device.kind` `custom` and `udp` `portable` it needs nothing but Node.
 *
 * `config` is checked whole. Its secrets stay the caller's, who may destroy them as soon as this resolves; what has to be
 * kept is copied and wiped on `close`. A device given as `custom` is started here, and closed with the tunnel.
 *
 * Rejects with `PQTUN_BAD_CONFIG` (the message names the key, never its value), `PQTUN_UNSUPPORTED` where the addon is needed
 * and not there, or the system's error with its `code` (`EADDRINUSE`, `EPERM`, …); nothing stays open then. After it has
 * resolved nothing from the network makes it throw; a device that vanishes, or a mistake of ours, ends it with an event.
 *
 * @example
 * const { device, outside } = memoryDevice();          // or { kind: 'tun', name: 'pq0' }
 * await using tunnel = await openTunnel(
 *   {
 *     privateKey, kemSeed,                              // Secret.copyOf(32 B), Secret.copyOf(64 B)
 *     listenPort: 51820,
 *     peers: [{
 *       publicKey, kemPublicKey, mode: 'require',
 *       allowedIps: [{ ip: Uint8Array.of(10, 88, 0, 2), bits: 32 }],
 *       endpoint: { host: 'hub.example', port: 51820 },
 *     }],
 *   },
 *   { device: { kind: 'custom', device } },
 * );
 * tunnel.onEvent((event) => console.log(event.id));
 * outside.start((packets) => { … }, (error) => { … });  // what comes out of the tunnel
 * outside.write([ipPacket]);                            // what goes in
 * console.log(await tunnel.ping(publicKey), 'ms');
 */
export async function openTunnel(config: TunnelConfig, options: OpenOptions): Promise<Tunnel> {
  return openTunnelOver(openPath, config, options);
}

/** The same over paths that `open` opens: in tests there are others. */
export async function openTunnelOver(
  open: PathOpener,
  config: TunnelConfig,
  options: OpenOptions,
): Promise<Tunnel> {
  const checked = checkConfig(config);
  const bind = checkOptions(options);
  const native = await chooseNative(options);
  const runtime: Runtime = {
    suite: await loadSuite(options.crypto ?? 'node'),
    clock: native === undefined ? portableClock() : nativeClock(native),
    native,
    lookup: options.lookup ?? systemLookup,
    state: options.state,
    initiateOnStart: options.initiateOnStart ?? true,
  };
  const identity = checkKeys(runtime.suite, checked);
  const { listenPort: port = 0, fwMark: mark = 0 } = checked;
  try {
    const path = await open({ clock: runtime.clock, native, options, bind, port, mark });
    return LiveTunnel.start(runtime, checked, identity, path);
  } catch (error) {
    identity.destroy();
    throw error;
  }
}

export interface PathChoice {
  readonly clock: Clock;
  readonly native: Native | undefined;
  /** Checked. */
  readonly options: OpenOptions;
  readonly bind: readonly Uint8Array[] | undefined;
  readonly port: number;
  readonly mark: number;
}

/** Opens device and sockets. Rejects with the system's error, and nothing stays open then. */
export type PathOpener = (choice: PathChoice) => Promise<OpenedPath>;

/** The paths there are. */
export async function openPath({
  clock,
  native,
  options,
  bind,
  port,
  mark,
}: PathChoice): Promise<OpenedPath> {
  const { device, udp = 'native', plane = 'auto' } = options;
  if (native !== undefined && device.kind === 'tun' && udp === 'native' && plane !== 'portable') {
    return openNativePath({ clock, native, device, options, bind, port, mark });
  }
  return openPortablePath({ clock, native, device, udp, bind, port, mark });
}

/** The identity of a checked configuration, after its keys were checked too. */
function checkKeys(suite: Suite, config: TunnelConfig): Identity {
  const identity = new Identity(suite, config.privateKey, config.kemSeed);
  try {
    new PeerBook(suite).checkKeys(identity, named(config.peers), true);
    return identity;
  } catch (error) {
    identity.destroy();
    throw error;
  }
}

/** The addon, where anything is to run over it. */
async function chooseNative({ udp, device }: OpenOptions): Promise<Native | undefined> {
  if (udp === 'portable' && device.kind === 'custom') return undefined;
  const native = await loadNative();
  if (native !== undefined) return native;
  const remedy =
    'build it with "npm run setup", or leave it out with udp "portable" and a device of your own';
  if (device.kind === 'tun') {
    throw new PqtunError(
      'PQTUN_UNSUPPORTED',
      `a TUN needs the addon tun-tap-native, which is not here: ${remedy}`,
    );
  }
  if (udp === 'native') {
    throw new PqtunError(
      'PQTUN_UNSUPPORTED',
      `udp "native" needs the addon tun-tap-native, which is not here: ${remedy}`,
    );
  }
  return undefined;
}
