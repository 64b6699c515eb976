/** The options of `openTunnel`, as `check-config.ts` does its configuration: errors name the option, never its value. */
import { parseIp } from './address.ts';
import { type DeviceChoice, type OpenOptions, offloadNames } from './api.ts';
import { bad, checkInteger, checkObject, checkOneOf } from './check-config.ts';

/** Checks the form of the options; the addresses to bind, parsed. */
export function checkOptions(options: OpenOptions): Uint8Array[] | undefined {
  const known: readonly (keyof OpenOptions)[] = [
    'device',
    'state',
    'crypto',
    'udp',
    'plane',
    'aead',
    'offloads',
    'clampMss',
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
  checkPlane(options);
  return options.bind === undefined ? undefined : checkBind(options.bind);
}

/** What moves packets; and what is for the native plane alone, which the portable one knows nothing of. */
function checkPlane(options: OpenOptions): void {
  const { aead, clampMss, device, offloads, plane = 'auto', udp } = options;
  checkOneOf('options.plane', plane, ['auto', 'native', 'portable'] as const);
  if (plane === 'native' && device.kind === 'custom') {
    throw bad(
      'options.plane',
      'the native plane has a TUN of its own: a custom device is for the portable one',
    );
  }
  if (plane === 'native' && udp === 'portable') {
    throw bad('options.plane', 'the native plane has sockets of its own: leave udp out');
  }
  if (aead !== undefined) checkOneOf('options.aead', aead, ['auto', 'evp', 'raw', 'multibuffer'] as const);
  if (clampMss !== undefined && typeof clampMss !== 'boolean')
    throw bad('options.clampMss', 'expected a boolean');
  if (offloads === undefined) return;
  const switches = checkObject('options.offloads', 'options.offloads.', offloads, offloadNames);
  for (const [name, on] of Object.entries(switches)) {
    if (typeof on !== 'boolean') throw bad(`options.offloads.${name}`, 'expected a boolean');
  }
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
