/** Datagrams of every length and type, and real messages cut short or drawn out: no throw, no answer, one drop each. */
import type { Drop } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { addressee, Forger, join, mac1Of, readLe32, tai64n } from '../kit/forger.ts';
import { newYear2026 } from '../kit/host.ts';
import { innerPacket } from '../kit/packets.ts';
import { Random } from '../kit/random.ts';
import { at, freshIdentity, Target, typesOf } from '../kit/target.ts';

const crypto = nodeSuite();
const forger = new Forger(crypto);
const here = at('192.0.2.1');
const there = at('198.51.100.1');
const packet = innerPacket('10.0.0.1', '10.0.0.2', 60);
const largest = 65_535;

/** A party in the middle of everything: connected to one peer, waiting for another's response, and with a classical peer. */
function busy() {
  const target = new Target(crypto);
  const connected = new Target(crypto);
  const silent = freshIdentity(crypto);
  target.addPeer(connected.identity, { allowed: '10.0.0.0/16' });
  target.addPeer(silent, { endpoint: at('203.0.113.1'), allowed: '10.1.0.0/16' });
  target.addPeer(freshIdentity(crypto), { classical: true, allowed: '10.2.0.0/16' });
  connected.addPeer(target.identity, { endpoint: there });
  const initiation = [...connected.send(packet).sent, ...connected.pass(0).sent].map(({ bytes }) => bytes);
  const response = target.deliverAll(here, initiation).sent.map(({ bytes }) => bytes);
  const first = connected.deliverAll(there, response).sent.map(({ bytes }) => bytes);
  expect(target.deliverAll(here, first).delivered).toHaveLength(1);
  const own = [...target.send(innerPacket('10.0.0.1', '10.1.0.2', 60)).sent, ...target.pass(0).sent].map(
    ({ bytes }) => bytes,
  );
  expect(own.map((bytes) => bytes[0])).toEqual([0x11, 0x11]);
  const mac1 = mac1Of(own[0] ?? new Uint8Array(40));
  const index = readLe32(own[0] ?? new Uint8Array(8), 4);
  const to = addressee(target.identity, 1);
  const messages: readonly (readonly [string, Uint8Array])[] = [
    ...forger
      .initiation({
        as: connected.identity,
        to,
        suite: 1,
        senderIndex: 7,
        timestamp: tai64n(newYear2026 / 1000 + 99),
      })
      .datagrams.map((bytes, i) => [`0x11 fragment ${i}`, bytes] as const),
    ...forger
      .response({ as: silent, to, suite: 1, initiation: own, senderIndex: 8 })
      .datagrams.map((bytes, i) => [`0x12 fragment ${i}`, bytes] as const),
    ['cookie reply', forger.cookieReply(addressee(silent, 1), 1, index, mac1, crypto.random(16))],
    ['transport', connected.send(packet).sent[0]?.bytes ?? new Uint8Array(0)],
    ['classical initiation', join(Uint8Array.of(1, 0, 0, 0), crypto.random(144))],
    ['classical response', join(Uint8Array.of(2, 0, 0, 0), crypto.random(88))],
  ];
  return { target, messages };
}

/** Delivers without looking at anything but what must not be: a throw, an answer, a packet. */
function quietly(target: Target, bytes: Uint8Array): boolean {
  target.tunnel.handleDatagram(target.now, here, undefined, bytes);
  return target.tunnel.poll() === undefined;
}

function total(target: Target): number {
  return Object.values(target.tunnel.engine.drops.snapshot()).reduce((sum, times) => sum + times, 0);
}

describe.each([0, 1, 2, 3, 4, 5, 0x10, 0x11, 0x12, 0x13, 0x80, 0xff])('type byte %i', (type) => {
  it.each([
    ['zeros', () => new Uint8Array(largest)],
    ['chance', () => new Random(type + 1).bytes(largest)],
  ])('every length from 0 to 65,535 of %s is dropped, changes nothing and is counted once', (_name, make) => {
    const { target } = busy();
    const bytes = make();
    bytes[0] = type;
    const state = target.state();
    const before = total(target);
    const loud: number[] = [];
    for (let length = 0; length <= largest; length++)
      if (!quietly(target, bytes.subarray(0, length))) loud.push(length);
    expect(loud).toEqual([]);
    expect(total(target) - before).toBe(largest + 1);
    expect(target.state()).toBe(state);
    expect(target.dropsOf('bad-length')).toBeGreaterThan(0);
  });
});

it('suite, count and index of a fragment in thousands of combinations, at lengths that some of them have', () => {
  const { target } = busy();
  const state = target.state();
  const before = total(target);
  let tried = 0;
  for (const type of [0x11, 0x12])
    for (const length of [40, 44, 437, 441, 1230, 1156, 1122, 1106]) {
      const bytes = new Uint8Array(length);
      bytes[0] = type;
      for (let suite = 0; suite < 256; suite += suite < 4 ? 1 : 21)
        for (let index = 0; index < 256; index += index < 8 ? 1 : 13)
          for (let count = 0; count < 256; count += count < 9 ? 1 : 13) {
            bytes[1] = suite;
            bytes[2] = index;
            bytes[3] = count;
            if (!quietly(target, bytes)) expect([...bytes.subarray(0, 4)]).toBe('silent');
            tried++;
          }
    }
  expect(total(target) - before).toBe(tried);
  expect(target.state()).toBe(state);
});

describe('real messages', () => {
  const names = busy().messages.map(([name]) => name);

  it.each(names)('%s: every truncation, with mac1 as it was and mac1 repaired', (name) => {
    const { target, messages } = busy();
    const genuine = messages.find(([other]) => other === name)?.[1] ?? new Uint8Array(0);
    const key = forger.mac1Key(addressee(target.identity, 1), 1);
    const state = target.state();
    const reasons = new Set<Drop>();
    for (let length = 0; length < genuine.length; length++) {
      const cut = genuine.slice(0, length);
      const endsInMacs = genuine[0] !== 4 && length >= 40;
      for (const bytes of endsInMacs ? [cut, forger.withMac1(key, cut)] : [cut]) {
        const { sent, delivered, drops } = target.deliver(here, bytes);
        const given = Object.keys(drops) as Drop[];
        if (sent.length + delivered.length > 0 || given.length !== 1)
          expect([length, sent, drops]).toBe('silence and one drop');
        for (const reason of given) reasons.add(reason);
      }
    }
    expect(target.state()).toBe(state);
    expect([...reasons].every((reason) => shapeDrops.has(reason))).toBe(true);
  });

  it.each(names)('%s: every extension up to 65,535 B, of zeros and of chance', (name) => {
    const { target, messages } = busy();
    const genuine = messages.find(([other]) => other === name)?.[1] ?? new Uint8Array(0);
    const state = target.state();
    const before = total(target);
    for (const filling of [new Uint8Array(largest), new Random(5).bytes(largest)]) {
      filling.set(genuine);
      // a transport record is opened to know that it is wrong: not all 65,000 of those
      const step = genuine[0] === 4 ? 97 : 1;
      for (let length = genuine.length + 1; length <= largest; length += step) {
        if (genuine[0] === 4) expect(quietly(target, filling.slice(0, length))).toBe(true);
        else if (!quietly(target, filling.subarray(0, length))) expect(length).toBe('silent');
      }
    }
    expect(total(target)).toBeGreaterThan(before + 1000);
    expect(target.state()).toBe(state);
  });

  it('all of them still do what they are for afterwards', () => {
    const { target, messages } = busy();
    const of = (name: string) =>
      messages.filter(([other]) => other.startsWith(name)).map(([, bytes]) => bytes);
    for (const [, bytes] of messages) target.deliver(here, bytes.slice(0, -1));
    expect(target.deliverAll(here, of('transport')).delivered).toEqual([packet]);
    expect(typesOf(target.deliverAll(here, of('0x11')))).toEqual([0x12, 0x12]);
    expect(typesOf(target.deliverAll(here, of('cookie')))).toEqual([0x11, 0x11]);
    expect(typesOf(target.deliverAll(here, of('0x12')))).toEqual([4]);
  });
});

/** What a wrong length may be called. */
const shapeDrops = new Set<Drop>(['bad-length', 'bad-geometry', 'bad-tag', 'suite-disabled', 'unknown-type']);
