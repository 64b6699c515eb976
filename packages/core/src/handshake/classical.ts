/**
 * WireGuard's handshake (Noise IKpsk2), for peers configured `classical` only. Steps carry the names of the Noise tokens,
 * as in the WireGuard paper §5.4. protocol.md §3: types 1 and 2 bit for bit.
 */
import { classicalConstruction, classicalIdentifier } from '../crypto/labels.ts';
import { Secret, wipe } from '../crypto/secret.ts';
import type { DhPrivate, Suite } from '../crypto/suite.ts';
import type { Drop } from '../drop.ts';
import { macSize } from '../limits.ts';
import type { SessionIndex } from '../types.ts';
import type { ClassicalInitiation, ClassicalResponse } from '../wire/classify.ts';
import { classicalInitiation, classicalResponse } from '../wire/messages.ts';
import type { ClassicalPeerKeys, Identity } from './identity.ts';
import { type SessionKeys, splitClassical } from './session-keys.ts';
import { Transcript } from './transcript.ts';

const noMac = new Uint8Array(macSize);

export interface ClassicalAwaitingResponse {
  readonly kind: 'classical-awaiting-response';
  readonly senderIndex: SessionIndex;
  readonly transcript: Transcript;
  readonly ephemeral: DhPrivate;
  readonly presharedKey: Secret;
  destroy(): void;
}

/** The 148 B initiation with both macs zero, the caller's, and the state that awaits its response. Refuses with `bad-dh`. */
export function createClassicalInitiation(
  crypto: Suite,
  self: Identity,
  peer: ClassicalPeerKeys,
  presharedKey: Uint8Array,
  senderIndex: SessionIndex,
  timestamp: Uint8Array,
): { message: Uint8Array; state: ClassicalAwaitingResponse } | Drop {
  const transcript = begin(crypto, peer.dhPublic);
  const ephemeral = crypto.dhPrivate();
  const es = ephemeral.agree(peer.dhPublic);
  const ss = self.dh.agree(peer.dhPublic);
  if (es === undefined || ss === undefined) {
    wipe(es, ss);
    ephemeral.destroy();
    transcript.destroy();
    return 'bad-dh';
  }
  // e
  transcript.mixKey(ephemeral.publicKey);
  transcript.mixHash(ephemeral.publicKey);
  // es, s
  const encryptedStatic = transcript.sealAndMix(transcript.mixKeyAndKey(es), self.dh.publicKey);
  // ss, payload
  const encryptedTimestamp = transcript.sealAndMix(transcript.mixKeyAndKey(ss), timestamp);
  wipe(es, ss);
  const message = classicalInitiation.write({
    senderIndex,
    unencryptedEphemeral: ephemeral.publicKey,
    encryptedStatic,
    encryptedTimestamp,
    mac1: noMac,
    mac2: noMac,
  });
  const psk = Secret.copyOf(presharedKey);
  const destroy = (): void => {
    transcript.destroy();
    ephemeral.destroy();
    psk.destroy();
  };
  return {
    message,
    state: {
      kind: 'classical-awaiting-response',
      senderIndex,
      transcript,
      ephemeral,
      presharedKey: psk,
      destroy,
    },
  };
}

/** Opens a response; on `Drop` (`bad-response`) the state is unchanged. */
export function consumeClassicalResponse(
  self: Identity,
  state: ClassicalAwaitingResponse,
  message: ClassicalResponse,
): SessionKeys | Drop {
  const ephemeral = message.unencryptedEphemeral;
  const ee = state.ephemeral.agree(ephemeral);
  const se = self.dh.agree(ephemeral);
  if (ee === undefined || se === undefined) {
    wipe(ee, se);
    return 'bad-response';
  }
  const transcript = state.transcript.fork();
  const key = mixResponse(transcript, ephemeral, ee, se, state.presharedKey.borrow());
  wipe(ee, se);
  if (transcript.openAndMix(key, message.encryptedNothing) === undefined) {
    transcript.destroy();
    return 'bad-response';
  }
  return splitClassical(transcript, 'initiator');
}

/** Who claims to ask: static key opened, not yet shown to be the sender's. */
export interface ClassicalClaim {
  readonly kind: 'classical-claim';
  /** X25519 public key, 32 B. */
  readonly claimedKey: Uint8Array;
  readonly transcript: Transcript;
  readonly message: ClassicalInitiation;
  destroy(): void;
}

/** e, es, s. Refuses with `bad-dh` or `bad-identity`. */
export function openClassicalInitiation(
  crypto: Suite,
  self: Identity,
  message: ClassicalInitiation,
): ClassicalClaim | Drop {
  const es = self.dh.agree(message.unencryptedEphemeral);
  if (es === undefined) return 'bad-dh';
  const transcript = begin(crypto, self.dh.publicKey);
  transcript.mixKey(message.unencryptedEphemeral);
  transcript.mixHash(message.unencryptedEphemeral);
  const claimedKey = transcript.openAndMix(transcript.mixKeyAndKey(es), message.encryptedStatic);
  wipe(es);
  if (claimedKey === undefined) {
    transcript.destroy();
    return 'bad-identity';
  }
  return { kind: 'classical-claim', claimedKey, transcript, message, destroy: () => transcript.destroy() };
}

/** ss, payload: the timestamp (12 B), or `bad-dh` / `bad-timestamp`, which end the claim. */
export function authenticateClassical(self: Identity, claim: ClassicalClaim): Uint8Array | Drop {
  const ss = self.dh.agree(claim.claimedKey);
  if (ss === undefined) {
    claim.destroy();
    return 'bad-dh';
  }
  const timestamp = claim.transcript.openAndMix(
    claim.transcript.mixKeyAndKey(ss),
    claim.message.encryptedTimestamp,
  );
  wipe(ss);
  if (timestamp === undefined) {
    claim.destroy();
    return 'bad-timestamp';
  }
  return timestamp;
}

/** The 92 B response with both macs zero, and the session's keys. Ends the claim either way. Refuses with `bad-dh`. */
export function respondClassical(
  crypto: Suite,
  claim: ClassicalClaim,
  presharedKey: Uint8Array,
  responderIndex: SessionIndex,
): { message: Uint8Array; keys: SessionKeys } | Drop {
  const ephemeral = crypto.dhPrivate();
  const ee = ephemeral.agree(claim.message.unencryptedEphemeral);
  const se = ephemeral.agree(claim.claimedKey);
  ephemeral.destroy();
  if (ee === undefined || se === undefined) {
    wipe(ee, se);
    claim.destroy();
    return 'bad-dh';
  }
  const { transcript } = claim;
  const key = mixResponse(transcript, ephemeral.publicKey, ee, se, presharedKey);
  wipe(ee, se);
  const encryptedNothing = transcript.sealAndMix(key, new Uint8Array(0));
  const message = classicalResponse.write({
    senderIndex: responderIndex,
    receiverIndex: claim.message.senderIndex,
    unencryptedEphemeral: ephemeral.publicKey,
    encryptedNothing,
    mac1: noMac,
    mac2: noMac,
  });
  return { message, keys: splitClassical(transcript, 'responder') };
}

function begin(crypto: Suite, responderKey: Uint8Array): Transcript {
  const transcript = Transcript.begin(crypto, classicalConstruction, classicalIdentifier);
  transcript.mixHash(responderKey);
  return transcript;
}

/** e, ee, se, psk of the response; the returned key seals or opens "nothing". */
function mixResponse(
  transcript: Transcript,
  ephemeral: Uint8Array,
  ee: Uint8Array,
  se: Uint8Array,
  presharedKey: Uint8Array,
): Uint8Array {
  transcript.mixKey(ephemeral);
  transcript.mixHash(ephemeral);
  transcript.mixKey(ee);
  transcript.mixKey(se);
  return transcript.mixPresharedKey(presharedKey);
}
