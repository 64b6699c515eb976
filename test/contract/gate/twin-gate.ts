/**
 * The gate of protocol.md §6 once more, slow and flat, from its text alone: what a plane that has one must decide about each datagram
 * that is no transport message. Numbers and offsets are written out on purpose; nothing of the engine's is used but the primitives.
 */
import type { Drop, Endpoint, GateKey, GateSettings, Instant } from '@pqtun/core';
import type { Suite } from '@pqtun/core/noble';

export type Decision =
  | { readonly kind: 'dropped'; readonly reason: Drop }
  | { readonly kind: 'answered'; readonly reason: Drop; readonly reply: Uint8Array }
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'passed'; readonly key: number; readonly proven: boolean };

export interface FrontGate {
  set(settings: GateSettings): void;
  decide(now: Instant, from: Endpoint, bytes: Uint8Array): Decision;
}

const bodies = {
  initiation: { 1: 2380, 2: 3244 },
  response: { 1: 2224, 2: 3184 },
} as const;
const counts = { 1: [2, 6], 2: [3, 7] } as const;
const secretLife = 120_000;

export class TwinGate implements FrontGate {
  readonly #crypto: Suite;
  #settings: GateSettings | undefined;
  readonly #unproven = new Tokens(20, 16);
  readonly #proven = new Tokens(50, 32);

  constructor(crypto: Suite) {
    this.#crypto = crypto;
  }

  set(settings: GateSettings): void {
    this.#settings = { ...settings, expectedIndices: new Set(settings.expectedIndices) };
  }

  decide(now: Instant, from: Endpoint, bytes: Uint8Array): Decision {
    const settings = this.#settings;
    if (settings === undefined) return { kind: 'unchecked' };
    const { hasClassicalPeers, suites, classical } = settings;
    const expectedIndices: ReadonlySet<number> = settings.expectedIndices;
    switch (bytes[0]) {
      case undefined:
        return dropped('bad-length');
      case 0x11: {
        const suite = fragment(bytes, 8, 'initiation');
        if (typeof suite === 'string') return dropped(suite);
        const keys = suites.get(suite);
        if (keys === undefined) return dropped('suite-disabled');
        return this.#initiation(settings, now, from, bytes, keys, bytes[2] === 0);
      }
      case 0x12: {
        const suite = fragment(bytes, 12, 'response');
        if (typeof suite === 'string') return dropped(suite);
        return expectedIndices.has(word(bytes, 8)) ? { kind: 'unchecked' } : dropped('unexpected-response');
      }
      case 1: {
        const reason = fixed(bytes, 148);
        if (reason !== undefined) return dropped(reason);
        if (hasClassicalPeers) return this.#initiation(settings, now, from, bytes, [classical], true);
        return dropped(this.#mac1(bytes, [classical]) ? 'downgrade-refused' : 'classical-disabled');
      }
      case 2: {
        const reason = fixed(bytes, 92);
        if (reason !== undefined) return dropped(reason);
        if (expectedIndices.has(word(bytes, 8))) return { kind: 'unchecked' };
        return dropped(hasClassicalPeers ? 'unexpected-response' : 'classical-disabled');
      }
      case 3: {
        const reason = fixed(bytes, 64);
        if (reason !== undefined) return dropped(reason);
        return expectedIndices.has(word(bytes, 4)) ? { kind: 'unchecked' } : dropped('unexpected-cookie');
      }
      default:
        return dropped('unknown-type');
    }
  }

  /** mac1 → rate → load, and what becomes of who is refused. */
  #initiation(
    settings: GateSettings,
    now: Instant,
    from: Endpoint,
    bytes: Uint8Array,
    keys: readonly GateKey[],
    isFirst: boolean,
  ): Decision {
    const key = this.#mac1(bytes, keys);
    if (key === undefined) return dropped('bad-mac1');
    const secrets = secretsOf(settings, now);
    const [current] = secrets;
    if (current === undefined) return { kind: 'unchecked' };
    const mac2 = bytes.subarray(-16);
    const proven =
      mac2.some((byte) => byte !== 0) &&
      secrets.some((secret) =>
        same(this.#crypto.mac(this.#cookie(secret, from), bytes.subarray(0, -16)), mac2),
      );
    const prefix = [...from.ip.subarray(0, from.ip.length === 4 ? 4 : 8)].join();
    if (proven) {
      if (!this.#proven.take(now, prefix)) return dropped('proven-rate-limited');
      return { kind: 'passed', key: key.id, proven };
    }
    let reason: Drop;
    if (!this.#unproven.take(now, prefix)) reason = 'rate-limited';
    else if (now < settings.underLoadUntil) reason = 'under-load';
    else return { kind: 'passed', key: key.id, proven };
    if (!isFirst) return dropped(reason);
    const nonce = this.#crypto.random(24);
    const mac1 = bytes.subarray(-32, -16);
    const sealed = this.#crypto.xseal(key.cookie, nonce, mac1, this.#cookie(current, from));
    const reply = new Uint8Array([3, 0, 0, 0, ...bytes.subarray(4, 8), ...nonce, ...sealed]);
    return { kind: 'answered', reason, reply };
  }

  #mac1(bytes: Uint8Array, keys: readonly GateKey[]): GateKey | undefined {
    return keys.find(({ mac1 }) =>
      same(this.#crypto.mac(mac1, bytes.subarray(0, -32)), bytes.subarray(-32, -16)),
    );
  }

  #cookie(secret: Uint8Array, from: Endpoint): Uint8Array {
    return this.#crypto.mac(secret, from.ip, Uint8Array.of(from.port >> 8, from.port & 255));
  }
}

/** R at that moment and, for 5 s, the one before; none when that is not known here any more. §3.3. */
export function secretsOf({ cookieSecrets }: GateSettings, now: Instant): Uint8Array[] {
  const { since, previous, current, next } = cookieSecrets;
  const age = now - since;
  const turns = Math.floor(age / secretLife);
  if (turns > 1) return [];
  const [recent, before] = turns < 1 ? [current, previous] : [next, current];
  const grace = now - (since + Math.max(turns, 0) * secretLife) < 5000;
  return grace && before !== undefined ? [recent, before] : [recent];
}

/** Tokens of each source, as many as they are, none forgotten. */
class Tokens {
  readonly #spacing: number;
  readonly #burst: number;
  readonly #fullAt = new Map<string, number>();

  constructor(perSecond: number, burst: number) {
    this.#spacing = 1000 / perSecond;
    this.#burst = burst;
  }

  take(now: number, source: string): boolean {
    const fullAt = Math.max(now, this.#fullAt.get(source) ?? now);
    if (fullAt - now > (this.#burst - 1) * this.#spacing) return false;
    this.#fullAt.set(source, fullAt + this.#spacing);
    return true;
  }
}

const dropped = (reason: Drop): Decision => ({ kind: 'dropped', reason });
const same = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);
const word = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);

function fixed(bytes: Uint8Array, size: number): Drop | undefined {
  if (bytes.length !== size) return 'bad-length';
  return bytes[1] === 0 && bytes[2] === 0 && bytes[3] === 0 ? undefined : 'reserved-bytes';
}

/** The suite of a fragment of the one legal geometry, §3.1. */
function fragment(bytes: Uint8Array, header: number, kind: keyof typeof bodies): 1 | 2 | Drop {
  if (bytes.length < header + 32) return 'bad-length';
  const [, suite, index = 0, count = 0] = bytes;
  if (suite !== 1 && suite !== 2) return 'suite-disabled';
  const [least, most] = counts[suite];
  const body = bodies[kind][suite];
  const slice = Math.ceil(body / count);
  const length = index === count - 1 ? body - slice * (count - 1) : slice;
  const legal = count >= least && count <= most && index < count && bytes.length === header + length + 32;
  return legal ? suite : 'bad-geometry';
}
