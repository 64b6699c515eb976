/** Times what happens between two ends, and sees in the calls of the suite where within one end a step begins. */
import type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite, SuiteId } from '@pqtun/core';

export class StepClock {
  /** The suite to give both ends. */
  readonly suite: Suite;
  #now: () => number;
  #begin = 0;
  #untilFresh = 0;
  #fresh = 0;

  /** `now` in milliseconds, to nanoseconds. */
  constructor(suite: Suite, now: () => number = () => performance.now()) {
    this.#now = now;
    this.suite = new WatchedSuite(suite, {
      begin: () => {
        const at = this.#now();
        if (this.#untilFresh === 0) this.#untilFresh = at - this.#begin;
        return at;
      },
      end: (begin) => {
        this.#fresh += this.#now() - begin;
      },
    });
  }

  start(): void {
    this.#begin = this.#now();
    this.#untilFresh = 0;
    this.#fresh = 0;
  }

  /** Milliseconds since `start` or the last lap. The two below are then of that lap, until the next one ends. */
  lap(): number {
    const took = this.#now() - this.#begin;
    this.untilFresh = this.#untilFresh;
    this.fresh = this.#fresh;
    this.start();
    return took;
  }

  /** From the lap's beginning to where fresh keys were first drawn. */
  untilFresh = 0;
  /** What drawing fresh keys took. */
  fresh = 0;
}

interface Watch {
  begin(): number;
  end(begin: number): void;
}

/** Does as another suite does, and tells when a key pair is made of nothing: not from a secret that was there. */
class WatchedSuite implements Suite {
  readonly name: string;
  readonly #suite: Suite;
  readonly #watch: Watch;

  constructor(suite: Suite, watch: Watch) {
    this.name = suite.name;
    this.#suite = suite;
    this.#watch = watch;
  }

  dhPrivate(secret?: Uint8Array): DhPrivate {
    if (secret !== undefined) return this.#suite.dhPrivate(secret);
    const begin = this.#watch.begin();
    const made = this.#suite.dhPrivate();
    this.#watch.end(begin);
    return made;
  }

  kemPrivate(suite: SuiteId, seed?: Uint8Array): KemPrivate {
    if (seed !== undefined) return this.#suite.kemPrivate(suite, seed);
    const begin = this.#watch.begin();
    const made = this.#suite.kemPrivate(suite);
    this.#watch.end(begin);
    return made;
  }

  random(length: number): Uint8Array {
    return this.#suite.random(length);
  }
  hash(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#suite.hash(...parts);
  }
  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    return this.#suite.mac(key, ...parts);
  }
  kdf(key: Uint8Array, outputs: 1 | 2 | 3, ...input: readonly Uint8Array[]): Uint8Array[] {
    return this.#suite.kdf(key, outputs, ...input);
  }
  seal(key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#suite.seal(key, counter, ad, plaintext);
  }
  open(key: Uint8Array, counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.#suite.open(key, counter, ad, sealed);
  }
  xseal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#suite.xseal(key, nonce, ad, plaintext);
  }
  xopen(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.#suite.xopen(key, nonce, ad, sealed);
  }
  stream(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.#suite.stream(key, data);
  }
  equal(a: Uint8Array, b: Uint8Array): boolean {
    return this.#suite.equal(a, b);
  }
  recordKey(key: Uint8Array): RecordKey {
    return this.#suite.recordKey(key);
  }
  kemPublic(suite: SuiteId, bytes: Uint8Array): KemPublic | undefined {
    return this.#suite.kemPublic(suite, bytes);
  }
}
