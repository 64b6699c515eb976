/**
 * What a handshake leaves in memory. Every way it can end is gone through with a suite that keeps hold of each secret it gave
 * out: afterwards all are zero but the session's own, and every private key that was drawn is destroyed. protocol.md §4.
 */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import type { DhPrivate, KemPrivate, Suite } from '../crypto/suite.ts';
import { macSize } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import type { ClassicalInitiation, ClassicalResponse } from '../wire/classify.ts';
import { classify } from '../wire/classify.ts';
import { initiationBody } from '../wire/messages.ts';
import {
  authenticateClassical,
  type ClassicalAwaitingResponse,
  consumeClassicalResponse,
  createClassicalInitiation,
  openClassicalInitiation,
  respondClassical,
} from './classical.ts';
import { type HybridPeerKeys, Identity, peerKeys } from './identity.ts';
import { type AwaitingResponse, consumeResponse, createInitiation } from './initiator.ts';
import { authenticate, openInitiation, respond } from './responder.ts';
import type { SessionKeys } from './session-keys.ts';

const plain = nodeSuite();
const timestamp = Uint8Array.of(0x40, 0, 0, 0, 0x69, 0x56, 0x80, 0x0a, 0, 0, 0, 0);
const presharedKey = plain.random(32);
const [indexI, indexR] = [sessionIndex(11), sessionIndex(22)];
const lowOrder = new Uint8Array(32);

/** Keeps what a suite gives out: secret bytes, and private keys with whether they were destroyed. */
class Watch {
  readonly secrets: { name: string; bytes: Uint8Array }[] = [];
  readonly keys: { name: string; destroyed: boolean }[] = [];
  readonly suite: Suite;
  #refusals = { agree: 0, decapsulate: 0 };

  constructor() {
    const note = <T extends Uint8Array | undefined>(name: string, bytes: T): T => {
      if (bytes !== undefined) this.secrets.push({ name, bytes });
      return bytes;
    };
    const dh = (key: DhPrivate): DhPrivate => {
      const kept = { name: 'X25519 key', destroyed: false };
      this.keys.push(kept);
      return {
        publicKey: key.publicKey,
        agree: (peer) => (this.#refuses('agree') ? undefined : note('DH result', key.agree(peer))),
        destroy() {
          kept.destroyed = true;
          key.destroy();
        },
      };
    };
    const kem = (key: KemPrivate): KemPrivate => {
      const kept = { name: 'KEM key', destroyed: false };
      this.keys.push(kept);
      return {
        suite: key.suite,
        publicKey: key.publicKey,
        decapsulate: (ciphertext) =>
          this.#refuses('decapsulate') ? undefined : note('decapsulated', key.decapsulate(ciphertext)),
        destroy() {
          kept.destroyed = true;
          key.destroy();
        },
      };
    };
    this.suite = {
      name: 'watched',
      random: (length) => plain.random(length),
      hash: (...parts) => plain.hash(...parts),
      mac: (key, ...parts) => plain.mac(key, ...parts),
      kdf: (key, outputs, ...input) =>
        plain.kdf(note('chaining key', key), outputs, ...input).map((out) => note('KDF output', out)),
      seal: (...given) => plain.seal(...given),
      open: (...given) => plain.open(...given),
      xseal: (...given) => plain.xseal(...given),
      xopen: (...given) => plain.xopen(...given),
      stream: (key, data) => plain.stream(key, data),
      equal: (a, b) => plain.equal(a, b),
      recordKey: (key) => plain.recordKey(key),
      dhPrivate: (secret) => dh(plain.dhPrivate(secret)),
      kemPrivate: (suite, seed) => kem(plain.kemPrivate(suite, seed)),
      kemPublic(suite, bytes) {
        const key = plain.kemPublic(suite, bytes);
        return (
          key && {
            suite,
            bytes: key.bytes,
            encapsulate() {
              const made = key.encapsulate();
              note('encapsulated', made.sharedSecret);
              return made;
            },
          }
        );
      },
    };
  }

  identity(): Identity {
    return new Identity(this.suite, new Secret(plain.random(32)), new Secret(plain.random(64)));
  }

  /** Forgets what came before: identities live on. */
  begin(): void {
    this.secrets.length = 0;
    this.keys.length = 0;
  }

  /** The `nth` call from now on gives `undefined`, whatever it is given. */
  refuse(call: 'agree' | 'decapsulate', nth: number): void {
    this.#refusals[call] = nth;
  }

  #refuses(call: 'agree' | 'decapsulate'): boolean {
    this.#refusals[call] -= 1;
    return this.#refusals[call] === 0;
  }

  /** Names of what is still there but for `kept`. */
  left(kept: readonly Secret[] = []): string[] {
    const mayStay = new Set(kept.map((secret) => secret.borrow()));
    return [
      ...this.secrets.filter(({ bytes }) => !mayStay.has(bytes) && bytes.some((byte) => byte !== 0)),
      ...this.keys.filter(({ destroyed }) => !destroyed),
    ].map(({ name }) => name);
  }
}

function secretsOf({ send, receive, exporter }: SessionKeys): Secret[] {
  return [send, receive, ...(exporter === undefined ? [] : [exporter])];
}

function ok<T>(result: T | string): T {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

describe.each([1, 2] as const)('a hybrid handshake of suite %i leaves no secret behind', (suite) => {
  function knownTo(watch: Watch, self: Identity, other: Identity): HybridPeerKeys {
    const keys = peerKeys(watch.suite, self, other.dh.publicKey, other.kem(suite)?.publicKey);
    if (keys.kind !== 'hybrid') throw new Error('not hybrid');
    return keys;
  }

  function parties() {
    const watch = new Watch();
    const [self, other] = [watch.identity(), watch.identity()];
    const toOther = knownTo(watch, self, other);
    const toSelf = knownTo(watch, other, self);
    watch.begin();
    const initiate = (peer = toOther) =>
      createInitiation({ crypto: watch.suite, self, peer, presharedKey, senderIndex: indexI, timestamp });
    const claimOf = (body: Uint8Array) => openInitiation(watch.suite, other, suite, indexI, body);
    return { watch, crypto: watch.suite, self, other, toSelf, toOther, initiate, claimOf };
  }

  /** Up to a response that the initiator still has to take. */
  function answered() {
    const all = parties();
    const { crypto, other, toSelf, initiate, claimOf } = all;
    const { body, state } = ok(initiate());
    const initiation = ok(authenticate(crypto, other, ok(claimOf(body)), toSelf, presharedKey));
    return { ...all, body, state, response: ok(respond(crypto, initiation, presharedKey, indexR)) };
  }

  it('when it comes to a session, but for the keys of its two ends', () => {
    const { watch, crypto, self, state, response } = answered();
    const keys = ok(consumeResponse(crypto, self, state, indexR, response.body));
    state.destroy();
    response.macKey.destroy();
    expect(watch.left([...secretsOf(keys), ...secretsOf(response.keys)])).toEqual([]);
    for (const secret of [...secretsOf(keys), ...secretsOf(response.keys)]) secret.destroy();
    expect(watch.left()).toEqual([]);
  });

  it('when the initiation is given up', () => {
    const { watch, initiate } = parties();
    const { state } = ok(initiate());
    expect(watch.left().length).toBeGreaterThan(3); // it does keep what it needs till then
    state.destroy();
    expect(watch.left()).toEqual([]);
    expect(stateSecrets(state).every(({ destroyed }) => destroyed)).toBe(true);
  });

  it('when the peer is of low order: bad-dh', () => {
    const { watch, initiate, toOther } = parties();
    expect(initiate({ ...toOther, dhPublic: lowOrder })).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
  });

  it('when a response is refused, but for the state of the initiation: bad-response', () => {
    const { watch, crypto, self, state, response } = answered();
    for (const secret of [...secretsOf(response.keys), response.macKey]) secret.destroy();
    const before = watch.left();
    const bad = response.body.slice();
    bad[bad.length - 1] = (bad.at(-1) ?? 0) ^ 1;
    expect(consumeResponse(crypto, self, state, indexR, bad)).toBe('bad-response');
    bad.set(lowOrder);
    expect(consumeResponse(crypto, self, state, indexR, bad)).toBe('bad-response');
    expect(watch.left()).toEqual(before);
    state.destroy();
    expect(watch.left()).toEqual([]);
  });

  it.each([1, 2])('whichever agreement has no result, here number %i of each step', (nth) => {
    const first = parties();
    first.watch.refuse('agree', nth);
    expect(first.initiate()).toBe('bad-dh');
    expect(first.watch.left()).toEqual([]);

    const { watch, crypto, self, other, toSelf, state, response, claimOf, body } = answered();
    for (const secret of [...secretsOf(response.keys), response.macKey]) secret.destroy();
    const before = watch.left();
    watch.refuse('agree', nth);
    expect(consumeResponse(crypto, self, state, indexR, response.body)).toBe('bad-response');
    expect(watch.left()).toEqual(before);
    state.destroy();

    const initiation = ok(authenticate(crypto, other, ok(claimOf(body)), toSelf, presharedKey));
    watch.refuse('agree', nth);
    expect(respond(crypto, initiation, presharedKey, indexR)).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
  });

  it('takes a decapsulation without a result for a bug: a ciphertext here has its length by the layout', () => {
    const bug = expect.objectContaining({ code: 'PQTUN_INVARIANT' });
    const { watch, crypto, self, state, response, claimOf, body } = answered();
    for (const nth of [1, 2]) {
      watch.refuse('decapsulate', nth);
      expect(() => consumeResponse(crypto, self, state, indexR, response.body)).toThrow(bug);
    }
    watch.refuse('decapsulate', 1);
    expect(() => claimOf(body)).toThrow(bug);
  });

  it.each([
    ['bad-dh', 0, 32],
    ['bad-identity', initiationBody[suite].offset.encryptedIdentity, 1],
  ] as const)('when an initiation does not open: %s', (drop, at, length) => {
    const { watch, initiate, claimOf } = parties();
    const { body, state } = ok(initiate());
    state.destroy();
    watch.begin();
    body.fill(0, at, at + length);
    expect(claimOf(body)).toBe(drop);
    expect(watch.left()).toEqual([]);
  });

  it.each([
    ['bad-timestamp', new Uint8Array(32), {}],
    ['bad-dh', presharedKey, { dhPublic: lowOrder }],
  ])('when whoever is claimed did not make it: %s', (drop, key, change) => {
    const { watch, crypto, other, toSelf, initiate, claimOf } = parties();
    const { body, state } = ok(initiate());
    state.destroy();
    watch.begin();
    const claim = ok(claimOf(body));
    expect(authenticate(crypto, other, claim, { ...toSelf, ...change }, key)).toBe(drop);
    expect(watch.left()).toEqual([]);
  });

  it.each([
    ['bad-kem-key', 0xff, {}],
    ['bad-dh', undefined, { dhPublic: lowOrder }],
  ])('when there can be no answer: %s', (drop, kemKey, change) => {
    const { watch, crypto, other, toSelf, initiate, claimOf } = parties();
    const { body, state } = ok(initiate());
    state.destroy();
    watch.begin();
    const initiation = ok(authenticate(crypto, other, ok(claimOf(body)), toSelf, presharedKey));
    if (kemKey !== undefined) body.fill(kemKey, initiationBody[suite].offset.unencryptedKemKey, 200);
    const asked = { ...initiation, peer: { ...toSelf, ...change } };
    expect(respond(crypto, asked, presharedKey, indexR)).toBe(drop);
    expect(watch.left()).toEqual([]);
  });

  it('when an authenticated initiation, or a claim, is not answered', () => {
    const { watch, crypto, other, toSelf, initiate, claimOf } = parties();
    const { body, state } = ok(initiate());
    state.destroy();
    ok(claimOf(body)).destroy();
    expect(watch.left()).toEqual([]);
    ok(authenticate(crypto, other, ok(claimOf(body)), toSelf, presharedKey)).destroy();
    expect(watch.left()).toEqual([]);
  });
});

it('checking the keys of a peer leaves no secret behind', () => {
  const watch = new Watch();
  const [self, other] = [watch.identity(), watch.identity()];
  watch.begin();
  peerKeys(watch.suite, self, other.dh.publicKey, other.kem(1)?.publicKey);
  expect(watch.secrets).toHaveLength(1);
  expect(watch.left()).toEqual([]);
});

it('an identity ends with all its private keys', () => {
  const watch = new Watch();
  const self = watch.identity();
  expect(watch.left()).toEqual(['X25519 key', 'KEM key', 'KEM key']);
  self.destroy();
  expect(watch.left()).toEqual([]);
});

describe('a classical handshake leaves no secret behind', () => {
  const noMac = new Uint8Array(macSize);

  function parties() {
    const watch = new Watch();
    const [self, other] = [watch.identity(), watch.identity()];
    const peer = peerKeys(watch.suite, self, other.dh.publicKey);
    if (peer.kind !== 'classical') throw new Error('not classical');
    watch.begin();
    const initiate = (to = peer) =>
      createClassicalInitiation(watch.suite, self, to, presharedKey, indexI, timestamp);
    const claimOf = (message: ClassicalInitiation) => openClassicalInitiation(watch.suite, other, message);
    return { watch, crypto: watch.suite, self, other, peer, initiate, claimOf };
  }

  it('when the peer is of low order: bad-dh', () => {
    const { watch, peer, initiate } = parties();
    expect(initiate({ ...peer, dhPublic: lowOrder })).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
  });

  it('when it comes to a session, but for the keys of its two ends', () => {
    const { watch, crypto, self, other, initiate, claimOf } = parties();
    const { message, state } = ok(initiate());
    const claim = ok(claimOf(initiationIn(message)));
    ok(authenticateClassical(other, claim));
    const response = ok(respondClassical(crypto, claim, presharedKey, indexR));
    const keys = ok(consumeClassicalResponse(self, state, responseIn(response.message)));
    state.destroy();
    expect(watch.left([...secretsOf(keys), ...secretsOf(response.keys)])).toEqual([]);
  });

  it('when the initiation is given up', () => {
    const { watch, initiate } = parties();
    const { state } = ok(initiate());
    expect(watch.left()).not.toEqual([]);
    state.destroy();
    expect(watch.left()).toEqual([]);
    expect(state.presharedKey.destroyed).toBe(true);
  });

  it('when a response is refused, but for the state of the initiation: bad-response', () => {
    const { watch, crypto, self, other, initiate, claimOf } = parties();
    const { message, state } = ok(initiate());
    const claim = ok(claimOf(initiationIn(message)));
    ok(authenticateClassical(other, claim));
    const response = ok(respondClassical(crypto, claim, presharedKey, indexR));
    for (const secret of secretsOf(response.keys)) secret.destroy();
    const before = watch.left();
    const good = responseIn(response.message);
    for (const change of [{ unencryptedEphemeral: lowOrder }, { encryptedNothing: noMac }]) {
      expect(consumeClassicalResponse(self, state, { ...good, ...change })).toBe('bad-response');
    }
    expect(watch.left()).toEqual(before);
    state.destroy();
    expect(watch.left()).toEqual([]);
  });

  it.each([
    ['bad-dh', { unencryptedEphemeral: lowOrder }],
    ['bad-identity', { encryptedStatic: new Uint8Array(48) }],
  ])('when an initiation does not open: %s', (drop, change) => {
    const { watch, initiate, claimOf } = parties();
    const { message, state } = ok(initiate());
    state.destroy();
    expect(claimOf({ ...initiationIn(message), ...change })).toBe(drop);
    expect(watch.left()).toEqual([]);
  });

  it.each([1, 2])('whichever agreement has no result, here number %i of each step', (nth) => {
    const first = parties();
    first.watch.refuse('agree', nth);
    expect(first.initiate()).toBe('bad-dh');
    expect(first.watch.left()).toEqual([]);

    const { watch, crypto, self, other, initiate, claimOf } = parties();
    const { message, state } = ok(initiate());
    const claim = ok(claimOf(initiationIn(message)));
    ok(authenticateClassical(other, claim));
    const response = ok(respondClassical(crypto, claim, presharedKey, indexR));
    for (const secret of secretsOf(response.keys)) secret.destroy();
    const before = watch.left();
    watch.refuse('agree', nth);
    expect(consumeClassicalResponse(self, state, responseIn(response.message))).toBe('bad-response');
    expect(watch.left()).toEqual(before);
    state.destroy();

    const again = ok(claimOf(initiationIn(message)));
    ok(authenticateClassical(other, again));
    watch.refuse('agree', nth);
    expect(respondClassical(crypto, again, presharedKey, indexR)).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
  });

  it('when whoever is claimed did not make it, or there can be no answer', () => {
    const { watch, crypto, other, initiate, claimOf } = parties();
    const { message, state } = ok(initiate());
    state.destroy();
    const whole = initiationIn(message);
    const forged = ok(claimOf({ ...whole, encryptedTimestamp: new Uint8Array(28) }));
    expect(authenticateClassical(other, forged)).toBe('bad-timestamp');
    expect(watch.left()).toEqual([]);
    const nobody = { ...ok(claimOf(whole)), claimedKey: lowOrder };
    expect(authenticateClassical(other, nobody)).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
    const unanswerable = { ...ok(claimOf(whole)), claimedKey: lowOrder };
    expect(respondClassical(crypto, unanswerable, presharedKey, indexR)).toBe('bad-dh');
    expect(watch.left()).toEqual([]);
  });
});

function stateSecrets(state: AwaitingResponse | ClassicalAwaitingResponse): Secret[] {
  return state.kind === 'awaiting-response'
    ? [state.presharedKey, state.responseMacKey]
    : [state.presharedKey];
}

function initiationIn(message: Uint8Array): ClassicalInitiation {
  const found = classify(message);
  if (typeof found === 'string' || found.kind !== 'classical-initiation') throw new Error('no initiation');
  return found;
}

function responseIn(message: Uint8Array): ClassicalResponse {
  const found = classify(message);
  if (typeof found === 'string' || found.kind !== 'classical-response') throw new Error('no response');
  return found;
}
