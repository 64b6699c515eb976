/** Puts a tunnel together from its parts, or takes all of them down again. */
import { Identity, PqtunError, type Suite } from '@pqtun/core';
import { parseIp } from './address.ts';
import type { DeviceChoice, OpenOptions, Tunnel } from './api.ts';
import { bad, checkConfig, checkInteger, checkObject } from './check-config.ts';
import { nativeClock, portableClock } from './clock.ts';
import type { TunnelConfig } from './config.ts';
import { loadNative, type Native } from './native.ts';
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
  const { device, udp = 'native' } = options;
  const { listenPort: port = 0, fwMark: mark = 0 } = checked;
  try {
    const path = await openPortablePath({ clock: runtime.clock, native, device, udp, bind, port, mark });
    return LiveTunnel.start(runtime, checked, identity, path);
  } catch (error) {
    identity.destroy();
    throw error;
  }
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

/** Checks the form of the options; the addresses to bind, parsed. */
function checkOptions(options: OpenOptions): Uint8Array[] | undefined {
  const known: readonly (keyof OpenOptions)[] = [
    'device',
    'state',
    'crypto',
    'udp',
    'bind',
    'initiateOnStart',
    'lookup',
  ];
  checkObject('options', 'options.', options, known);
  checkDevice(options.device);
  const { crypto, udp } = options;
  if (crypto !== undefined && crypto !== 'node' && crypto !== 'noble') {
    throw bad('options.crypto', 'expected "node" or "noble"');
  }
  if (udp !== undefined && udp !== 'native' && udp !== 'portable') {
    throw bad('options.udp', 'expected "native" or "portable"');
  }
  return options.bind === undefined ? undefined : checkBind(options.bind);
}

function checkDevice(device: DeviceChoice): void {
  const path = 'options.device';
  if (device?.kind === 'custom') {
    checkObject(path, `${path}.`, device, ['kind', 'device']);
    if (typeof device.device?.write !== 'function') throw bad(`${path}.device`, 'expected a PacketDevice');
    return;
  }
  if (device?.kind !== 'tun') throw bad(`${path}.kind`, 'expected "tun" or "custom"');
  checkObject(path, `${path}.`, device, ['kind', 'name', 'fd', 'mtu']);
  if (device.mtu !== undefined) checkInteger(`${path}.mtu`, device.mtu, 68, 65_535);
}

function checkBind(bind: readonly string[]): Uint8Array[] {
  const addresses = bind.map((text, i) => {
    const ip = parseIp(text);
    if (ip === undefined) throw bad(`options.bind[${i}]`, 'expected an IP address');
    return ip;
  });
  if (new Set(addresses.map((ip) => ip.length)).size !== addresses.length || addresses.length === 0) {
    throw bad('options.bind', 'expected one IPv4 address, one IPv6 address, or one of each');
  }
  return addresses;
}
