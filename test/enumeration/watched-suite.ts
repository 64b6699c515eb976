/**
 * A suite that steers nothing by chance and watches what is sealed. Session indices are counted up instead of drawn, each host
 * from a base of its own, so that an index tells whose it is and an older one is smaller; the same counter, read as jitter, gives
 * (all but) the same fraction every time. Everything else comes from `base`.
 *
 * It sees every record key: no (key, counter) may seal twice, whoever does it (I1).
 */
import type { DhPrivate, KemPrivate, KemPublic, RecordKey, Suite, SuiteId } from '@pqtun/core';

/** Both hosts' seals, so that a key used at both ends counts as one. */
export class SealLog {
  readonly violations: string[] = [];
  readonly #sealed = new Set<string>();

  onSeal(keyName: string, counter: number): void {
    const name = `${keyName}/${counter}`;
    if (this.#sealed.has(name)) this.violations.push(`I1: one key sealed counter ${counter} twice`);
    this.#sealed.add(name);
  }
}

/** Names of the two keys of a session as the plane asks for them: what it sends under, then what it receives under. */
export interface SessionKeyNames {
  readonly send: string;
  readonly receive: string;
}

export class WatchedSuite implements Suite {
  readonly name: string;
  readonly #base: Suite;
  readonly #log: SealLog;
  readonly #onPlaintext: (plaintext: Uint8Array) => void;
  #drawn: number;
  #keyNames: string[] = [];

  /** `firstIndex`: where its indices begin. `onPlaintext` sees each payload as it is sealed. */
  constructor(base: Suite, firstIndex: number, log: SealLog, onPlaintext: (plaintext: Uint8Array) => void) {
    this.name = base.name;
    this.#base = base;
    this.#drawn = firstIndex;
    this.#log = log;
    this.#onPlaintext = onPlaintext;
  }

  /** The keys of the session made since the last call, if one was. */
  takeSessionKeys(): SessionKeyNames | undefined {
    const [send, receive] = this.#keyNames.splice(-2);
    this.#keyNames = [];
    return send === undefined || receive === undefined ? undefined : { send, receive };
  }

  random(length: number): Uint8Array {
    if (length !== 4) return this.#base.random(length);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, this.#drawn++);
    return bytes;
  }

  recordKey(key: Uint8Array): RecordKey {
    const name = this.#base.hash(key).join(); // keys of a test, good for nothing: only so may one become a string
    this.#keyNames.push(name);
    const inner = this.#base.recordKey(key);
    return {
      seal: (counter, plaintext, out) => {
        this.#log.onSeal(name, counter);
        this.#onPlaintext(plaintext);
        inner.seal(counter, plaintext, out);
      },
      open: (counter, sealed, out) => inner.open(counter, sealed, out),
      destroy: () => inner.destroy(),
    };
  }

  hash(...parts: readonly Uint8Array[]): Uint8Array {
    return this.#base.hash(...parts);
  }

  mac(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
    return this.#base.mac(key, ...parts);
  }

  kdf(key: Uint8Array, outputs: 1 | 2 | 3, ...input: readonly Uint8Array[]): Uint8Array[] {
    return this.#base.kdf(key, outputs, ...input);
  }

  seal(key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#base.seal(key, counter, ad, plaintext);
  }

  open(key: Uint8Array, counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.#base.open(key, counter, ad, sealed);
  }

  xseal(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.#base.xseal(key, nonce, ad, plaintext);
  }

  xopen(key: Uint8Array, nonce: Uint8Array, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
    return this.#base.xopen(key, nonce, ad, sealed);
  }

  stream(key: Uint8Array, data: Uint8Array): Uint8Array {
    return this.#base.stream(key, data);
  }

  equal(a: Uint8Array, b: Uint8Array): boolean {
    return this.#base.equal(a, b);
  }

  dhPrivate(secret?: Uint8Array): DhPrivate {
    return this.#base.dhPrivate(secret);
  }

  kemPrivate(suite: SuiteId, seed?: Uint8Array): KemPrivate {
    return this.#base.kemPrivate(suite, seed);
  }

  kemPublic(suite: SuiteId, bytes: Uint8Array): KemPublic | undefined {
    return this.#base.kemPublic(suite, bytes);
  }
}
