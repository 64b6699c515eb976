/**
 * Every message of protocol.md §3, declared once; `classify.ts` tells them apart. Field names say what protects a field:
 * unencrypted, wrapped (STREAM under a DH result), encrypted (AEAD). No other file holds a byte offset of ours.
 */
import type { Drop } from '../drop.ts';
import { invariant } from '../errors.ts';
import {
  dhSize,
  hashSize,
  macSize,
  minProbeLength,
  paddingUnit,
  type SuiteId,
  suites,
  tagSize,
  timestampSize,
  xNonceSize,
} from '../limits.ts';
import { type SessionIndex, sessionIndex } from '../types.ts';
import {
  bytes,
  type Field,
  fixed,
  layout,
  readU32le,
  u8,
  u16le,
  u32le,
  u64le,
  type ValuesOf,
  writeU32le,
  writeU64le,
  zeros,
} from './layout.ts';

/** Byte 0 of a datagram. §3. */
export const messageType = {
  classicalInitiation: 0x01,
  classicalResponse: 0x02,
  cookieReply: 0x03,
  transport: 0x04,
  initiationFragment: 0x11,
  responseFragment: 0x12,
} as const;

const index: Field<SessionIndex> = {
  size: u32le.size,
  read: (from, at) => sessionIndex(readU32le(from, at)),
  write: (into, at, value) => u32le.write(into, at, value),
};

/* §3.1 fragments: header ‖ slice ‖ mac1 ‖ mac2 */

export const initiationFragmentHeader = layout({
  type: fixed(messageType.initiationFragment),
  suite: u8,
  index: u8,
  count: u8,
  senderIndex: index,
});
export const responseFragmentHeader = layout({
  type: fixed(messageType.responseFragment),
  suite: u8,
  index: u8,
  count: u8,
  senderIndex: index,
  receiverIndex: index,
});
/** The end of every fragment and of every classical handshake message. */
export const macTrailer = layout({ mac1: bytes(macSize), mac2: bytes(macSize) });

export const initiationFragmentOverhead = initiationFragmentHeader.size + macTrailer.size;
export const responseFragmentOverhead = responseFragmentHeader.size + macTrailer.size;

/* §3.2 bodies */

const initiationBodyOf = (suite: SuiteId) =>
  layout({
    /** `E_i`: X25519 ephemeral. */
    unencryptedEphemeral: bytes(dhSize),
    /** `ek_i`: KEM ephemeral key. */
    unencryptedKemKey: bytes(suites[suite].kemPublicSize),
    /** `ct1x`: ciphertext to the responder's static KEM key. */
    wrappedStaticCiphertext: bytes(suites[suite].kemCiphertextSize),
    /** `enc_id`: AEAD(ID_i). */
    encryptedIdentity: bytes(hashSize + tagSize),
    /** `enc_ts`: AEAD(TS). */
    encryptedTimestamp: bytes(timestampSize + tagSize),
  });

const responseBodyOf = (suite: SuiteId) =>
  layout({
    /** `E_r`: X25519 ephemeral. */
    unencryptedEphemeral: bytes(dhSize),
    /** `ct2`: ciphertext to `ek_i`. */
    unencryptedKemCiphertext: bytes(suites[suite].kemCiphertextSize),
    /** `ct3x`: ciphertext to the initiator's static KEM key. */
    wrappedStaticCiphertext: bytes(suites[suite].kemCiphertextSize),
    /** `enc_0`: AEAD(empty). */
    encryptedNothing: bytes(tagSize),
  });

/** body1 by suite: 2380 B, 3244 B. */
export const initiationBody: Readonly<Record<SuiteId, ReturnType<typeof initiationBodyOf>>> = {
  1: initiationBodyOf(1),
  2: initiationBodyOf(2),
};
/** body2 by suite: 2224 B, 3184 B. */
export const responseBody: Readonly<Record<SuiteId, ReturnType<typeof responseBodyOf>>> = {
  1: responseBodyOf(1),
  2: responseBodyOf(2),
};

/* §3.3 cookie reply, 64 B */

export const cookieReply = layout({
  type: fixed(messageType.cookieReply),
  reserved: zeros(3),
  receiverIndex: index,
  nonce: bytes(xNonceSize),
  /** XAEAD(cookie). */
  encryptedCookie: bytes(macSize + tagSize),
});

/* §3.4 transport: header 16 B ‖ AEAD(payload) */

export const transportHeader = layout({
  type: fixed(messageType.transport),
  reserved: zeros(3),
  receiverIndex: index,
  counter: u64le,
});
/** Bytes a transport datagram has besides its padded payload: 32. */
export const transportOverhead = transportHeader.size + tagSize;

/** Writes the 16 B header at `at`; the hot twin of `transportHeader.write`. `counter` is a safe integer. */
export function writeTransportHeader(
  into: Uint8Array,
  at: number,
  receiver: SessionIndex,
  counter: number,
): void {
  writeU32le(into, at, messageType.transport); // the type byte and three zeros
  writeU32le(into, at + transportHeader.offset.receiverIndex, receiver);
  writeU64le(into, at + transportHeader.offset.counter, counter);
}

/* §3.5 inner control messages: what stands in a decrypted payload */

export const controlKind = { probe: 0x01, answer: 0x02, pathProbe: 0x03 } as const;

/** The 16 B that begin a probe (0x01) or path probe (0x03); zeros up to the size probed follow. */
export const probeHead = layout({ kind: u8, token: bytes(8), padding: zeros(minProbeLength - 9) });
/** Answer to either, 16 B. `length` is the payload length of the probe as received. */
export const probeAnswer = layout({
  kind: fixed(controlKind.answer),
  token: bytes(8),
  length: u16le,
  padding: zeros(minProbeLength - 11),
});

/* classical peers: WireGuard's own, bit for bit */

export const classicalInitiation = layout({
  type: fixed(messageType.classicalInitiation),
  reserved: zeros(3),
  senderIndex: index,
  unencryptedEphemeral: bytes(dhSize),
  encryptedStatic: bytes(dhSize + tagSize),
  encryptedTimestamp: bytes(timestampSize + tagSize),
  mac1: bytes(macSize),
  mac2: bytes(macSize),
});
export const classicalResponse = layout({
  type: fixed(messageType.classicalResponse),
  reserved: zeros(3),
  senderIndex: index,
  receiverIndex: index,
  unencryptedEphemeral: bytes(dhSize),
  encryptedNothing: bytes(tagSize),
  mac1: bytes(macSize),
  mac2: bytes(macSize),
});

/* The macs at the end of a datagram. */

/** mac1, mac2 and what each is computed over. Of any datagram that ends in the two macs. */
export interface Macs extends ValuesOf<typeof macTrailer> {
  /** All bytes before mac1. */
  readonly mac1Input: Uint8Array;
  /** All bytes before mac2. */
  readonly mac2Input: Uint8Array;
}

/** The macs of a datagram that ends in them (at least 32 B), and the bytes each covers; views. §3.1. */
export function macsOf(datagram: Uint8Array): Macs {
  const at = datagram.length - macTrailer.size;
  return {
    ...macTrailer.read(datagram, at),
    mac1Input: datagram.subarray(0, at + macTrailer.offset.mac1),
    mac2Input: datagram.subarray(0, at + macTrailer.offset.mac2),
  };
}

/** Puts mac1 (16 B) into a datagram that ends in mac1 ‖ mac2. */
export function setMac1(datagram: Uint8Array, mac1: Uint8Array): void {
  invariant(mac1.length === macSize, 'mac1 has another length');
  datagram.set(mac1, datagram.length - macTrailer.size + macTrailer.offset.mac1);
}

/** Puts mac2 (16 B) into a datagram that ends in mac1 ‖ mac2. Call after `setMac1`: mac2 covers it. */
export function setMac2(datagram: Uint8Array, mac2: Uint8Array): void {
  invariant(mac2.length === macSize, 'mac2 has another length');
  datagram.set(mac2, datagram.length - macTrailer.size + macTrailer.offset.mac2);
}

/* Control payloads, read and written. */

/** One control message of §3.5; `length` of a probe is that of its whole payload. Tokens are views into the payload. */
export type Control =
  | { readonly kind: 'probe' | 'path-probe'; readonly token: Uint8Array; readonly length: number }
  | { readonly kind: 'answer'; readonly token: Uint8Array; readonly length: number };

/** Reads a control payload (first byte 0x00 … 0x0f, already authenticated). Unknown or ill-formed: `unknown-control`. */
export function parseControl(payload: Uint8Array): Control | Drop {
  const wellFormedProbe = payload.length >= minProbeLength && payload.length % paddingUnit === 0;
  switch (payload[0]) {
    case controlKind.probe:
    case controlKind.pathProbe:
      if (!wellFormedProbe) return 'unknown-control';
      return {
        kind: payload[0] === controlKind.probe ? 'probe' : 'path-probe',
        token: probeHead.read(payload).token,
        length: payload.length,
      };
    case controlKind.answer:
      if (payload.length !== probeAnswer.size) return 'unknown-control';
      return { kind: 'answer', ...probeAnswer.read(payload) };
    default:
      return 'unknown-control';
  }
}

/** A probe or path probe whose whole payload is `length` B: a multiple of 16, at least 16. `token` is 8 B. §3.5. */
export function writeProbe(
  kind: 'probe' | 'path-probe',
  token: Uint8Array,
  length: number = minProbeLength,
): Uint8Array {
  invariant(length >= minProbeLength && length % paddingUnit === 0, 'a probe was to have an illegal length');
  const byte = kind === 'probe' ? controlKind.probe : controlKind.pathProbe;
  return probeHead.write({ kind: byte, token }, new Uint8Array(length));
}
