/**
 * protocol.md §4 once more, flat and naive, written from the page alone, held against the real thing value by value.
 *
 * The real handshake runs over a suite that notes down all it returns. `twin` computes the same handshake from the secrets of
 * both parties and gives, label by label, every value of the step, each C and each H. `firstDeviation` names the first label
 * with a value the real run never had. Then one byte of each input of each step is changed in the twin, which must be
 * noticed in that very step.
 */
import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import type { DhPrivate, KemPrivate, KemPublic, Suite } from '../crypto/suite.ts';
import type { SuiteId } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { type HybridPeerKeys, Identity, peerKeys } from './identity.ts';
import { consumeResponse, createInitiation } from './initiator.ts';
import { authenticate, openInitiation, respond } from './responder.ts';
import type { SessionKeys } from './session-keys.ts';

type Bytes = Uint8Array;
type Make = (options: { random: (length: number) => Bytes }) => Suite;

const labels = [
  'begin',
  ...['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8'],
  ...['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8'],
  'S1',
] as const;
type Label = (typeof labels)[number];

const senderI = 0x80ff1703;
const senderR = 0x0a0b0c0d;
const timestamp = hex('400000006956800a 1f000000');

describe.each([
  ['node', nodeSuite as Make],
  ['noble', nobleSuite as Make],
])('with the %s back end', (_backend, make) => {
  describe.each([1, 2] as const)('suite %i', (suite) => {
    describe.each([
      ['without a pre-shared key', new Uint8Array(32)],
      ['with a pre-shared key', pattern(0x51, 32)],
    ])('%s', (_psk, presharedKey) => {
      const run = realRun(make, suite, presharedKey);
      const trace = twin(run.facts);

      it.each(labels)('%s: every value of the step is the naive twin’s', (label) => {
        const values = trace.steps.filter((step) => step.label === label);
        expect(values.length).toBeGreaterThan(0);
        for (const { name, value } of values) expect([name, run.seen.has(text(value))]).toEqual([name, true]);
      });

      it('S1: both bodies, both keys and the exporter agree on all three sides', () => {
        expect(text(run.body1)).toBe(text(trace.body1));
        expect(text(run.body2)).toBe(text(trace.body2));
        expect(text(run.responseMacKey)).toBe(text(trace.m2));
        const expected = [trace.tIr, trace.tRi, trace.exporter].map(text);
        expect(keysOf(run.initiator, 'send', 'receive')).toEqual(expected);
        expect(keysOf(run.responder, 'receive', 'send')).toEqual(expected);
        expect(text(run.claimedId)).toBe(text(trace.idI));
        expect(text(run.timestamp)).toBe(text(timestamp));
      });

      it.each(labels.flatMap((label) => trace.inputs.filter((input) => input.startsWith(`${label} `))))(
        '%s: one wrong byte there in the twin is noticed in this step',
        (input) => {
          const wrong = twin(run.facts, input);
          expect(firstDeviation(wrong.steps, run.seen)).toBe(input.split(' ')[0]);
          const made = [wrong.body1, wrong.body2, wrong.m2, wrong.tIr, wrong.tRi, wrong.exporter];
          const right = [trace.body1, trace.body2, trace.m2, trace.tIr, trace.tRi, trace.exporter];
          expect(made.map(text)).not.toEqual(right.map(text));
        },
      );
    });
  });
});

it('every label of §4 has an input that was made wrong', () => {
  const { facts } = realRun(nodeSuite as Make, 1, new Uint8Array(32));
  expect(new Set(twin(facts).inputs.map((input) => input.split(' ')[0]))).toEqual(new Set(labels));
});

/* the twin */

/** All that both parties and their chance know together. */
interface Facts {
  /** Primitives only. */
  readonly suite: Suite;
  readonly suiteByte: SuiteId;
  readonly initiator: { readonly dh: Bytes; readonly seed: Bytes };
  readonly responder: { readonly dh: Bytes; readonly seed: Bytes };
  readonly presharedKey: Bytes;
  /** Ephemeral secrets: e_i, d ‖ z of ek_i, e_r. */
  readonly ephemeralI: Bytes;
  readonly ephemeralSeed: Bytes;
  readonly ephemeralR: Bytes;
  /** What KEM.enc gave, in the order k1, k2, k3. A back end may take its chance from where we cannot see it. */
  readonly encapsulations: readonly { readonly sharedSecret: Bytes; readonly ciphertext: Bytes }[];
}

interface Trace {
  readonly steps: { readonly label: Label; readonly name: string; readonly value: Bytes }[];
  /** Names of all inputs that can be made wrong. */
  readonly inputs: string[];
  readonly body1: Bytes;
  readonly body2: Bytes;
  readonly m2: Bytes;
  readonly idI: Bytes;
  readonly tIr: Bytes;
  readonly tRi: Bytes;
  readonly exporter: Bytes;
}

/** protocol.md §4 from top to bottom. `wrong`: name of the input whose first byte is changed. */
function twin(facts: Facts, wrong?: string): Trace {
  const { suite: p, suiteByte, presharedKey: Q } = facts;
  const steps: Trace['steps'] = [];
  const inputs: string[] = [];
  let label: Label = 'begin';
  /** Lets an input through, one byte of it changed when it is the wrong one. */
  const use = (name: string, value: Bytes): Bytes => {
    const input = `${label} ${name}`;
    inputs.push(input);
    if (input !== wrong) return value;
    const changed = value.length === 0 ? Uint8Array.of(0) : value.slice();
    changed[0] = (changed[0] ?? 0) ^ 0x40; // a bit that clamping an X25519 secret leaves alone
    return changed;
  };
  const note = (name: string, value: Bytes): Bytes => {
    steps.push({ label, name, value });
    return value;
  };
  const HASH = (...x: Bytes[]): Bytes => p.hash(join(...x));
  const KDF = (n: 1 | 2 | 3, k: Bytes, ...x: Bytes[]): Bytes[] => p.kdf(k, n, join(...x));
  const STREAM = (k: Bytes, x: Bytes): Bytes => p.stream(k, x);
  const DH = (a: Bytes, B: Bytes): Bytes => some(p.dhPrivate(a).agree(B));

  // §2
  const SI = p.dhPrivate(facts.initiator.dh).publicKey;
  const SR = p.dhPrivate(facts.responder.dh).publicKey;
  const PKI = p.kemPrivate(suiteByte, facts.initiator.seed).publicKey;
  const PKR = p.kemPrivate(suiteByte, facts.responder.seed).publicKey;
  const IDI = HASH(ascii('pqtun-id'), Uint8Array.of(suiteByte), SI, PKI);
  const IDR = HASH(ascii('pqtun-id'), Uint8Array.of(suiteByte), SR, PKR);
  const hdr1 = join(Uint8Array.of(0x11, suiteByte, 0, 0), le32(senderI));
  const hdr2 = join(Uint8Array.of(0x12, suiteByte, 0, 0), le32(senderR), le32(senderI));
  const B = HASH(PKI, PKR);
  const [enc1, enc2, enc3] = facts.encapsulations;

  // both
  const CONSTRUCTION =
    suiteByte === 1
      ? 'PqTun1_IKpsk2_25519+MLKEM768_ChaChaPoly_BLAKE2s'
      : 'PqTun1_IKpsk2_25519+MLKEM1024_ChaChaPoly_BLAKE2s';
  let C = note('C', HASH(use('CONSTRUCTION', ascii(CONSTRUCTION))));
  let H = note('H', HASH(C, use('IDENTIFIER', ascii('pqtun v1'))));
  H = note('H', HASH(H, use('ID_r', IDR), use('hdr1', hdr1)));

  label = 'I1';
  const EI = note('E_i', p.dhPrivate(use('e_i', facts.ephemeralI)).publicKey);
  const ekI = note('ek_i', p.kemPrivate(suiteByte, use('dk_i', facts.ephemeralSeed)).publicKey);
  label = 'I2';
  C = note('C', some(KDF(1, C, use('E_i', EI), use('ek_i', ekI))[0]));
  label = 'I3';
  const k1 = note('k1', use('k1', some(enc1).sharedSecret));
  const ct1 = note('ct1', use('ct1', some(enc1).ciphertext));
  const es = note('es', use('es', DH(facts.ephemeralI, SR)));
  label = 'I4';
  const wrap1 = note('key', some(KDF(1, use('zero', new Uint8Array(32)), use('es', es))[0]));
  const ct1x = note('ct1x', STREAM(wrap1, use('ct1', ct1)));
  label = 'I5';
  H = note('H', HASH(H, use('E_i', EI), use('ek_i', ekI), use('ct1x', ct1x)));
  label = 'I6';
  let [c, k] = pair(KDF(2, C, use('es', es), use('k1', k1)));
  C = note('C', c);
  const encId = note('enc_id', p.seal(note('k', k), 0, use('ad', H), use('ID_i', IDI)));
  H = note('H', HASH(H, use('enc_id', encId)));
  label = 'I7';
  const ss = note('ss', use('ss', DH(facts.initiator.dh, SR)));
  [c, k] = pair(KDF(2, C, ss, note('B', use('B', B)), use('Q', Q)));
  C = note('C', c);
  const encTs = note('enc_ts', p.seal(note('k', k), 0, use('ad', H), use('TS', timestamp)));
  H = note('H', HASH(H, use('enc_ts', encTs)));
  label = 'I8';
  const m2 = note('m2', some(KDF(1, C, use('label', ascii('pqtun-m2')))[0]));

  label = 'R1';
  const ER = note('E_r', p.dhPrivate(use('e_r', facts.ephemeralR)).publicKey);
  label = 'R2';
  const k2 = note('k2', use('k2', some(enc2).sharedSecret));
  const ct2 = note('ct2', use('ct2', some(enc2).ciphertext));
  const k3 = note('k3', use('k3', some(enc3).sharedSecret));
  const ct3 = note('ct3', use('ct3', some(enc3).ciphertext));
  label = 'R3';
  const se = note('se', use('se', DH(facts.ephemeralR, SI)));
  const wrap3 = note('key', some(KDF(1, use('zero', new Uint8Array(32)), se)[0]));
  const ct3x = note('ct3x', STREAM(wrap3, use('ct3', ct3)));
  label = 'R4';
  C = note('C', some(KDF(1, C, use('E_r', ER), use('ct2', ct2))[0]));
  H = note('H', HASH(H, use('hdr2', hdr2), use('E_r in H', ER), use('ct2 in H', ct2), use('ct3x', ct3x)));
  label = 'R5';
  const ee = note('ee', use('ee', DH(facts.ephemeralR, EI)));
  C = note('C', some(KDF(1, C, ee, use('k2', k2))[0]));
  label = 'R6';
  C = note('C', some(KDF(1, C, use('se', se), use('k3', k3))[0]));
  label = 'R7';
  const [c7, tau, k7] = triple(KDF(3, C, use('Q', Q)));
  C = note('C', c7);
  H = note('H', HASH(H, use('tau', note('tau', tau))));
  label = 'R8';
  const enc0 = note('enc_0', p.seal(note('k', k7), 0, use('ad', H), use('empty', new Uint8Array(0))));
  H = note('H', HASH(H, use('enc_0', enc0)));
  label = 'S1';
  const [tIr, tRi, exporter] = triple(KDF(3, use('C', C), use('H', H)));
  note('T_ir', tIr);
  note('T_ri', tRi);
  note('X', exporter);
  return {
    steps,
    inputs,
    body1: join(EI, ekI, ct1x, encId, encTs),
    body2: join(ER, ct2, ct3x, enc0),
    m2,
    idI: IDI,
    tIr,
    tRi,
    exporter,
  };
}

function firstDeviation(steps: Trace['steps'], seen: ReadonlySet<string>): Label | undefined {
  return steps.find(({ value }) => !seen.has(text(value)))?.label;
}

/* the real thing */

/** One whole handshake by the functions under test, over a suite that keeps all it gave out. */
function realRun(make: Make, suiteByte: SuiteId, presharedKey: Bytes) {
  const seen = new Set<string>();
  const drawn: Bytes[] = [];
  const encapsulations: { sharedSecret: Bytes; ciphertext: Bytes }[] = [];
  let draw = 0;
  const random = (length: number): Bytes => {
    const value = pattern(++draw * 37, length);
    drawn.push(value.slice());
    return value;
  };
  const plain = make({ random });
  const suite = watched(plain, seen, encapsulations);
  const initiator = { dh: pattern(0xa1, 32), seed: pattern(0xa2, 64) };
  const responder = { dh: pattern(0xb1, 32), seed: pattern(0xb2, 64) };
  const identityI = new Identity(suite, Secret.copyOf(initiator.dh), Secret.copyOf(initiator.seed));
  const identityR = new Identity(suite, Secret.copyOf(responder.dh), Secret.copyOf(responder.seed));
  const peerR = hybrid(suite, identityI, identityR, suiteByte);
  const peerI = hybrid(suite, identityR, identityI, suiteByte);

  drawn.length = 0;
  const made = done(
    createInitiation({
      crypto: suite,
      self: identityI,
      peer: peerR,
      presharedKey,
      senderIndex: sessionIndex(senderI),
      timestamp,
    }),
  );
  const ephemeralI = some(drawn.find(({ length }) => length === 32));
  const ephemeralSeed = some(drawn.find(({ length }) => length === 64));
  const claim = done(openInitiation(suite, identityR, suiteByte, sessionIndex(senderI), made.body));
  const claimedId = claim.claimedId.slice();
  const initiation = done(authenticate(suite, identityR, claim, peerI, presharedKey));
  drawn.length = 0;
  const response = done(respond(suite, initiation, presharedKey, sessionIndex(senderR)));
  const ephemeralR = some(drawn.find(({ length }) => length === 32));
  const responseMacKey = made.state.responseMacKey.borrow().slice();
  expect(response.macKey.borrow()).toEqual(responseMacKey);
  const keys = done(consumeResponse(suite, identityI, made.state, sessionIndex(senderR), response.body));
  const facts: Facts = {
    suite: make({ random: () => new Uint8Array(0) }),
    suiteByte,
    initiator,
    responder,
    presharedKey,
    ephemeralI,
    ephemeralSeed,
    ephemeralR,
    encapsulations,
  };
  return {
    facts,
    seen,
    body1: made.body,
    body2: response.body,
    responseMacKey,
    claimedId,
    timestamp: initiation.timestamp,
    initiator: keys,
    responder: response.keys,
  };
}

/** `plain`, noting every value it returns before anybody can wipe it. */
function watched(
  plain: Suite,
  seen: Set<string>,
  encapsulations: { sharedSecret: Bytes; ciphertext: Bytes }[],
): Suite {
  const note = <T extends Bytes | undefined>(value: T): T => {
    if (value !== undefined) seen.add(text(value));
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
      const made = key.encapsulate();
      encapsulations.push({ sharedSecret: made.sharedSecret.slice(), ciphertext: made.ciphertext.slice() });
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
    kemPublic(suite, bytes) {
      const key = plain.kemPublic(suite, bytes);
      return key && kemPublic(key);
    },
  };
}

function hybrid(suite: Suite, self: Identity, other: Identity, suiteByte: SuiteId): HybridPeerKeys {
  const keys = peerKeys(suite, self, other.dh.publicKey, some(other.kem(suiteByte)).publicKey);
  if (keys.kind !== 'hybrid') throw new Error('not hybrid');
  return keys;
}

/** T_ir, T_ri and X as one side has them. */
function keysOf(
  keys: SessionKeys,
  toResponder: 'send' | 'receive',
  toInitiator: 'send' | 'receive',
): string[] {
  return [keys[toResponder], keys[toInitiator], some(keys.exporter)].map((key) => text(key.borrow()));
}

/* bytes */

function join(...parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts));
}

function ascii(value: string): Bytes {
  return new TextEncoder().encode(value);
}

function le32(value: number): Bytes {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24);
}

function hex(value: string): Bytes {
  return new Uint8Array(Buffer.from(value.replaceAll(' ', ''), 'hex'));
}

function text(value: Bytes): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('hex');
}

/** `length` bytes that differ from those of any other start. */
function pattern(start: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, i) => (start + i * 7 + (i >> 5) * 3 + (start >> 8)) & 0xff);
}

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}

function done<T>(result: T | string): T {
  if (typeof result === 'string') throw new Error(result);
  return result;
}

function pair(values: readonly Bytes[]): [Bytes, Bytes] {
  return [some(values[0]), some(values[1])];
}

function triple(values: readonly Bytes[]): [Bytes, Bytes, Bytes] {
  return [some(values[0]), some(values[1]), some(values[2])];
}
