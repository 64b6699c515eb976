/**
 * test/vectors/pqtun-v1.json as types, and both roles run on one of its handshakes over a suite that notes down all it
 * returns. For pqtun-v1.test.ts.
 */
import { readFileSync } from 'node:fs';
import { Secret } from '../crypto/secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from '../crypto/suite.ts';
import type { SuiteId } from '../limits.ts';
import { endpoint, sessionIndex } from '../types.ts';
import { hdr1, hdr2 } from '../wire/fragment.ts';
import { initiationBody, responseBody } from '../wire/messages.ts';
import { type HybridPeerKeys, Identity, peerKeys } from './identity.ts';
import { consumeResponse, createInitiation } from './initiator.ts';
import { authenticate, openInitiation, respond } from './responder.ts';
import type { SessionKeys } from './session-keys.ts';

export type Bytes = Uint8Array;
export type Make = (options: { random: (length: number) => Bytes }) => Suite;
type Encapsulation = ReturnType<KemPublic['encapsulate']>;

interface PartyVector {
  readonly privateKey: string;
  readonly kemSeed: string;
  readonly publicKey: string;
  readonly kemPublicKey: string;
  readonly id: string;
}
export interface HandshakeVector {
  readonly name: string;
  readonly suite: SuiteId;
  readonly initiator: PartyVector;
  readonly responder: PartyVector;
  readonly psk: string;
  readonly deploymentKey: string;
  readonly chance: Readonly<
    Record<'e_i' | 'kemSeed_i' | 'm_k1' | 'ts' | 'e_r' | 'm_k2' | 'm_k3', string> &
      Record<'senderI' | 'senderR', number>
  >;
  readonly steps: readonly { readonly step: string; readonly name: string; readonly value: string }[];
  readonly body1: string;
  readonly body2: string;
  readonly initiationKey: string;
  readonly mac1Key: string;
  readonly cookieKey: string;
  readonly datagrams: readonly {
    readonly largestDatagram: number;
    readonly initiation: readonly string[];
    readonly response: readonly string[];
  }[];
  readonly cookies: readonly {
    readonly source: string;
    readonly sourceBytes: string;
    readonly secret: string;
    readonly cookie: string;
    readonly nonce: string;
    readonly reply: string;
    readonly initiation: readonly string[];
  }[];
  readonly records: readonly {
    readonly from: 'initiator' | 'responder';
    readonly what: string;
    readonly counter: string;
    readonly mtu: number;
    readonly payload: string;
    readonly padded: number;
    readonly datagram: string;
  }[];
}
interface Vectors {
  readonly protocol: string;
  readonly licence: string;
  readonly generator: string;
  readonly handshakes: readonly HandshakeVector[];
  readonly timestamps: readonly {
    readonly seconds: number;
    readonly nanoseconds: number;
    readonly ts: string;
  }[];
  readonly nextTimestamps: readonly {
    readonly lastSent: string;
    readonly seconds: number;
    readonly nanoseconds: number;
    readonly ts: string;
  }[];
  readonly geometry: readonly {
    readonly suite: SuiteId;
    readonly mInitiator: number;
    readonly mResponder: number;
    readonly initiation: readonly number[];
    readonly response: readonly number[];
  }[];
}

const file = new URL('../../../../test/vectors/pqtun-v1.json', import.meta.url);
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors; // a file of another shape makes its cases fail

/** What the other side made, and we only find in its message: label, name and field. */
const received = {
  responder: {
    'I1 E_i': 'unencryptedEphemeral',
    'I1 ek_i': 'unencryptedKemKey',
    'I4 ct1x': 'wrappedStaticCiphertext',
    'I6 enc_id': 'encryptedIdentity',
    'I7 enc_ts': 'encryptedTimestamp',
  },
  initiator: {
    'R1 E_r': 'unencryptedEphemeral',
    'R2 ct2': 'unencryptedKemCiphertext',
    'R3 ct3x': 'wrappedStaticCiphertext',
    'R8 enc_0': 'encryptedNothing',
  },
} as const;

/* the two roles */

/** All that a suite returned, and what was received, against the values of the file. */
class Seen {
  readonly values = new Set<string>();
  readonly #received = new Map<string, string>();

  receive(names: Readonly<Record<string, string>>, fields: object): void {
    for (const [what, field] of Object.entries(names)) {
      this.#received.set(what, hex(some(new Map<string, Bytes>(Object.entries(fields)).get(field))));
    }
  }

  note(what: string, value: Bytes): void {
    this.#received.set(what, hex(value));
  }

  has(what: string, value: string): boolean {
    return this.#received.has(what) ? this.#received.get(what) === value : this.values.has(value);
  }
}

export function runInitiator(make: Make, vector: HandshakeVector, given: boolean) {
  const { chance, suite } = vector;
  const seen = headers(vector);
  const crypto = watched(
    make({ random: scripted(chance.e_i, chance.kemSeed_i, chance.m_k1) }),
    seen,
    given ? [encapsulation(vector, 'I3 k1', 'I3 ct1')] : undefined,
  );
  const self = identityOf(crypto, vector.initiator);
  const { body, state } = done(
    createInitiation({
      crypto,
      self,
      peer: hybrid(crypto, self, vector.responder),
      presharedKey: bytes(vector.psk),
      senderIndex: sessionIndex(chance.senderI),
      timestamp: bytes(chance.ts),
    }),
  );
  const m2 = state.responseMacKey.borrow().slice();
  const response = bytes(vector.body2);
  seen.receive(received.initiator, responseBody[suite].read(response));
  const keys = done(consumeResponse(crypto, self, state, sessionIndex(chance.senderR), response));
  return { body, m2, keys, has: seen.has.bind(seen) };
}

export function runResponder(make: Make, vector: HandshakeVector, given: boolean) {
  const { chance, suite } = vector;
  const seen = headers(vector);
  const crypto = watched(
    make({ random: scripted(chance.e_r, chance.m_k2, chance.m_k3) }),
    seen,
    given ? [encapsulation(vector, 'R2 k2', 'R2 ct2'), encapsulation(vector, 'R2 k3', 'R2 ct3')] : undefined,
  );
  const self = identityOf(crypto, vector.responder);
  const initiation = bytes(vector.body1);
  seen.receive(received.responder, initiationBody[suite].read(initiation));
  const claim = done(openInitiation(crypto, self, suite, sessionIndex(chance.senderI), initiation));
  const claimedId = claim.claimedId.slice();
  const psk = bytes(vector.psk);
  const authentic = done(authenticate(crypto, self, claim, hybrid(crypto, self, vector.initiator), psk));
  const timestamp = authentic.timestamp.slice();
  const { body, macKey, keys } = done(respond(crypto, authentic, psk, sessionIndex(chance.senderR)));
  return { claimedId, timestamp, body, m2: macKey.borrow().slice(), keys, has: seen.has.bind(seen) };
}

/** hdr1 and hdr2 come from no suite. */
function headers({ suite, chance }: HandshakeVector): Seen {
  const seen = new Seen();
  const [senderI, senderR] = [sessionIndex(chance.senderI), sessionIndex(chance.senderR)];
  seen.note('start hdr1', hdr1(suite, senderI));
  seen.note('R4 hdr2', hdr2(suite, senderR, senderI));
  return seen;
}

/** `plain`, noting what it returns before anybody wipes it; `given` stands for the encapsulations to come, in order. */
function watched(plain: Suite, seen: Seen, given: readonly Encapsulation[] | undefined): Suite {
  const left = [...(given ?? [])];
  const note = <T extends Bytes | undefined>(value: T): T => {
    if (value !== undefined) seen.values.add(hex(value));
    return value;
  };
  const dh = (key: DhPrivate): DhPrivate => ({
    publicKey: note(key.publicKey),
    agree: (peer) => note(key.agree(peer)),
    destroy: () => key.destroy(),
  });
  const kem = (key: KemPrivate): KemPrivate => ({
    suite: key.suite,
    publicKey: note(key.publicKey),
    decapsulate: (ciphertext) => note(key.decapsulate(ciphertext)),
    destroy: () => key.destroy(),
  });
  const kemPublic = (key: KemPublic): KemPublic => ({
    suite: key.suite,
    bytes: key.bytes,
    encapsulate() {
      const made = given === undefined ? key.encapsulate() : some(left.shift());
      note(made.sharedSecret);
      note(made.ciphertext);
      return made;
    },
  });
  return {
    name: plain.name,
    random: (length) => plain.random(length),
    hash: (...parts) => note(plain.hash(...parts)),
    mac: (key, ...parts) => note(plain.mac(key, ...parts)),
    kdf: (key, outputs, ...input) => plain.kdf(key, outputs, ...input).map(note),
    seal: (key, counter, ad, plaintext) => note(plain.seal(key, counter, ad, plaintext)),
    open: (key, counter, ad, sealed) => plain.open(key, counter, ad, sealed),
    xseal: (key, nonce, ad, plaintext) => plain.xseal(key, nonce, ad, plaintext),
    xopen: (key, nonce, ad, sealed) => plain.xopen(key, nonce, ad, sealed),
    stream: (key, data) => note(plain.stream(key, data)),
    equal: (a, b) => plain.equal(a, b),
    recordKey: (key) => plain.recordKey(key),
    dhPrivate: (secret) => dh(plain.dhPrivate(secret)),
    kemPrivate: (suite, seed) => kem(plain.kemPrivate(suite, seed)),
    kemPublic(suite, publicKey) {
      const key = plain.kemPublic(suite, publicKey);
      return key && kemPublic(key);
    },
  };
}

function encapsulation(vector: HandshakeVector, secret: string, ciphertext: string): Encapsulation {
  return {
    sharedSecret: bytes(stepValue(vector, secret)),
    ciphertext: bytes(stepValue(vector, ciphertext)),
  };
}

/** A source of randomness that gives these values once each, the first of the length asked for. */
export function scripted(...values: readonly string[]): (length: number) => Bytes {
  const left = values.map(bytes);
  return (length) => {
    const at = left.findIndex((value) => value.length === length);
    const [value] = at < 0 ? [] : left.splice(at, 1);
    return some(value);
  };
}

/* small parts */

export function identityOf(crypto: Suite, party: PartyVector): Identity {
  return new Identity(crypto, new Secret(bytes(party.privateKey)), new Secret(bytes(party.kemSeed)));
}

function hybrid(crypto: Suite, self: Identity, party: PartyVector): HybridPeerKeys {
  const keys = peerKeys(crypto, self, bytes(party.publicKey), bytes(party.kemPublicKey));
  if (keys.kind !== 'hybrid') throw new Error('not hybrid');
  return keys;
}

/** T_ir, T_ri and X as one side has them. */
export function keysOf(
  keys: SessionKeys,
  toResponder: 'send' | 'receive',
  toInitiator: 'send' | 'receive',
): string[] {
  return [keys[toResponder], keys[toInitiator], some(keys.exporter)].map((key) => hex(key.borrow()));
}

/** The value of a step that has it once. */
export function stepValue({ steps }: HandshakeVector, what: string): string {
  return some(steps.find(({ step, name }) => `${step} ${name}` === what)).value;
}

/** `192.0.2.1:51820` or `[2001:db8::1]:443`; a mapped address as `endpoint` has it. */
export function parseSource(source: string): { ip: Bytes; port: number } {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(source) ?? [];
  const dotted = /(\d+\.){3}\d+/.exec(host)?.[0];
  if (dotted !== undefined) {
    const v4 = Uint8Array.from(dotted.split('.'), Number);
    if (!host.startsWith('[')) return { ip: v4, port: Number(port) };
    const mapped = new Uint8Array(16);
    mapped.set([0xff, 0xff], 10);
    mapped.set(v4, 12);
    return { ip: endpoint(mapped, Number(port)).ip, port: Number(port) };
  }
  const [head = '', tail = ''] = host.slice(1, -1).split('::');
  const words = (text: string) =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const all = [
    ...words(head),
    ...new Array<number>(8 - words(head).length - words(tail).length).fill(0),
    ...words(tail),
  ];
  return { ip: Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff])), port: Number(port) };
}

export function bytes(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function hex(value: Bytes): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
}

export function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}

function done<T>(result: T | string): T {
  if (typeof result === 'string') throw new Error(result);
  return result;
}
