/**
 * The initiator's half of the hybrid handshake. protocol.md §4. Read it beside the page: one step, one label, one or two
 * calls. States are values: a failed response leaves `AwaitingResponse` as it was (§5.2 N1 lets another one still come).
 */
import { construction, identifier, responseMacLabel } from '../crypto/labels.ts';
import { Secret, wipe } from '../crypto/secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from '../crypto/suite.ts';
import type { Drop } from '../drop.ts';
import { invariant } from '../errors.ts';
import type { SuiteId } from '../limits.ts';
import type { SessionIndex } from '../types.ts';
import { hdr1, hdr2 } from '../wire/fragment.ts';
import { initiationBody, responseBody } from '../wire/messages.ts';
import type { HybridPeerKeys, Identity, OwnKeys } from './identity.ts';
import { type SessionKeys, splitHybrid } from './session-keys.ts';
import { Transcript, wrap } from './transcript.ts';

export interface InitiationInput {
  readonly crypto: Suite;
  readonly self: Identity;
  readonly peer: HybridPeerKeys;
  /** Q: 32 B, zeros when there is none. Stays the caller's. */
  readonly presharedKey: Uint8Array;
  readonly senderIndex: SessionIndex;
  /** TS, 12 B. */
  readonly timestamp: Uint8Array;
}

/** Between initiation and response. Owns its secrets: `destroy` when the initiation ends. */
export interface AwaitingResponse {
  readonly kind: 'awaiting-response';
  readonly suite: SuiteId;
  readonly senderIndex: SessionIndex;
  /** m2 (32 B): key of mac1 of every response fragment. I8. */
  readonly responseMacKey: Secret;
  readonly transcript: Transcript;
  readonly ephemeral: DhPrivate;
  readonly ephemeralKem: KemPrivate;
  readonly presharedKey: Secret;
  destroy(): void;
}

/** I1–I8. body1 is 2380 B (suite 1) or 3244 B (suite 2), the caller's. Refuses with `bad-dh` only. */
export function createInitiation(
  input: InitiationInput,
): { body: Uint8Array; state: AwaitingResponse } | Drop {
  const { crypto, self, peer, presharedKey, senderIndex, timestamp } = input;
  const { suite } = peer;
  const own = ownKeys(self, suite);
  const transcript = Transcript.begin(crypto, construction[suite], identifier);
  transcript.mixHash(peer.id, hdr1(suite, senderIndex));

  // I1: ephemeral X25519 and KEM keys
  const ephemeral = crypto.dhPrivate();
  const ephemeralKem = crypto.kemPrivate(suite);
  // I2
  transcript.mixKey(ephemeral.publicKey, ephemeralKem.publicKey);
  // I3
  const { sharedSecret: k1, ciphertext: ct1 } = peer.kemPublic.encapsulate();
  const es = ephemeral.agree(peer.dhPublic);
  const ss = self.dh.agree(peer.dhPublic);
  if (es === undefined || ss === undefined) {
    wipe(es, ss, k1);
    ephemeral.destroy();
    ephemeralKem.destroy();
    transcript.destroy();
    return 'bad-dh';
  }
  // I4
  const ct1x = wrap(crypto, es, ct1);
  // I5
  transcript.mixHash(ephemeral.publicKey, ephemeralKem.publicKey, ct1x);
  // I6
  const encId = transcript.sealAndMix(transcript.mixKeyAndKey(es, k1), own.id);
  // I7
  const binding = staticKemBinding(crypto, own.kem.publicKey, peer.kemPublic);
  const encTs = transcript.sealAndMix(transcript.mixKeyAndKey(ss, binding, presharedKey), timestamp);
  // I8
  const responseMacKey = new Secret(transcript.derive(responseMacLabel));
  wipe(es, ss, k1, ct1);

  const body = initiationBody[suite].write({
    unencryptedEphemeral: ephemeral.publicKey,
    unencryptedKemKey: ephemeralKem.publicKey,
    wrappedStaticCiphertext: ct1x,
    encryptedIdentity: encId,
    encryptedTimestamp: encTs,
  });
  const secretOfPair = Secret.copyOf(presharedKey);
  const state: AwaitingResponse = {
    kind: 'awaiting-response',
    suite,
    senderIndex,
    responseMacKey,
    transcript,
    ephemeral,
    ephemeralKem,
    presharedKey: secretOfPair,
    destroy() {
      transcript.destroy();
      ephemeral.destroy();
      ephemeralKem.destroy();
      responseMacKey.destroy();
      secretOfPair.destroy();
    },
  };
  return { body, state };
}

/**
 * R2–R8 from the initiator's side, then S1. `body` is a whole body2 whose every fragment had a valid mac1. On `Drop` the
 * state is unchanged; on success it is spent and the caller destroys it. Refuses with `bad-response`.
 */
export function consumeResponse(
  crypto: Suite,
  self: Identity,
  state: AwaitingResponse,
  responderIndex: SessionIndex,
  body: Uint8Array,
): SessionKeys | Drop {
  const { suite, ephemeral, ephemeralKem, senderIndex } = state;
  const fields = responseBody[suite].read(body);
  const ee = ephemeral.agree(fields.unencryptedEphemeral);
  // R3: se = DH(e_r, S_i), here from s_i; ct3 unwrapped with it
  const se = self.dh.agree(fields.unencryptedEphemeral);
  if (ee === undefined || se === undefined) {
    wipe(ee, se);
    return 'bad-response';
  }
  const transcript = state.transcript.fork();
  const ct3 = wrap(crypto, se, fields.wrappedStaticCiphertext);
  // R2: decapsulation never fails visibly; a bad ciphertext gives another key and dies at R8
  const k2 = ephemeralKem.decapsulate(fields.unencryptedKemCiphertext);
  const k3 = ownKeys(self, suite).kem.decapsulate(ct3);
  invariant(k2 !== undefined && k3 !== undefined, 'a KEM ciphertext cut by layout has another length');
  // R4
  transcript.mixKey(fields.unencryptedEphemeral, fields.unencryptedKemCiphertext);
  transcript.mixHash(
    hdr2(suite, responderIndex, senderIndex),
    fields.unencryptedEphemeral,
    fields.unencryptedKemCiphertext,
    fields.wrappedStaticCiphertext,
  );
  // R5
  transcript.mixKey(ee, k2);
  // R6
  transcript.mixKey(se, k3);
  wipe(ee, se, k2, k3, ct3);
  // R7
  const key = transcript.mixPresharedKey(state.presharedKey.borrow());
  // R8
  if (transcript.openAndMix(key, fields.encryptedNothing) === undefined) {
    transcript.destroy();
    return 'bad-response';
  }
  // S1
  return splitHybrid(transcript, 'initiator');
}

/** B = HASH(PK_i ‖ PK_r), seen from the initiator. */
function staticKemBinding(crypto: Suite, own: Uint8Array, peer: KemPublic): Uint8Array {
  return crypto.hash(own, peer.bytes);
}

/** Our KEM key and ID of a suite; the engine lets no hybrid peer in without a KEM seed. */
export function ownKeys(self: Identity, suite: SuiteId): OwnKeys {
  const own = self.own(suite);
  invariant(own !== undefined, 'a hybrid handshake without a KEM key of our own');
  return own;
}
