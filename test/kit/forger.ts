/**
 * An attacker's pen: protocol.md §3 and §4 once more, flat, with every value replaceable, so that a test can send what no
 * honest party would. Built on the `Suite` primitives alone. It may hold the secrets of a party (an `Identity`): then what it
 * writes is genuine but for what was replaced.
 */
import type { Identity, Suite, SuiteId } from '@pqtun/core';

type Bytes = Uint8Array;

/** Whom a message is for, as everybody knows them; `gk` as the writer believes it. */
export interface Addressee {
  readonly dh: Bytes;
  readonly kem: Bytes;
  readonly gk?: Bytes;
}

export function addressee(identity: Identity, suite: SuiteId, gk?: Bytes): Addressee {
  const kem = identity.kem(suite)?.publicKey;
  if (kem === undefined) throw new Error('no KEM key');
  return { dh: identity.dh.publicKey, kem, ...(gk === undefined ? {} : { gk }) };
}

export interface InitiationForm {
  readonly as: Identity;
  readonly to: Addressee;
  readonly suite: SuiteId;
  readonly senderIndex: number;
  readonly timestamp: Bytes;
  readonly psk?: Bytes;
  readonly count?: number;
  /* replaced values */
  /** E_i; with it `es` (default zeros) is what the writer takes for the agreement. */
  readonly ephemeral?: Bytes;
  readonly es?: Bytes;
  readonly kemKey?: Bytes;
  readonly id?: Bytes;
  /** Changes ct1 (before wrapping), enc_id and enc_ts (after sealing). */
  readonly ct1?: (bytes: Bytes) => Bytes;
  readonly encId?: (bytes: Bytes) => Bytes;
  readonly encTs?: (bytes: Bytes) => Bytes;
}

export interface ForgedInitiation {
  readonly datagrams: Bytes[];
  readonly body: Bytes;
  /** Key of mac1 of the response. */
  readonly m2: Bytes;
}

export interface ResponseForm {
  readonly as: Identity;
  readonly to: Addressee;
  readonly suite: SuiteId;
  /** The initiation's datagrams, in any order. */
  readonly initiation: readonly Bytes[];
  readonly senderIndex: number;
  readonly psk?: Bytes;
  readonly count?: number;
  /* replaced values */
  readonly ephemeral?: Bytes;
  readonly ct2?: (bytes: Bytes) => Bytes;
  readonly ct3?: (bytes: Bytes) => Bytes;
  readonly enc0?: (bytes: Bytes) => Bytes;
  /** Changes the finished body. */
  readonly body?: (bytes: Bytes) => Bytes;
  readonly m2?: Bytes;
}

const sizes = {
  1: { ek: 1184, ct: 1088, body1: 2380, body2: 2224 },
  2: { ek: 1568, ct: 1568, body1: 3244, body2: 3184 },
} as const;
const leastCount = { 1: 2, 2: 3 } as const;
const zeros32 = new Uint8Array(32);

export class Forger {
  readonly #p: Suite;

  constructor(crypto: Suite) {
    this.#p = crypto;
  }

  /** §2 ID. */
  id(to: Addressee, suite: SuiteId): Bytes {
    return this.#p.hash(ascii('pqtun-id'), Uint8Array.of(suite), to.dh, to.kem);
  }

  /** §3.1: key of mac1 of everything sent to this party. */
  mac1Key(to: Addressee, suite: SuiteId): Bytes {
    return this.#p.hash(ascii('mac1----'), this.id(to, suite), to.gk ?? new Uint8Array(0));
  }

  /** Key under which this party seals cookies. */
  cookieKey(to: Addressee, suite: SuiteId): Bytes {
    return this.#p.hash(ascii('cookie--'), this.id(to, suite), to.gk ?? new Uint8Array(0));
  }

  /** Writes mac1 (and clears mac2) into a copy of a datagram that ends in both. */
  withMac1(key: Bytes, datagram: Bytes): Bytes {
    const at = datagram.length - 32;
    const copy = datagram.slice();
    copy.set(this.#p.mac(key, copy.subarray(0, at)), at);
    copy.fill(0, at + 16);
    return copy;
  }

  withMac2(cookie: Bytes, datagram: Bytes): Bytes {
    const at = datagram.length - 16;
    const copy = datagram.slice();
    copy.set(this.#p.mac(cookie, copy.subarray(0, at)), at);
    return copy;
  }

  /** The cookie in a reply (64 B) to a message with this mac1; throws when it does not open. */
  openCookie(to: Addressee, suite: SuiteId, reply: Bytes, mac1: Bytes): Bytes {
    const cookie = this.#p.xopen(this.cookieKey(to, suite), reply.slice(8, 32), mac1, reply.slice(32));
    if (cookie === undefined) throw new Error('a cookie reply did not open');
    return cookie;
  }

  /** The cookie reply that `to` would give. */
  cookieReply(to: Addressee, suite: SuiteId, receiverIndex: number, mac1: Bytes, cookie: Bytes): Bytes {
    const nonce = this.#p.random(24);
    const sealed = this.#p.xseal(this.cookieKey(to, suite), nonce, mac1, cookie);
    return join(Uint8Array.of(3, 0, 0, 0), le32(receiverIndex), nonce, sealed);
  }

  /** A body cut into datagrams of type 0x11, mac1 right. */
  cutInitiation(to: Addressee, suite: SuiteId, senderIndex: number, body: Bytes, count?: number): Bytes[] {
    const pieces = count ?? leastCount[suite];
    const key = this.mac1Key(to, suite);
    return cut(body, pieces).map((slice, index) =>
      this.withMac1(
        key,
        join(Uint8Array.of(0x11, suite, index, pieces), le32(senderIndex), slice, new Uint8Array(32)),
      ),
    );
  }

  /** A body cut into datagrams of type 0x12 under m2. */
  cutResponse(
    m2: Bytes,
    suite: SuiteId,
    senderIndex: number,
    receiverIndex: number,
    body: Bytes,
    count?: number,
  ): Bytes[] {
    const pieces = count ?? leastCount[suite];
    return cut(body, pieces).map((slice, index) =>
      this.withMac1(
        m2,
        join(
          Uint8Array.of(0x12, suite, index, pieces),
          le32(senderIndex),
          le32(receiverIndex),
          slice,
          new Uint8Array(32),
        ),
      ),
    );
  }

  initiation(form: InitiationForm): ForgedInitiation {
    const p = this.#p;
    const { as, to, suite } = form;
    const ephemeral = p.dhPrivate();
    const E = form.ephemeral ?? ephemeral.publicKey;
    const es = form.es ?? (form.ephemeral === undefined ? ephemeral.agree(to.dh) : zeros32) ?? zeros32;
    const ek = form.kemKey ?? p.kemPrivate(suite).publicKey;
    const static_ = p.kemPublic(suite, to.kem);
    if (static_ === undefined) throw new Error('an unusable KEM key');
    const { sharedSecret: k1, ciphertext } = static_.encapsulate();
    let C = p.hash(ascii(construction(suite)));
    let H = p.hash(C, ascii('pqtun v1'));
    H = p.hash(H, this.id(to, suite), Uint8Array.of(0x11, suite, 0, 0), le32(form.senderIndex));
    [C] = kdf(p, 1, C, E, ek);
    const ct1x = p.stream(kdf(p, 1, zeros32, es)[0], (form.ct1 ?? same)(ciphertext));
    H = p.hash(H, E, ek, ct1x);
    let k: Bytes;
    [C, k] = kdf(p, 2, C, es, k1);
    const own = addressee(as, suite);
    const encId = (form.encId ?? same)(p.seal(k, 0, H, form.id ?? this.id(own, suite)));
    H = p.hash(H, encId);
    const ss = as.dh.agree(to.dh) ?? zeros32;
    [C, k] = kdf(p, 2, C, ss, p.hash(own.kem, to.kem), form.psk ?? zeros32);
    const encTs = (form.encTs ?? same)(p.seal(k, 0, H, form.timestamp));
    const [m2] = kdf(p, 1, C, ascii('pqtun-m2'));
    const body = join(E, ek, ct1x, encId, encTs);
    return { body, m2, datagrams: this.cutInitiation(to, suite, form.senderIndex, body, form.count) };
  }

  /** A response to an initiation that was meant for `as`, and the m2 it is sealed by. */
  response(form: ResponseForm): { datagrams: Bytes[]; body: Bytes; m2: Bytes } {
    const p = this.#p;
    const { as, to, suite } = form;
    const { ek, ct } = sizes[suite];
    const sorted = [...form.initiation].sort((a, b) => (a[2] ?? 0) - (b[2] ?? 0));
    const initiatorIndex = readLe32(sorted[0] ?? new Uint8Array(8), 4);
    const body1 = join(...sorted.map((datagram) => datagram.slice(8, -32)));
    const E = body1.slice(0, 32);
    const ekI = body1.slice(32, 32 + ek);
    const ct1x = body1.slice(32 + ek, 32 + ek + ct);
    const encId = body1.slice(32 + ek + ct, 32 + ek + ct + 48);
    const encTs = body1.slice(32 + ek + ct + 48);
    const own = addressee(as, suite);
    const es = as.dh.agree(E) ?? zeros32;
    const k1 = as.kem(suite)?.decapsulate(p.stream(kdf(p, 1, zeros32, es)[0], ct1x)) ?? zeros32;
    let C = p.hash(ascii(construction(suite)));
    let H = p.hash(C, ascii('pqtun v1'));
    H = p.hash(H, this.id(own, suite), Uint8Array.of(0x11, suite, 0, 0), le32(initiatorIndex));
    [C] = kdf(p, 1, C, E, ekI);
    H = p.hash(H, E, ekI, ct1x);
    [C] = kdf(p, 2, C, es, k1);
    H = p.hash(H, encId);
    const ss = as.dh.agree(to.dh) ?? zeros32;
    [C] = kdf(p, 2, C, ss, p.hash(to.kem, own.kem), form.psk ?? zeros32);
    H = p.hash(H, encTs);
    const m2 = form.m2 ?? kdf(p, 1, C, ascii('pqtun-m2'))[0];

    const ephemeral = p.dhPrivate();
    const ER = form.ephemeral ?? ephemeral.publicKey;
    const toEphemeral = p.kemPublic(suite, ekI)?.encapsulate();
    const toStatic = p.kemPublic(suite, to.kem)?.encapsulate();
    if (toEphemeral === undefined || toStatic === undefined) throw new Error('an unusable KEM key');
    const lowOrder = form.ephemeral !== undefined;
    const se = (lowOrder ? undefined : ephemeral.agree(to.dh)) ?? zeros32;
    const ee = (lowOrder ? undefined : ephemeral.agree(E)) ?? zeros32;
    const ct2 = (form.ct2 ?? same)(toEphemeral.ciphertext);
    const ct3x = p.stream(kdf(p, 1, zeros32, se)[0], (form.ct3 ?? same)(toStatic.ciphertext));
    [C] = kdf(p, 1, C, ER, ct2);
    H = p.hash(
      H,
      Uint8Array.of(0x12, suite, 0, 0),
      le32(form.senderIndex),
      le32(initiatorIndex),
      ER,
      ct2,
      ct3x,
    );
    [C] = kdf(p, 1, C, ee, toEphemeral.sharedSecret);
    [C] = kdf(p, 1, C, se, toStatic.sharedSecret);
    const [, tau, k] = kdf(p, 3, C, form.psk ?? zeros32);
    H = p.hash(H, tau);
    const enc0 = (form.enc0 ?? same)(p.seal(k, 0, H, new Uint8Array(0)));
    const body = (form.body ?? same)(join(ER, ct2, ct3x, enc0));
    const datagrams = this.cutResponse(m2, suite, form.senderIndex, initiatorIndex, body, form.count);
    return { datagrams, body, m2 };
  }
}

/** A copy with bit `bit` (counted from bit 0 of byte 0) flipped. */
export function flipped(bytes: Bytes, bit: number): Bytes {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

/** The seven points of low order that Curve25519 has below 2^255, and how they may be written. All give an all-zero DH. */
export const lowOrderPoints: readonly Bytes[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].map((text) => new Uint8Array(Buffer.from(text, 'hex')));

/** mac1 of a datagram that ends in mac1 ‖ mac2. */
export const mac1Of = (datagram: Bytes): Bytes => datagram.slice(-32, -16);

export function join(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

export function le32(value: number): Bytes {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

export function readLe32(bytes: Bytes, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** TAI64N of whole seconds since 1970, nanoseconds zero. */
export function tai64n(seconds: number): Bytes {
  const bytes = new Uint8Array(12);
  new DataView(bytes.buffer).setBigUint64(0, 2n ** 62n + 10n + BigInt(seconds));
  return bytes;
}

function cut(body: Bytes, count: number): Bytes[] {
  const length = Math.ceil(body.length / count);
  return Array.from({ length: count }, (_, i) => body.slice(i * length, (i + 1) * length));
}

const construction = (suite: SuiteId): string =>
  `PqTun1_IKpsk2_25519+MLKEM${suite === 1 ? 768 : 1024}_ChaChaPoly_BLAKE2s`;
const ascii = (text: string): Bytes => new TextEncoder().encode(text);
const same = (bytes: Bytes): Bytes => bytes;

function kdf(p: Suite, outputs: 1 | 2 | 3, key: Bytes, ...input: Bytes[]): [Bytes, Bytes, Bytes] {
  const [a = zeros32, b = zeros32, c = zeros32] = p.kdf(key, outputs, ...input);
  return [a, b, c];
}
