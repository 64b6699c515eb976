/**
 * A suite that tells on its user: which keys for records are set up, used and wiped, and how many ephemeral private keys are
 * alive. Everything it does is the base's. Prints are digests, so that equal keys can be told equal without being shown.
 */
import type { DhPrivate, KemPrivate, RecordKey, Suite } from '@pqtun/core';

export interface Listener {
  onKey(key: number, print: string): void;
  /** `plaintext` is overwritten when this returns. */
  onSealed(key: number, counter: number, plaintext: Uint8Array): void;
  onOpened(key: number, counter: number): void;
  onWiped(key: number): void;
}

export interface SpiedSuite {
  readonly suite: Suite;
  /** Ephemeral X25519 and KEM private keys that have not been destroyed; reset with the program they belonged to. */
  readonly ephemerals: { alive: number };
}

/** `numbers` counts keys of all hosts of a world. `random` replaces the base's source for draws of 4 B, which are indices. */
export function spiedSuite(
  base: Suite,
  listener: Listener,
  numbers: { next: number },
  index?: () => Uint8Array,
): SpiedSuite {
  const ephemerals = { alive: 0 };
  const suite: Suite = {
    name: base.name,
    random: (length) => (length === 4 && index !== undefined ? index() : base.random(length)),
    hash: (...parts) => base.hash(...parts),
    mac: (key, ...parts) => base.mac(key, ...parts),
    kdf: (key, outputs, ...input) => base.kdf(key, outputs, ...input),
    seal: (key, counter, ad, plaintext) => base.seal(key, counter, ad, plaintext),
    open: (key, counter, ad, sealed) => base.open(key, counter, ad, sealed),
    xseal: (key, nonce, ad, plaintext) => base.xseal(key, nonce, ad, plaintext),
    xopen: (key, nonce, ad, sealed) => base.xopen(key, nonce, ad, sealed),
    stream: (key, data) => base.stream(key, data),
    equal: (a, b) => base.equal(a, b),
    recordKey(key) {
      const number = numbers.next++;
      const print = Buffer.from(base.hash(printLabel, key)).toString('base64', 0, 12);
      listener.onKey(number, print);
      return spiedRecordKey(base.recordKey(key), number, listener);
    },
    dhPrivate: (secret) =>
      secret === undefined ? counted(base.dhPrivate(), ephemerals) : base.dhPrivate(secret),
    kemPrivate: (id, seed) =>
      seed === undefined ? counted(base.kemPrivate(id), ephemerals) : base.kemPrivate(id, seed),
    kemPublic: (id, bytes) => base.kemPublic(id, bytes),
  };
  return { suite, ephemerals };
}

const printLabel = new TextEncoder().encode('print');

function spiedRecordKey(base: RecordKey, number: number, listener: Listener): RecordKey {
  return {
    seal(counter, plaintext, out) {
      listener.onSealed(number, counter, plaintext);
      base.seal(counter, plaintext, out);
    },
    open(counter, sealed, out) {
      const opened = base.open(counter, sealed, out);
      if (opened) listener.onOpened(number, counter);
      return opened;
    },
    destroy() {
      listener.onWiped(number);
      base.destroy();
    },
  };
}

/** Destroying it twice counts once. */
function counted<Key extends DhPrivate | KemPrivate>(key: Key, ephemerals: { alive: number }): Key {
  ephemerals.alive += 1;
  let alive = true;
  const destroy = key.destroy.bind(key);
  key.destroy = () => {
    if (alive) ephemerals.alive -= 1;
    alive = false;
    destroy();
  };
  return key;
}
