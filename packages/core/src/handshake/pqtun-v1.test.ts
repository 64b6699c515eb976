/**
 * Answers of the second implementation, step by step: test/vectors/pqtun-v1.json, described in pqtun-v1.md beside it. Every
 * field of the file is used here. What goes over a whole tunnel is in test/vectors/pqtun-v1.test.ts.
 *
 * Both roles run over a suite that notes down all it returns, and each value of each step must be among it. node:crypto
 * settles the chance of its encapsulations itself, so they are handed to it; noble makes them from m as well.
 */
import { describe, expect, it } from 'vitest';
import type { Backend } from '../crypto/backend.ts';
import { nobleBackend, nobleSuite } from '../crypto/noble.ts';
import { nodeBackend, nodeSuite } from '../crypto/node.ts';
import type { Suite } from '../crypto/suite.ts';
import { PacketBuffer } from '../plane/packet-buffer.ts';
import { openRecord, paddedLength, sealRecord } from '../plane/record.ts';
import { endpoint, instant, type SessionIndex, sessionIndex, unixMillis } from '../types.ts';
import { classify } from '../wire/classify.ts';
import {
  cutInitiation,
  cutResponse,
  hdr1,
  initiationCount,
  Reassembly,
  responseCount,
} from '../wire/fragment.ts';
import {
  cookieReply,
  initiationBody,
  macsOf,
  responseBody,
  setMac1,
  setMac2,
  transportHeader,
} from '../wire/messages.ts';
import { CookieIssuer, macKeys } from './cookie.ts';
import { idOf } from './identity.ts';
import {
  type Bytes,
  bytes,
  type HandshakeVector,
  hex,
  identityOf,
  keysOf,
  type Make,
  parseSource,
  runInitiator,
  runResponder,
  scripted,
  some,
  stepValue,
  vectors,
} from './pqtun-v1.test.kit.ts';
import { nextTimestamp, TimestampClock, timestampOf } from './timestamp.ts';

/** protocol.md §4 in its order: what each step makes. */
const schedule = {
  start: ['C', 'H0', 'hdr1', 'H'],
  I1: ['E_i', 'ek_i'],
  I2: ['C'],
  I3: ['k1', 'ct1', 'es'],
  I4: ['ct1x'],
  I5: ['H'],
  I6: ['C', 'k', 'enc_id', 'H'],
  I7: ['ss', 'B', 'C', 'k', 'enc_ts', 'H'],
  I8: ['m2'],
  R1: ['E_r'],
  R2: ['k2', 'ct2', 'k3', 'ct3'],
  R3: ['se', 'ct3x'],
  R4: ['hdr2', 'C', 'H'],
  R5: ['ee', 'C'],
  R6: ['C'],
  R7: ['C', 'tau', 'k', 'H'],
  R8: ['enc_0', 'H'],
  S1: ['T_ir', 'T_ri', 'X'],
};
const labels = Object.keys(schedule);

it('the file is of this protocol, and knows each value of §4 in each handshake, in order', () => {
  expect(vectors.protocol).toBe('pqtun v1');
  expect(vectors.licence).toBe('Apache-2.0');
  expect(vectors.generator).toBe('interop/pqtun-go, command vectors');
  expect(vectors.handshakes).toHaveLength(8);
  const everything = Object.entries(schedule).flatMap(([step, names]) =>
    names.map((name) => `${step} ${name}`),
  );
  for (const { steps } of vectors.handshakes) {
    expect(steps.map(({ step, name }) => `${step} ${name}`)).toEqual(everything);
  }
});

it('names say what a handshake is made of, and what a record carries', () => {
  const kinds = { '4': 'IPv4', '6': 'IPv6', '01': 'probe', '02': 'answer', '03': 'path probe' };
  for (const { name, suite, psk, deploymentKey, records } of vectors.handshakes) {
    const parts = [`suite ${suite}`];
    if (!/^0+$/.test(psk)) parts.push('psk');
    if (deploymentKey !== '') parts.push('deployment key');
    expect(name).toBe(parts.join(', '));
    for (const { from, what, payload } of records) {
      expect(['initiator', 'responder']).toContain(from);
      const kind = Object.entries(kinds).find(([start]) => payload.startsWith(start))?.[1] ?? 'keepalive';
      expect(what.startsWith(kind)).toBe(true);
    }
  }
});

describe.each([
  ['node, its encapsulations given', nodeSuite as Make, nodeBackend, true],
  ['noble, its encapsulations given', nobleSuite as Make, nobleBackend, true],
  ['noble, with its own chance given', nobleSuite as Make, nobleBackend, false],
])('%s', (_way, make, backend, given) => {
  describe.each(vectors.handshakes)('$name', (vector) => {
    const plain = make({ random: scripted() });
    const initiator = identityOf(plain, vector.initiator);
    const responder = identityOf(plain, vector.responder);

    it('§2: keys and IDs of both parties', () => {
      for (const [identity, party] of [
        [initiator, vector.initiator],
        [responder, vector.responder],
      ] as const) {
        expect(hex(identity.dh.publicKey)).toBe(party.publicKey);
        expect(hex(some(identity.kem(vector.suite)).publicKey)).toBe(party.kemPublicKey);
        expect(hex(some(identity.id(vector.suite)))).toBe(party.id);
        const id = idOf(plain, vector.suite, bytes(party.publicKey), bytes(party.kemPublicKey));
        expect(hex(id)).toBe(party.id);
      }
    });

    const asInitiator = runInitiator(make, vector, given);
    const asResponder = runResponder(make, vector, given);

    it.each(labels)('%s: every value of the step, in both roles', (label) => {
      const steps = vector.steps.filter(({ step }) => step === label);
      expect(steps.length).toBeGreaterThan(0);
      for (const { name, value } of steps) {
        const what = `${label} ${name}`;
        expect([what, 'initiator', asInitiator.has(what, value)]).toEqual([what, 'initiator', true]);
        expect([what, 'responder', asResponder.has(what, value)]).toEqual([what, 'responder', true]);
      }
    });

    it('§3.2: both bodies', () => {
      expect(hex(asInitiator.body)).toBe(vector.body1);
      expect(hex(asResponder.body)).toBe(vector.body2);
    });

    it('I6, I7: who asks, and when', () => {
      expect(hex(asResponder.claimedId)).toBe(vector.initiator.id);
      expect(hex(asResponder.timestamp)).toBe(vector.chance.ts);
    });

    it('I8: m2 on both sides', () => {
      expect([hex(asInitiator.m2), hex(asResponder.m2)]).toEqual([
        stepValue(vector, 'I8 m2'),
        stepValue(vector, 'I8 m2'),
      ]);
    });

    it('S1: T_ir, T_ri and X on both sides', () => {
      const expected = ['S1 T_ir', 'S1 T_ri', 'S1 X'].map((what) => stepValue(vector, what));
      expect(keysOf(asInitiator.keys, 'send', 'receive')).toEqual(expected);
      expect(keysOf(asResponder.keys, 'receive', 'send')).toEqual(expected);
    });

    it('C3: the key of the initiation', () => {
      const senderI = sessionIndex(vector.chance.senderI);
      expect(hex(plain.hash(hdr1(vector.suite, senderI), bytes(vector.body1)))).toBe(vector.initiationKey);
    });

    const macs = macKeys(plain, bytes(vector.responder.id), bytes(vector.deploymentKey));

    it('§3.1, §3.3: keys of mac1 and of the cookie', () => {
      expect([hex(macs.mac1), hex(macs.cookie)]).toEqual([vector.mac1Key, vector.cookieKey]);
    });

    it.each(vector.datagrams)('§3.1: fragments for M = $largestDatagram, cut and joined', (set) => {
      const made = cutAll(plain, vector, set.largestDatagram, macs.mac1);
      expect(made.initiation.map(hex)).toEqual(set.initiation);
      expect(made.response.map(hex)).toEqual(set.response);
      expect(hex(joined(set.initiation.map(bytes), vector))).toBe(vector.body1);
      expect(hex(joined(set.response.map(bytes), vector))).toBe(vector.body2);
    });

    it.each(vector.cookies)('§3.3: the cookie of $source, and mac2 with it', (cookie) => {
      const first = bytes(
        some(vector.datagrams.find(({ largestDatagram }) => largestDatagram === 1232)?.initiation[0]),
      );
      const { ip, port } = parseSource(cookie.source);
      expect(hex(ip) + port.toString(16).padStart(4, '0')).toBe(cookie.sourceBytes);
      expect(hex(plain.mac(bytes(cookie.secret), bytes(cookie.sourceBytes)))).toBe(cookie.cookie);
      const issuer = new CookieIssuer(make({ random: scripted(cookie.secret, cookie.nonce) }), instant(0));
      const from = endpoint(ip, port);
      const reply = issuer.reply(
        instant(0),
        macs,
        from,
        macsOf(first).mac1,
        sessionIndex(vector.chance.senderI),
      );
      expect(hex(reply)).toBe(cookie.reply);
      const fields = cookieReply.read(bytes(cookie.reply));
      expect(hex(fields.nonce)).toBe(cookie.nonce);
      const opened = plain.xopen(macs.cookie, fields.nonce, macsOf(first).mac1, fields.encryptedCookie);
      expect(hex(some(opened))).toBe(cookie.cookie);
      for (const text of cookie.initiation) {
        const { mac1, mac2, mac2Input } = macsOf(bytes(text));
        expect(issuer.verifies(instant(0), from, mac2Input, mac2)).toBe(true);
        const again = bytes(text);
        setMac2(again, new Uint8Array(16));
        setMac2(again, plain.mac(bytes(cookie.cookie), macsOf(again).mac2Input));
        expect(hex(again)).toBe(text);
        expect(hex(mac1)).not.toBe(hex(mac2));
      }
    });

    it.each(vector.records)('§3.4: record of the $from, counter $counter: $what', (record) => {
      checkRecord(plain, backend, vector, record);
    });
  });
});

describe('§1 TS', () => {
  it.each(vectors.timestamps)('of $seconds s and $nanoseconds ns', ({ seconds, nanoseconds, ts }) => {
    // A double of milliseconds since 1970 does not hold single nanoseconds: seconds and nanoseconds are looked at apart
    const whole = timestampOf(unixMillis(seconds * 1000));
    const part = timestampOf(unixMillis(nanoseconds / 1e6));
    expect(hex(whole.subarray(0, 8)) + hex(part.subarray(8))).toBe(ts);
  });

  it.each(vectors.nextTimestamps)('C6: after $lastSent, at $seconds s and $nanoseconds ns', (vector) => {
    const { lastSent, seconds, nanoseconds, ts } = vector;
    const clock = new TimestampClock(
      bytes(lastSent),
      () => true,
      () => undefined,
    );
    expect(hex(clock.next(unixMillis(seconds * 1000 + nanoseconds / 1e6)))).toBe(ts);
    expect(hex(nextTimestamp(bytes(lastSent))) <= ts).toBe(true);
  });
});

it.each(vectors.geometry)('§3.1: suite $suite, M = $mInitiator against M = $mResponder', (vector) => {
  const { suite, mInitiator, mResponder } = vector;
  const index = sessionIndex(1);
  const count = initiationCount(suite, mInitiator);
  const initiation = cutInitiation({
    suite,
    senderIndex: index,
    body: new Uint8Array(initiationBody[suite].size),
    count,
  }).map(({ length }) => length);
  const response = cutResponse({
    suite,
    senderIndex: index,
    receiverIndex: index,
    body: new Uint8Array(responseBody[suite].size),
    count: responseCount(suite, mResponder, Math.max(...initiation), count),
  }).map(({ length }) => length);
  expect({ initiation, response }).toEqual({ initiation: vector.initiation, response: vector.response });
});

/* datagrams and records */

function cutAll(crypto: Suite, vector: HandshakeVector, largest: number, mac1Key: Bytes) {
  const { suite, chance } = vector;
  const [senderI, senderR] = [sessionIndex(chance.senderI), sessionIndex(chance.senderR)];
  const count = initiationCount(suite, largest);
  const initiation = cutInitiation({ suite, senderIndex: senderI, body: bytes(vector.body1), count });
  const received = Math.max(...initiation.map(({ length }) => length));
  const response = cutResponse({
    suite,
    senderIndex: senderR,
    receiverIndex: senderI,
    body: bytes(vector.body2),
    count: responseCount(suite, largest, received, count),
  });
  for (const datagram of initiation) setMac1(datagram, crypto.mac(mac1Key, macsOf(datagram).mac1Input));
  const m2 = bytes(stepValue(vector, 'I8 m2'));
  for (const datagram of response) setMac1(datagram, crypto.mac(m2, macsOf(datagram).mac1Input));
  return { initiation, response };
}

/** The body of fragments as `classify` reads them; also checks what else they say. */
function joined(datagrams: readonly Bytes[], { suite, chance }: HandshakeVector): Bytes {
  let body: Reassembly | undefined;
  for (const datagram of datagrams) {
    const message = classify(datagram);
    if (typeof message === 'string') throw new Error(message);
    if (message.kind !== 'initiation-fragment' && message.kind !== 'response-fragment')
      throw new Error(message.kind);
    const isResponse = message.kind === 'response-fragment';
    expect(message.suite).toBe(suite);
    expect(message.senderIndex).toBe(isResponse ? chance.senderR : chance.senderI);
    if (isResponse) expect(message.receiverIndex).toBe(chance.senderI);
    body ??= isResponse
      ? Reassembly.response(suite, message.count)
      : Reassembly.initiation(suite, message.count);
    body.add(message.index, message.slice);
  }
  return some(body).body;
}

/** Opens and seals one record; above 2^53, where our plane refuses to count, with the bare AEAD. */
function checkRecord(
  crypto: Suite,
  backend: Backend,
  vector: HandshakeVector,
  record: HandshakeVector['records'][number],
): void {
  const fromInitiator = record.from === 'initiator';
  const key = bytes(stepValue(vector, fromInitiator ? 'S1 T_ir' : 'S1 T_ri'));
  const receiver: SessionIndex = sessionIndex(fromInitiator ? vector.chance.senderR : vector.chance.senderI);
  const payload = bytes(record.payload);
  // Control payloads are whole before they are sealed: padding is for inner packets
  const isControl = payload.length > 0 && some(payload[0]) < 0x10;
  expect(
    isControl ? payload.length : paddedLength(payload.length, record.mtu, Number.POSITIVE_INFINITY),
  ).toBe(record.padded);
  const padded = new Uint8Array(record.padded);
  padded.set(payload);
  const counter = BigInt(record.counter);
  const datagram = bytes(record.datagram);
  if (counter > BigInt(Number.MAX_SAFE_INTEGER)) {
    expect(classify(datagram)).toBe('counter-limit'); // above our own REJECT_AFTER_MESSAGES
    const header = datagram.slice(0, transportHeader.size);
    const view = new DataView(header.buffer);
    expect([view.getUint32(4, true), view.getBigUint64(8, true)]).toEqual([receiver, counter]);
    const nonce = new Uint8Array(12);
    nonce.set(header.subarray(8), 4);
    const opened = new Uint8Array(record.padded);
    const sealed = datagram.subarray(transportHeader.size);
    expect(backend.aead(key).open(nonce, new Uint8Array(0), sealed, opened)).toBe(true);
    expect(hex(opened)).toBe(hex(padded));
    const again = new Uint8Array(sealed.length);
    backend.aead(key).seal(nonce, new Uint8Array(0), padded, again);
    expect(hex(again)).toBe(hex(sealed));
    return;
  }
  const made = sealRecord(
    crypto.recordKey(key),
    receiver,
    Number(counter),
    PacketBuffer.copyOf(payload),
    record.padded,
  );
  expect(hex(made)).toBe(record.datagram);
  const fields = transportHeader.read(datagram);
  expect([fields.receiverIndex, fields.counter]).toEqual([receiver, Number(counter)]);
  expect(hex(some(openRecord(crypto.recordKey(key), Number(counter), datagram)))).toBe(hex(padded));
}
