/**
 * One UAPI request, parsed: `get=1`, or `set=1` with its lines. https://www.wireguard.com/xplatform/#configuration-protocol,
 * with one key of ours, `kem_public_key`. All of it is read and checked for form before anything is applied.
 *
 * Keys are decoded from the bytes they came in. What else has been read becomes text; the block itself is the caller's to wipe.
 */
import { limits, Secret } from '@pqtun/core';
import type { EndpointSpec, Prefix } from '@pqtun/tunnel';
import { isName, masked, parseEndpoint, parseInteger, parsePrefix } from '../address-text.ts';
import { errno, UapiError } from './errno.ts';
import { decodeHex } from './hex.ts';
import type { RequestBlock } from './request-blocks.ts';

export type UapiRequest = { readonly kind: 'get' } | SetRequest;

export interface SetRequest {
  readonly kind: 'set';
  readonly device: DeviceChange;
  /** In the order they came, which is the order they take effect in. A key may come twice. */
  readonly peers: readonly PeerChange[];
}

/** What is absent stays; `null` clears. */
export interface DeviceChange {
  readonly privateKey?: Secret | null;
  /** 0: keep the port there is. */
  readonly listenPort?: number;
  /** 0: none. */
  readonly fwMark?: number;
  readonly replacePeers?: true;
}

export interface PeerChange {
  readonly publicKey: Uint8Array;
  readonly remove?: true;
  readonly updateOnly?: true;
  readonly kemPublicKey?: Uint8Array;
  readonly presharedKey?: Secret | null;
  readonly endpoint?: EndpointSpec;
  /** Seconds; 0 is off. */
  readonly persistentKeepalive?: number;
  readonly allowedIps: readonly AllowedIpChange[];
}

export type AllowedIpChange =
  | { readonly kind: 'clear' }
  | { readonly kind: 'add' | 'remove'; readonly prefix: Prefix };

/** Parses one block. Secrets in the result are the caller's to destroy (`destroyRequest`). Throws `UapiError`. */
export function parseRequest(block: RequestBlock): UapiRequest {
  const [operation, ...lines] = block;
  if (operation !== undefined && isText(operation, 'get=1') && lines.length === 0) return { kind: 'get' };
  if (operation === undefined || !isText(operation, 'set=1'))
    throw new UapiError(errno.invalid, 'an operation that is neither get=1 nor set=1');
  const reader = new SetReader();
  try {
    for (const line of lines) reader.take(line);
    return reader.result();
  } catch (error) {
    destroyRequest(reader.result());
    throw error;
  }
}

export function isSet(block: RequestBlock): boolean {
  return block[0] !== undefined && isText(block[0], 'set=1');
}

export function destroyRequest(request: UapiRequest): void {
  if (request.kind === 'get') return;
  request.device.privateKey?.destroy();
  for (const { presharedKey } of request.peers) presharedKey?.destroy();
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };
type PeerDraft = Draft<PeerChange> & { allowedIps: AllowedIpChange[] };

class SetReader {
  readonly #device: Draft<DeviceChange> = {};
  readonly #peers: PeerDraft[] = [];

  result(): SetRequest {
    return { kind: 'set', device: this.#device, peers: this.#peers };
  }

  take(line: Uint8Array): void {
    const at = line.indexOf(equalsSign);
    if (at < 0) throw new UapiError(errno.protocol, 'a line without "="');
    const key = Buffer.from(line.subarray(0, at)).toString('latin1');
    const value = line.subarray(at + 1);
    const peer = this.#peers.at(-1);
    if (key === 'public_key') this.#peers.push({ publicKey: publicKey(value, key), allowedIps: [] });
    else if (peer !== undefined) readWith(peerReaders, key)(peer, value, key);
    else readWith(deviceReaders, key)(this.#device, value, key);
  }
}

type Readers<T> = Readonly<Record<string, (draft: T, value: Uint8Array, key: string) => void>>;

const deviceReaders: Readers<Draft<DeviceChange>> = {
  private_key: (device, value, key) => {
    device.privateKey?.destroy();
    device.privateKey = clamped(secretOrNull(value, key));
  },
  listen_port: (device, value, key) => {
    device.listenPort = integer(value, key, 0xffff);
  },
  fwmark: (device, value, key) => {
    device.fwMark = integer(value, key, 0xffff_ffff);
  },
  replace_peers: (device, value, key) => {
    device.replacePeers = yes(value, key);
  },
};

const peerReaders: Readers<PeerDraft> = {
  remove: (peer, value, key) => {
    peer.remove = yes(value, key);
  },
  update_only: (peer, value, key) => {
    peer.updateOnly = yes(value, key);
  },
  kem_public_key: (peer, value, key) => {
    peer.kemPublicKey = kemPublicKey(value, key);
  },
  preshared_key: (peer, value, key) => {
    peer.presharedKey?.destroy();
    peer.presharedKey = secretOrNull(value, key);
  },
  endpoint: (peer, value, key) => {
    peer.endpoint = endpoint(value, key);
  },
  persistent_keepalive_interval: (peer, value, key) => {
    peer.persistentKeepalive = integer(value, key, 0xffff);
  },
  replace_allowed_ips: (peer, value, key) => {
    yes(value, key);
    peer.allowedIps = [{ kind: 'clear' }]; // what came before is cleared with the rest
  },
  allowed_ip: (peer, value, key) => {
    peer.allowedIps.push(allowedIp(value, key));
  },
  protocol_version: (_peer, value, key) => {
    if (!isText(value, '1')) throw badValue(key, '1');
  },
};

function readWith<T>(readers: Readers<T>, key: string): Readers<T>[string] {
  const read = Object.hasOwn(readers, key) ? readers[key] : undefined;
  if (read === undefined) {
    const shown = /^[a-z_]{1,40}$/.test(key) ? ` ${key}` : '';
    throw new UapiError(errno.invalid, `an unknown key${shown}`);
  }
  return read;
}

/* values */

function publicKey(value: Uint8Array, key: string): Uint8Array {
  const bytes = decodeHex(value, limits.dhSize);
  if (bytes === undefined) throw badValue(key, `${limits.dhSize} bytes in hexadecimal`);
  return bytes;
}

function kemPublicKey(value: Uint8Array, key: string): Uint8Array {
  for (const suite of limits.suiteIds) {
    const bytes = decodeHex(value, limits.suites[suite].kemPublicSize);
    if (bytes !== undefined) return bytes;
  }
  throw badValue(key, '1184 or 1568 bytes in hexadecimal');
}

/** All zeros stand for none: WireGuard has no other way to say it. */
function secretOrNull(value: Uint8Array, key: string): Secret | null {
  const bytes = decodeHex(value, limits.keySize);
  if (bytes === undefined) throw badValue(key, `${limits.keySize} bytes in hexadecimal`);
  let any = 0;
  for (const byte of bytes) any |= byte;
  return any === 0 ? null : new Secret(bytes);
}

/** As the kernel keeps it and gives it back; X25519 does the same with either (RFC 7748 §5). */
function clamped(secret: Secret | null): Secret | null {
  const bytes = secret?.borrow();
  if (bytes === undefined) return null;
  bytes[0] = (bytes[0] ?? 0) & 0xf8; // ours: nobody else has seen this secret yet
  bytes[31] = ((bytes[31] ?? 0) & 0x7f) | 0x40;
  return secret;
}

/** An address literal and a port: names are looked up by the client. */
function endpoint(value: Uint8Array, key: string): EndpointSpec {
  const found = parseEndpoint(text(value));
  if (found === undefined || isName(found)) throw badValue(key, 'address:port or [address]:port');
  return found;
}

function allowedIp(value: Uint8Array, key: string): AllowedIpChange {
  const whole = text(value);
  const remove = whole.startsWith('-');
  const prefix = whole.includes('/') ? parsePrefix(remove ? whole.slice(1) : whole) : undefined;
  if (prefix === undefined) throw badValue(key, 'address/bits');
  return { kind: remove ? 'remove' : 'add', prefix: masked(prefix) };
}

function integer(value: Uint8Array, key: string, most: number): number {
  const number = parseInteger(text(value), 0, most);
  if (number === undefined) throw badValue(key, `a number from 0 to ${most}`);
  return number;
}

function yes(value: Uint8Array, key: string): true {
  if (!isText(value, 'true')) throw badValue(key, 'true');
  return true;
}

function text(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}

function isText(bytes: Uint8Array, word: string): boolean {
  return bytes.length === word.length && bytes.every((byte, at) => byte === word.charCodeAt(at));
}

function badValue(key: string, expected: string): UapiError {
  return new UapiError(errno.invalid, `${key}: expected ${expected}`);
}

const equalsSign = 0x3d;
