/** What becomes of an initiator's state when things go wrong; that it is right is shown by hybrid.test.ts. */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { type SuiteId, suites } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { type HybridPeerKeys, Identity, peerKeys } from './identity.ts';
import { type AwaitingResponse, consumeResponse, createInitiation } from './initiator.ts';
import { authenticate, openInitiation, respond } from './responder.ts';

const crypto = nodeSuite();
const timestamp = Uint8Array.of(0x40, 0, 0, 0, 0x69, 0x56, 0x80, 0x0a, 0, 0, 0, 0);
const psk = crypto.random(32);
const senderI = sessionIndex(11);
const senderR = sessionIndex(22);

function identity(): Identity {
  return new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
}

function knownTo(self: Identity, other: Identity, suite: SuiteId): HybridPeerKeys {
  const keys = peerKeys(crypto, self, other.dh.publicKey, other.kem(suite)?.publicKey);
  if (keys.kind !== 'hybrid') throw new Error('not hybrid');
  return keys;
}

function ok<T>(result: T | string): T {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

function handshake(suite: SuiteId) {
  const [initiator, responder] = [identity(), identity()];
  const made = ok(
    createInitiation({
      crypto,
      self: initiator,
      peer: knownTo(initiator, responder, suite),
      presharedKey: psk,
      senderIndex: senderI,
      timestamp,
    }),
  );
  const answer = (body = made.body, key = psk, index = senderI) => {
    const claim = ok(openInitiation(crypto, responder, suite, index, body));
    const initiation = ok(authenticate(crypto, responder, claim, knownTo(responder, initiator, suite), key));
    return ok(respond(crypto, initiation, key, senderR));
  };
  return { initiator, responder, ...made, answer };
}

describe.each([1, 2] as const)('suite %i', (suite) => {
  it('any bit of a response changed: bad-response, the state as it was, and the genuine one still taken', () => {
    const { initiator, state, answer } = handshake(suite);
    const { body, keys } = answer();
    // all of E_r and enc_0; of the ciphertexts one bit in 64 (192), each of a byte in its turn
    const kem = suites[suite].kemCiphertextSize * 2;
    for (let bit = 0; bit < body.length * 8; bit++) {
      const byte = bit >> 3;
      if (byte >= 32 && byte < 32 + kem && byte % (suite === 1 ? 8 : 24) !== bit % 8) continue;
      const changed = body.slice();
      changed[byte] = (changed[byte] ?? 0) ^ (1 << (bit & 7));
      const result = consumeResponse(crypto, initiator, state, senderR, changed);
      if (result !== 'bad-response') expect([bit, result]).toEqual([bit, 'bad-response']);
    }
    const taken = ok(consumeResponse(crypto, initiator, state, senderR, body));
    expect(taken.send.borrow()).toEqual(keys.receive.borrow());
    expect(taken.receive.borrow()).toEqual(keys.send.borrow());
  });

  it.each([
    ['another responder index', { index: sessionIndex(23) }],
    ['the indices of both exchanged', { index: senderI }],
  ])('a response under %s is bad-response', (_name, { index }) => {
    const { initiator, state, answer } = handshake(suite);
    expect(consumeResponse(crypto, initiator, state, index, answer().body)).toBe('bad-response');
  });

  it('a response to another initiation of the same pair is bad-response', () => {
    const one = handshake(suite);
    const again = ok(
      createInitiation({
        crypto,
        self: one.initiator,
        peer: knownTo(one.initiator, one.responder, suite),
        presharedKey: psk,
        senderIndex: senderI,
        timestamp,
      }),
    );
    expect(consumeResponse(crypto, one.initiator, again.state, senderR, one.answer().body)).toBe(
      'bad-response',
    );
  });

  it('a response of somebody else to the same initiation is not possible: he cannot open it', () => {
    const { body } = handshake(suite);
    expect(openInitiation(crypto, identity(), suite, senderI, body)).toBe('bad-identity');
  });

  it('unequal pre-shared keys end at the responder', () => {
    const { initiator, responder, body } = handshake(suite);
    const claim = ok(openInitiation(crypto, responder, suite, senderI, body));
    const peer = knownTo(responder, initiator, suite);
    expect(authenticate(crypto, responder, claim, peer, new Uint8Array(32))).toBe('bad-timestamp');
  });

  it('the same initiation answered twice gives two sessions, and the state takes either', () => {
    const { initiator, state, answer } = handshake(suite);
    const [a, b] = [answer(), answer()];
    expect(a.body).not.toEqual(b.body);
    for (const { body, keys } of [b, a])
      expect(ok(consumeResponse(crypto, initiator, state, senderR, body)).send.borrow()).toEqual(
        keys.receive.borrow(),
      );
  });

  it('a destroyed state has lost its secrets', () => {
    const { initiator, state, answer } = handshake(suite);
    const { body } = answer();
    state.destroy();
    for (const secret of secretsOf(state)) expect(secret.destroyed).toBe(true);
    expect(() => consumeResponse(crypto, initiator, state, senderR, body)).toThrow(
      expect.objectContaining({ code: 'PQTUN_SECRET_DESTROYED' }),
    );
  });
});

it('a party without a KEM seed of its own makes no hybrid initiation', () => {
  const self = new Identity(crypto, new Secret(crypto.random(32)));
  const peer = knownTo(self, identity(), 1);
  expect(() =>
    createInitiation({ crypto, self, peer, presharedKey: psk, senderIndex: senderI, timestamp }),
  ).toThrow(expect.objectContaining({ code: 'PQTUN_INVARIANT' }));
});

function secretsOf(state: AwaitingResponse): Secret[] {
  return [state.responseMacKey, state.presharedKey];
}
