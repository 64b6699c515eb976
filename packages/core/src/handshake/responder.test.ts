/** What the responder's steps refuse, and by which name; that they are right is shown by hybrid.test.ts. */
import { describe, expect, it } from 'vitest';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import { type SuiteId, suites } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { initiationBody } from '../wire/messages.ts';
import { type HybridPeerKeys, Identity, peerKeys } from './identity.ts';
import { createInitiation } from './initiator.ts';
import { authenticate, openInitiation, respond } from './responder.ts';

const crypto = nodeSuite();
const timestamp = Uint8Array.of(0x40, 0, 0, 0, 0x69, 0x56, 0x80, 0x0a, 0, 0, 0, 0);
const noPsk = new Uint8Array(32);
const senderI = sessionIndex(11);

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

function initiation(suite: SuiteId) {
  const [initiator, responder] = [identity(), identity()];
  const peer = knownTo(initiator, responder, suite);
  const { body } = ok(
    createInitiation({ crypto, self: initiator, peer, presharedKey: noPsk, senderIndex: senderI, timestamp }),
  );
  return { initiator, responder, body, peer: knownTo(responder, initiator, suite) };
}

describe.each([1, 2] as const)('suite %i', (suite) => {
  const { offset } = initiationBody[suite];

  it('I6: who is claimed, and I7: when, are told from each other', () => {
    const { initiator, responder, body, peer } = initiation(suite);
    const claim = ok(openInitiation(crypto, responder, suite, senderI, body));
    expect(claim).toMatchObject({
      kind: 'claim',
      suite,
      initiatorIndex: senderI,
      claimedId: initiator.id(suite),
    });
    expect(ok(authenticate(crypto, responder, claim, peer, noPsk))).toMatchObject({
      kind: 'authenticated-initiation',
      suite,
      timestamp,
    });
  });

  it.each([
    ['E_i', offset.unencryptedEphemeral, 'bad-identity'],
    ['ek_i', offset.unencryptedKemKey + 700, 'bad-identity'],
    ['ct1x', offset.wrappedStaticCiphertext + 5, 'bad-identity'],
    ['enc_id', offset.encryptedIdentity + 5, 'bad-identity'],
    ['the tag of enc_id', offset.encryptedTimestamp - 1, 'bad-identity'],
    ['enc_ts', offset.encryptedTimestamp, 'bad-timestamp'],
    ['the tag of enc_ts', initiationBody[suite].size - 1, 'bad-timestamp'],
  ] as const)('a change in %s', (_field, byte, drop) => {
    const { responder, body, peer } = initiation(suite);
    body[byte] = (body[byte] ?? 0) ^ 0x10;
    const claim = openInitiation(crypto, responder, suite, senderI, body);
    const result = typeof claim === 'string' ? claim : authenticate(crypto, responder, claim, peer, noPsk);
    expect(result).toBe(drop);
  });

  it('another sender index, another suite of the same party, another peer, another key', () => {
    const { responder, body, peer } = initiation(suite);
    expect(openInitiation(crypto, responder, suite, sessionIndex(12), body)).toBe('bad-identity');
    const stranger = knownTo(responder, identity(), suite);
    const claim = ok(openInitiation(crypto, responder, suite, senderI, body));
    expect(authenticate(crypto, responder, claim, stranger, noPsk)).toBe('bad-timestamp');
    // the claim is at an end, whatever comes of it: C and H are gone
    expect(authenticate(crypto, responder, claim, peer, noPsk)).toBe('bad-timestamp');
    const again = ok(openInitiation(crypto, responder, suite, senderI, body));
    const sameDhOtherKem = { ...peer, kemPublic: stranger.kemPublic };
    expect(authenticate(crypto, responder, again, sameDhOtherKem, noPsk)).toBe('bad-timestamp');
  });

  it('R2: ek_i above q is bad-kem-key, before anything is drawn', () => {
    const { responder, peer } = initiation(suite);
    let draws = 0;
    const counting = nodeSuite({
      random(length) {
        draws++;
        return crypto.random(length);
      },
    });
    const { body, transcript } = claimWith(new Uint8Array(suites[suite].kemPublicSize).fill(0xff));
    const result = respond(
      counting,
      {
        kind: 'authenticated-initiation',
        suite,
        initiatorIndex: senderI,
        peer,
        timestamp,
        body,
        transcript,
        destroy: () => transcript.destroy(),
      },
      noPsk,
      sessionIndex(22),
    );
    expect(result).toBe('bad-kem-key');
    expect(draws).toBe(0);
    expect(responder.kem(suite)).toBeDefined();

    function claimWith(kemKey: Uint8Array) {
      const made = initiation(suite);
      const claim = ok(openInitiation(crypto, made.responder, suite, senderI, made.body));
      claim.body.set(kemKey, offset.unencryptedKemKey);
      return claim;
    }
  });

  it('every response is another, with another key for its mac1 only by another initiation', () => {
    const { responder, body, peer } = initiation(suite);
    const make = () => {
      const claim = ok(openInitiation(crypto, responder, suite, senderI, body));
      return ok(
        respond(crypto, ok(authenticate(crypto, responder, claim, peer, noPsk)), noPsk, sessionIndex(22)),
      );
    };
    const [a, b] = [make(), make()];
    expect(a.macKey.borrow()).toEqual(b.macKey.borrow());
    expect(a.body.subarray(0, 32)).not.toEqual(b.body.subarray(0, 32));
    expect(a.keys.send.borrow()).not.toEqual(b.keys.send.borrow());
    expect(a.keys.send.borrow()).not.toEqual(a.keys.receive.borrow());
  });
});
