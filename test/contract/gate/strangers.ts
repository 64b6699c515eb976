/**
 * Random datagrams of every type, from a few sources, of who knows the responder and who does not, with cookies right, old and wrong;
 * and what else happens meanwhile: time, load, keys, peers. Each is said in words that fit any engine of the same identity, since R
 * and indices differ between two of them, and made into bytes for one.
 */
import { type Endpoint, endpoint, type GateSettings, type Identity, type Instant } from '@pqtun/core';
import type { Suite } from '@pqtun/core/noble';
import { addressee, Forger } from '../../kit/forger.ts';
import type { Random } from '../../kit/random.ts';
import { secretsOf } from './twin-gate.ts';

type Bytes = Uint8Array;

export type Step =
  | { readonly kind: 'datagram'; readonly from: Endpoint; readonly shape: Bytes; readonly words: Words }
  | { readonly kind: 'wait'; readonly milliseconds: number }
  | { readonly kind: 'loop-delay'; readonly milliseconds: number }
  | { readonly kind: 'deployment-keys'; readonly keys: readonly Bytes[] }
  | { readonly kind: 'classical-peers' }
  | { readonly kind: 'initiate' };

interface Words {
  readonly cookie: 'none' | 'wrong' | 'current' | 'previous' | 'early' | 'of-another-port';
  /** Puts the index of an initiation of ours where the receiver's stands. */
  readonly expected: boolean;
}

const none = new Uint8Array(0);
const gk1 = new Uint8Array(32).fill(1);
export const deploymentKeys: readonly Bytes[] = [
  none,
  gk1,
  new Uint8Array(32).fill(2),
  new Uint8Array(32).fill(3),
];
const sources: readonly Endpoint[] = [
  ...[1, 2, 3, 4].map((host) => endpoint(Uint8Array.of(192, 0, 2, host), 1000 + (host & 1))),
  ...[1, 2, 3].map((host) =>
    endpoint(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, host >> 1, ...new Array(7).fill(9), host), 2000),
  ),
];
const busiest = sources[0] ?? endpoint(new Uint8Array(4), 1);
const smallest = { 1: 6, 2: 7 } as const;

export class Strangers {
  readonly #random: Random;
  readonly #crypto: Suite;
  readonly #forger: Forger;
  readonly #identity: Identity;
  #classicalKey: Bytes;

  constructor(random: Random, crypto: Suite, identity: Identity) {
    this.#random = random;
    this.#crypto = crypto;
    this.#forger = new Forger(crypto);
    this.#identity = identity;
    this.#classicalKey = crypto.hash(new TextEncoder().encode('mac1----'), identity.dh.publicKey);
  }

  /** The next thing to happen. */
  next(): Step {
    const random = this.#random;
    const die = random.fraction();
    if (die < 0.86) return this.#datagram();
    if (die < 0.97) return { kind: 'wait', milliseconds: this.#pause() };
    if (die < 0.985) return { kind: 'loop-delay', milliseconds: random.pick([0, 0, 0, 0, 20, 20.5]) };
    if (die < 0.99)
      return {
        kind: 'deployment-keys',
        keys: random.pick([deploymentKeys, deploymentKeys, [none, gk1], deploymentKeys.slice(1)]),
      };
    return { kind: die < 0.993 ? 'classical-peers' : 'initiate' };
  }

  /** The bytes of a datagram for the engine that told these settings. */
  bytesFor(now: Instant, settings: GateSettings, step: Extract<Step, { kind: 'datagram' }>): Bytes {
    const bytes = step.shape.slice();
    if (bytes.length < 12) return bytes;
    const { cookie, expected } = step.words;
    const [index] = settings.expectedIndices;
    const at = { 2: 8, 3: 4, 18: 8 }[bytes[0] ?? 0];
    if (expected && index !== undefined && at !== undefined) {
      new DataView(bytes.buffer).setUint32(at, index, true);
    }
    if (cookie === 'none' || bytes.length < 48) return bytes;
    const { from } = step;
    const place = cookie === 'of-another-port' ? endpoint(from.ip, from.port + 1) : from;
    const { current, previous, next } = settings.cookieSecrets;
    const [good = current] = secretsOf(settings, now);
    // Whether they are good at this moment is for the two that are compared to say
    const secret = {
      wrong: new Uint8Array(32),
      current: good,
      'of-another-port': good,
      previous: previous ?? current,
      early: next,
    }[cookie];
    const value = this.#crypto.mac(secret, place.ip, Uint8Array.of(place.port >> 8, place.port & 255));
    bytes.set(this.#crypto.mac(value, bytes.subarray(0, -16)), bytes.length - 16);
    return bytes;
  }

  #pause(): number {
    const random = this.#random;
    const die = random.fraction();
    if (die < 0.95) return random.between(0, 60) / 8; // so that rates are exceeded
    return die < 0.99 ? random.between(0, 4000) + random.fraction() : random.between(100_000, 400_000);
  }

  #datagram(): Step {
    const random = this.#random;
    const shape = this.#damaged(this.#shape());
    const cookie = random.pick([
      ...([
        'none',
        'none',
        'none',
        'wrong',
        'current',
        'current',
        'current',
        'previous',
        'early',
        'of-another-port',
      ] as const),
    ]);
    return {
      kind: 'datagram',
      from: random.chance(0.4) ? busiest : random.pick(sources),
      shape,
      words: { cookie, expected: random.chance(0.5) },
    };
  }

  #shape(): Bytes {
    const random = this.#random;
    const die = random.fraction();
    if (die < 0.6) return this.#initiation();
    if (die < 0.75) return this.#withMac1(this.#classicalKey, fixed(random, 1, 148));
    if (die < 0.8) return fixed(random, 2, 92);
    if (die < 0.85) return fixed(random, 3, 64);
    if (die < 0.95) return this.#response();
    return random.bytes(random.pick([0, 1, 3, 12, 40, 44, 64, 92, 148, 437]));
  }

  /** A fragment with a body of nonsense; few initiations, so that some become whole. */
  #initiation(): Bytes {
    const random = this.#random;
    const suite = random.pick([1, 1, 2] as const);
    const gk = random.chance(0.8) ? gk1 : random.pick(deploymentKeys);
    const to = addressee(this.#identity, suite, gk);
    const count = random.chance(0.1) ? (suite === 1 ? 2 : 3) : smallest[suite];
    const length = { 1: 2380, 2: 3244 }[suite];
    const index = random.between(0, count - 1);
    const slice = Math.ceil(length / count);
    const size = index === count - 1 ? length - slice * (count - 1) : slice;
    const shape = new Uint8Array(8 + size + 32).fill(random.between(1, 3), 8);
    shape.set([0x11, suite, index, count, random.between(1, 6)]);
    return this.#withMac1(this.#forger.mac1Key(to, suite), shape);
  }

  #response(): Bytes {
    const random = this.#random;
    const suite = random.pick([1, 2] as const);
    const count = smallest[suite];
    const slice = Math.ceil({ 1: 2224, 2: 3184 }[suite] / count);
    const shape = random.bytes(12 + slice + 32);
    shape.set([0x12, suite, 0, count]);
    return shape;
  }

  #withMac1(key: Bytes, shape: Bytes): Bytes {
    return this.#random.chance(0.08) ? shape : this.#forger.withMac1(key, shape);
  }

  #damaged(shape: Bytes): Bytes {
    const damaged = this.#changed(shape);
    if (damaged[0] === 4) damaged[0] = 5; // transport is no business of a gate
    return damaged;
  }

  #changed(shape: Bytes): Bytes {
    const random = this.#random;
    const die = random.fraction();
    if (die > 0.12 || shape.length === 0) return shape;
    if (die < 0.04) return shape.slice(0, random.between(0, shape.length));
    if (die < 0.06) return new Uint8Array([...shape, 0]);
    const damaged = shape.slice();
    const at = random.between(0, Math.min(shape.length - 1, die < 0.1 ? 7 : shape.length - 1));
    damaged[at] = random.between(0, 255);
    return damaged;
  }
}

function fixed(random: Random, type: number, size: number): Bytes {
  const bytes = random.bytes(size);
  bytes.set([type, 0, 0, 0]);
  return bytes;
}
