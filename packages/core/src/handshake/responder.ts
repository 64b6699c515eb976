/**
 * The responder's half of the hybrid handshake. protocol.md §4, in the order of §5.1 C2: what costs least and says most
 * first. Each step returns a new state or a `Drop`; nothing here changes a peer.
 *
 * openInitiation (who claims to ask) → authenticate (knows the static secret; when) → respond (session keys).
 */
import { construction, identifier, responseMacLabel } from '../crypto/labels.ts';
import { Secret, wipe } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import type { Drop } from '../drop.ts';
import { invariant } from '../errors.ts';
import type { SuiteId } from '../limits.ts';
import type { SessionIndex } from '../types.ts';
import { hdr1, hdr2 } from '../wire/fragment.ts';
import { initiationBody, responseBody } from '../wire/messages.ts';
import type { HybridPeerKeys, Identity } from './identity.ts';
import { ownKeys } from './initiator.ts';
import { type SessionKeys, splitHybrid } from './session-keys.ts';
import { Transcript, wrap } from './transcript.ts';

/** Whoever made the initiation claims to be `claimedId`; only `authenticate` shows that it knows that party's secret. */
export interface Claim {
  readonly kind: 'claim';
  readonly suite: SuiteId;
  readonly initiatorIndex: SessionIndex;
  /** ID_i, 32 B: encrypted to us, but anyone who knows our public keys can write one. */
  readonly claimedId: Uint8Array;
  readonly body: Uint8Array;
  readonly transcript: Transcript;
  destroy(): void;
}

/** An initiation of a known peer, authenticated classically (§8); its timestamp is the peer's own. */
export interface AuthenticatedInitiation {
  readonly kind: 'authenticated-initiation';
  readonly suite: SuiteId;
  readonly initiatorIndex: SessionIndex;
  readonly peer: HybridPeerKeys;
  /** TS, 12 B. */
  readonly timestamp: Uint8Array;
  readonly body: Uint8Array;
  readonly transcript: Transcript;
  destroy(): void;
}

export interface Response {
  /** body2: 2224 B or 3184 B, the caller's. */
  readonly body: Uint8Array;
  /** m2, for mac1 of its fragments; the caller destroys it after use. */
  readonly macKey: Secret;
  readonly keys: SessionKeys;
}

/** I2–I6 from the responder's side: DH, decapsulation, `enc_id`. `body` is a whole body1; the claim keeps a view of it. */
export function openInitiation(
  crypto: Suite,
  self: Identity,
  suite: SuiteId,
  initiatorIndex: SessionIndex,
  body: Uint8Array,
): Claim | Drop {
  const own = ownKeys(self, suite);
  const fields = initiationBody[suite].read(body);
  // I3: es = DH(e_i, S_r), here from s_r
  const es = self.dh.agree(fields.unencryptedEphemeral);
  if (es === undefined) return 'bad-dh';
  const transcript = Transcript.begin(crypto, construction[suite], identifier);
  transcript.mixHash(own.id, hdr1(suite, initiatorIndex));
  // I2
  transcript.mixKey(fields.unencryptedEphemeral, fields.unencryptedKemKey);
  // I4
  const ct1 = wrap(crypto, es, fields.wrappedStaticCiphertext);
  const k1 = own.kem.decapsulate(ct1);
  invariant(k1 !== undefined, 'a KEM ciphertext cut by layout has another length');
  // I5
  transcript.mixHash(fields.unencryptedEphemeral, fields.unencryptedKemKey, fields.wrappedStaticCiphertext);
  // I6
  const claimedId = transcript.openAndMix(transcript.mixKeyAndKey(es, k1), fields.encryptedIdentity);
  wipe(es, k1, ct1);
  if (claimedId === undefined) {
    transcript.destroy();
    return 'bad-identity';
  }
  return {
    kind: 'claim',
    suite,
    initiatorIndex,
    claimedId,
    body,
    transcript,
    destroy: () => transcript.destroy(),
  };
}

/** I7: `enc_ts` under the static-static secret. `peer` is the one of `claim.claimedId`. Ends the claim either way. */
export function authenticate(
  crypto: Suite,
  self: Identity,
  claim: Claim,
  peer: HybridPeerKeys,
  presharedKey: Uint8Array,
): AuthenticatedInitiation | Drop {
  const { suite, initiatorIndex, body, transcript } = claim;
  const ss = self.dh.agree(peer.dhPublic);
  if (ss === undefined) {
    claim.destroy();
    return 'bad-dh';
  }
  const binding = crypto.hash(peer.kemPublic.bytes, ownKeys(self, suite).kem.publicKey);
  const key = transcript.mixKeyAndKey(ss, binding, presharedKey);
  wipe(ss);
  const timestamp = transcript.openAndMix(key, initiationBody[suite].read(body).encryptedTimestamp);
  if (timestamp === undefined) {
    claim.destroy();
    return 'bad-timestamp';
  }
  return {
    kind: 'authenticated-initiation',
    suite,
    initiatorIndex,
    peer,
    timestamp,
    body,
    transcript,
    destroy: () => transcript.destroy(),
  };
}

/** I8, R1–R8, S1. Refuses with `bad-kem-key` (ek_i fails the modulus check) or `bad-dh`. Ends the initiation either way. */
export function respond(
  crypto: Suite,
  initiation: AuthenticatedInitiation,
  presharedKey: Uint8Array,
  responderIndex: SessionIndex,
): Response | Drop {
  const { suite, initiatorIndex, peer, transcript } = initiation;
  const fields = initiationBody[suite].read(initiation.body);
  const ephemeralKem = crypto.kemPublic(suite, fields.unencryptedKemKey);
  if (ephemeralKem === undefined) {
    initiation.destroy();
    return 'bad-kem-key';
  }
  // R1
  const ephemeral = crypto.dhPrivate();
  const ee = ephemeral.agree(fields.unencryptedEphemeral);
  // R3: se = DH(e_r, S_i)
  const se = ephemeral.agree(peer.dhPublic);
  ephemeral.destroy();
  if (ee === undefined || se === undefined) {
    wipe(ee, se);
    initiation.destroy();
    return 'bad-dh';
  }
  // I8
  const macKey = new Secret(transcript.derive(responseMacLabel));
  // R2
  const { sharedSecret: k2, ciphertext: ct2 } = ephemeralKem.encapsulate();
  const { sharedSecret: k3, ciphertext: ct3 } = peer.kemPublic.encapsulate();
  // R3
  const ct3x = wrap(crypto, se, ct3);
  // R4
  transcript.mixKey(ephemeral.publicKey, ct2);
  transcript.mixHash(hdr2(suite, responderIndex, initiatorIndex), ephemeral.publicKey, ct2, ct3x);
  // R5
  transcript.mixKey(ee, k2);
  // R6
  transcript.mixKey(se, k3);
  wipe(ee, se, k2, k3, ct3);
  // R7
  const key = transcript.mixPresharedKey(presharedKey);
  // R8
  const encNothing = transcript.sealAndMix(key, new Uint8Array(0));
  const body = responseBody[suite].write({
    unencryptedEphemeral: ephemeral.publicKey,
    unencryptedKemCiphertext: ct2,
    wrappedStaticCiphertext: ct3x,
    encryptedNothing: encNothing,
  });
  // S1
  return { body, macKey, keys: splitHybrid(transcript, 'responder') };
}
