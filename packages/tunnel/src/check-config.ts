/**
 * Anything → `TunnelConfig`, or `PQTUN_BAD_CONFIG` that names the place (`peers[2].allowedIps[0].bits`) and says what was
 * expected. Values are never repeated: any of them may be a secret in the wrong place.
 */
import { limits, PqtunError, type RekeyProfile, Secret, type SuiteId } from '@pqtun/core';
import type { EndpointSpec, PeerConfig, Prefix, TunnelConfig } from './config.ts';

/** Checks the form of a whole configuration and copies what is public. Secrets stay the caller's and are only referred to. */
export function checkConfig(value: unknown): TunnelConfig {
  const config = checkObject('config', '', value, configKeys);
  const kemSeed = optional(config['kemSeed'], (seed) => checkSecret('kemSeed', seed, limits.kemSeedSize));
  const suites = optional(config['suites'], (list) => checkSuites('suites', list));
  const checked: TunnelConfig = {
    privateKey: checkSecret('privateKey', config['privateKey'], limits.keySize),
    peers: checkArray('peers', config['peers']).map((peer, i) => checkPeer(`peers[${i}]`, peer)),
    ...given('kemSeed', kemSeed),
    ...given('suites', suites),
    ...given('deploymentKeys', optional(config['deploymentKeys'], checkDeploymentKeys)),
    ...given(
      'listenPort',
      optional(config['listenPort'], (n) => checkInteger('listenPort', n, 0, 0xffff)),
    ),
    ...given(
      'fwMark',
      optional(config['fwMark'], (n) => checkInteger('fwMark', n, 0, 0xffffffff)),
    ),
    ...given(
      'maxHandshakeDatagram',
      optional(config['maxHandshakeDatagram'], (n) =>
        checkInteger('maxHandshakeDatagram', n, limits.minMaxDatagram, limits.maxMaxDatagram),
      ),
    ),
  };
  checkTogether(checked);
  return checked;
}

/** Checks the form of one peer; `path` names it in errors. */
export function checkPeer(path: string, value: unknown): PeerConfig {
  const peer = checkObject(path, `${path}.`, value, peerKeys);
  const at = (key: string) => `${path}.${key}`;
  const checked: PeerConfig = {
    publicKey: checkBytes(at('publicKey'), peer['publicKey'], [limits.dhSize]),
    mode: checkOneOf(at('mode'), peer['mode'], ['require', 'classical'] as const),
    allowedIps: checkPrefixes(at('allowedIps'), peer['allowedIps']),
    ...given(
      'kemPublicKey',
      optional(peer['kemPublicKey'], (key) => checkBytes(at('kemPublicKey'), key, kemSizes)),
    ),
    ...given(
      'presharedKey',
      optional(peer['presharedKey'], (key) => checkKey(at('presharedKey'), key)),
    ),
    ...given(
      'deploymentKey',
      optional(peer['deploymentKey'], (key) => checkKey(at('deploymentKey'), key)),
    ),
    ...given(
      'endpoint',
      optional(peer['endpoint'], (spec) => checkEndpoint(at('endpoint'), spec)),
    ),
    ...given(
      'persistentKeepalive',
      optional(peer['persistentKeepalive'], (n) => checkKeepalive(at('persistentKeepalive'), n)),
    ),
    ...given(
      'rekeyProfile',
      optional(peer['rekeyProfile'], (name) => checkProfile(at('rekeyProfile'), name)),
    ),
  };
  checkMode(path, checked);
  return checked;
}

/** What one peer cannot be: protocol.md §3, a peer with a KEM key never falls back, and WireGuard has no extras of ours. */
export function checkMode(path: string, peer: PeerConfig): void {
  if (peer.mode === 'require') {
    if (peer.kemPublicKey === undefined) throw bad(`${path}.kemPublicKey`, 'is needed with mode "require"');
    return;
  }
  const nothingOf = (key: string) => bad(`${path}.${key}`, 'is not possible with mode "classical"');
  if (peer.kemPublicKey !== undefined) throw nothingOf('kemPublicKey');
  if (peer.deploymentKey !== undefined) throw nothingOf('deploymentKey');
  if (peer.rekeyProfile === 'metered') throw nothingOf('rekeyProfile');
}

export function checkKey(path: string, value: unknown): Secret {
  return checkSecret(path, value, limits.keySize);
}

export function checkEndpoint(path: string, value: unknown): EndpointSpec {
  const spec = checkObject(path, `${path}.`, value, ['host', 'port']);
  const { host } = spec;
  if (typeof host !== 'string' || !hostForm.test(host)) {
    throw bad(`${path}.host`, 'expected an IP address or a DNS name of at most 253 characters');
  }
  return { host, port: checkInteger(`${path}.port`, spec['port'], 1, 0xffff) };
}

export function checkPrefixes(path: string, value: unknown): Prefix[] {
  return checkArray(path, value).map((prefix, i) => checkPrefix(`${path}[${i}]`, prefix));
}

export function checkKeepalive(path: string, value: unknown): number {
  return checkInteger(path, value, 1, 0xffff);
}

export function checkProfile(path: string, value: unknown): RekeyProfile {
  return checkOneOf(path, value, ['standard', 'metered'] as const);
}

/** `path` names a key or, with an index, one of its values. */
export function bad(path: string, expected: string): PqtunError {
  return new PqtunError('PQTUN_BAD_CONFIG', `${path}: ${expected}`);
}

export function checkObject(
  name: string,
  prefix: string,
  value: unknown,
  keys: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(name, 'expected an object');
  const stranger = Object.keys(value).find((key) => !keys.includes(key));
  if (stranger !== undefined)
    throw bad(`${prefix}${JSON.stringify(stranger.slice(0, 40))}`, 'is not a known key');
  return value as Readonly<Record<string, unknown>>; // any object may be read by key
}

const configKeys: readonly (keyof TunnelConfig)[] = [
  'privateKey',
  'kemSeed',
  'deploymentKeys',
  'listenPort',
  'fwMark',
  'peers',
  'suites',
  'maxHandshakeDatagram',
];
const peerKeys: readonly (keyof PeerConfig)[] = [
  'publicKey',
  'kemPublicKey',
  'mode',
  'presharedKey',
  'deploymentKey',
  'allowedIps',
  'endpoint',
  'persistentKeepalive',
  'rekeyProfile',
];
const kemSizes = limits.suiteIds.map((suite) => limits.suites[suite].kemPublicSize);
/** Loose: what a resolver makes of it is its own. No space, no control character, nothing that could break a line of a log. */
const hostForm = /^[0-9A-Za-z._:%@\u00a1-\uffff-]{1,253}$/;

/** What the parts of a configuration must not be to each other. */
function checkTogether(config: TunnelConfig): void {
  const places = new Map<string, number>();
  const suites = config.suites ?? limits.suiteIds;
  for (const [i, peer] of config.peers.entries()) {
    const key = peer.publicKey.join();
    const twin = places.get(key);
    if (twin !== undefined) throw bad(`peers[${i}].publicKey`, `is that of peers[${twin}] too`);
    places.set(key, i);
    checkKem(`peers[${i}]`, peer, config.kemSeed !== undefined, suites);
  }
}

/** A hybrid peer needs a KEM seed of ours and a suite that is switched on. */
export function checkKem(
  path: string,
  peer: PeerConfig,
  haveSeed: boolean,
  suites: readonly SuiteId[],
): void {
  const length = peer.kemPublicKey?.length;
  if (length === undefined) return;
  if (!haveSeed) throw bad(`${path}.kemPublicKey`, 'needs a kemSeed of our own');
  if (!suites.some((suite) => limits.suites[suite].kemPublicSize === length)) {
    throw bad(`${path}.kemPublicKey`, 'is of a suite that "suites" leaves out');
  }
}

function checkDeploymentKeys(value: unknown): (Secret | 'none')[] {
  const keys = checkArray('deploymentKeys', value);
  if (keys.length < 1 || keys.length > limits.maxDeploymentKeys) {
    throw bad('deploymentKeys', `expected 1 to ${limits.maxDeploymentKeys} keys`);
  }
  return keys.map((key, i) => (key === 'none' ? 'none' : checkKey(`deploymentKeys[${i}]`, key)));
}

function checkSuites(path: string, value: unknown): SuiteId[] {
  const suites = checkArray(path, value).map((suite, i) =>
    checkOneOf(`${path}[${i}]`, suite, limits.suiteIds),
  );
  if (suites.length === 0) throw bad(path, 'expected at least one suite');
  return [...new Set(suites)];
}

function checkPrefix(path: string, value: unknown): Prefix {
  const prefix = checkObject(path, `${path}.`, value, ['ip', 'bits']);
  const ip = checkBytes(`${path}.ip`, prefix['ip'], [4, 16]);
  const bits = checkInteger(`${path}.bits`, prefix['bits'], 0, ip.length * 8);
  if (ip.some((byte, i) => (byte & (0xff >>> Math.min(Math.max(bits - i * 8, 0), 8))) !== 0)) {
    throw bad(`${path}.ip`, `expected zeros behind the first ${bits} bits`);
  }
  return { ip, bits };
}

function checkSecret(path: string, value: unknown, length: number): Secret {
  if (!(value instanceof Secret)) throw bad(path, `expected a Secret of ${length} bytes`);
  if (value.destroyed) throw bad(path, 'this Secret has been destroyed');
  if (value.length !== length) throw bad(path, `expected ${length} bytes`);
  return value;
}

function checkBytes(path: string, value: unknown, lengths: readonly number[]): Uint8Array {
  const expected = `expected a Uint8Array of ${lengths.join(' or ')} bytes`;
  if (!(value instanceof Uint8Array) || !lengths.includes(value.length)) throw bad(path, expected);
  return new Uint8Array(value);
}

export function checkInteger(path: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw bad(path, `expected an integer from ${least} to ${most}`);
  }
  return value;
}

export function checkOneOf<T extends string | number>(
  path: string,
  value: unknown,
  choices: readonly T[],
): T {
  const choice = choices.find((each) => each === value);
  if (choice === undefined)
    throw bad(path, `expected ${choices.map((each) => JSON.stringify(each)).join(' or ')}`);
  return choice;
}

function checkArray(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw bad(path, 'expected an array');
  return value;
}

function optional<T>(value: unknown, check: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(value);
}

/** `{ key: value }`, or nothing to spread: absent stays absent. */
function given<Key extends string, T>(key: Key, value: T | undefined): { [K in Key]?: T } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: T }); // the one key is Key
}
