import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { Secret } from '../crypto/secret.ts';
import { macKeys } from '../handshake/cookie.ts';
import { Identity } from '../handshake/identity.ts';
import { defaultPolicy } from '../policy.ts';
import { type Endpoint, endpoint, instant, sessionIndex } from '../types.ts';
import { cookieReply, type Macs, macsOf, setMac1, setMac2 } from '../wire/messages.ts';
import { type Admission, Gate } from './gate.ts';

const crypto = nobleSuite();
const identity = new Identity(
  crypto,
  new Secret(new Uint8Array(32).fill(3)),
  new Secret(new Uint8Array(64).fill(4)),
);
const none = new Uint8Array(0);
const gk = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const id = identity.id(1) ?? none;
const here = endpoint(Uint8Array.of(192, 0, 2, 1), 1000);
const host = (n: number): Endpoint => endpoint(Uint8Array.of(10, 0, n >> 8, n & 255), 1000);

function gate(keys: readonly Uint8Array[] = [none], suites: readonly (1 | 2)[] = [1, 2]): Gate {
  const made = new Gate(instant(0), crypto, defaultPolicy, identity);
  made.setDeploymentKeys(identity, suites, keys);
  return made;
}

/** The macs of some datagram under a gk; with `cookie`, mac2 too. */
function macs(key: Uint8Array = none, cookie?: Uint8Array, of: Uint8Array = id): Macs {
  const datagram = crypto.random(80);
  datagram.fill(0, 64);
  setMac1(datagram, crypto.mac(macKeys(crypto, of, key).mac1, macsOf(datagram).mac1Input));
  if (cookie !== undefined) setMac2(datagram, crypto.mac(cookie, macsOf(datagram).mac2Input));
  return macsOf(datagram);
}

/** The cookie this gate gives `from`, by its reply. */
function cookieFor(made: Gate, from: Endpoint, now = 0): Uint8Array {
  const keys = macKeys(crypto, id, none);
  const mac1 = new Uint8Array(16);
  const reply = cookieReply.read(made.cookieReply(instant(now), keys, from, mac1, sessionIndex(1)));
  return crypto.xopen(keys.cookie, reply.nonce, mac1, reply.encryptedCookie) ?? none;
}

const told = (admission: Admission): string =>
  admission.kind === 'passed' ? `passed ${admission.proven}` : `${admission.kind} ${admission.reason}`;

describe('mac1', () => {
  it('is right under any of eight deployment keys, the empty one among them, and says which', () => {
    const keys = [none, ...[1, 2, 3, 4, 5, 6, 7].map(gk)];
    const made = gate(keys);
    for (const [position, key] of keys.entries())
      expect(made.admit(instant(0), 1, here, macs(key))).toMatchObject({
        kind: 'passed',
        keyIndex: position,
        keys: macKeys(crypto, id, key),
      });
    expect(told(made.admit(instant(0), 1, here, macs(gk(8))))).toBe('refused bad-mac1');
  });

  it('of the empty key is wrong where a deployment key is asked for', () => {
    expect(told(gate([gk(1)]).admit(instant(0), 1, here, macs()))).toBe('refused bad-mac1');
  });

  it('of one suite, or of the classical key, is wrong for another', () => {
    const made = gate();
    const classical = macs(none, undefined, identity.dh.publicKey);
    expect(told(made.admit(instant(0), 2, here, macs()))).toBe('refused bad-mac1');
    expect(told(made.admit(instant(0), 1, here, classical))).toBe('refused bad-mac1');
    expect(told(made.admitClassical(instant(0), here, macs()))).toBe('refused bad-mac1');
    expect(told(made.admitClassical(instant(0), here, classical))).toBe('passed false');
  });

  it('a suite switched off has no key', () => {
    const made = gate([none], [1]);
    expect([made.serves(1), made.serves(2)]).toEqual([true, false]);
    expect(made.keysOf(2)).toEqual([]);
  });

  it('that is wrong takes nothing of the source’s rate', () => {
    const made = gate();
    for (let i = 0; i < 1000; i++) made.admit(instant(0), 1, here, macs(gk(9)));
    for (let i = 0; i < 16; i++) expect(told(made.admit(instant(0), 1, here, macs()))).toBe('passed false');
  });

  it('comes before everything: wrong, it is all that is said, over rate and under load too', () => {
    const made = gate();
    for (let i = 0; i < 40; i++) made.admit(instant(0), 1, here, macs());
    made.load.onLoopDelay(99);
    expect(told(made.admit(instant(0), 1, here, macs(gk(9))))).toBe('refused bad-mac1');
  });
});

describe('rate', () => {
  it('16 at once and 20 a second without mac2; then proof is wanted', () => {
    const made = gate();
    const ask = (now: number): string => told(made.admit(instant(now), 1, here, macs()));
    for (let i = 0; i < 16; i++) expect(ask(0)).toBe('passed false');
    expect(ask(49)).toBe('wants-proof rate-limited');
    expect(ask(50)).toBe('passed false');
    expect(ask(50)).toBe('wants-proof rate-limited');
  });

  it('32 at once and 50 a second with a valid one, whatever was sent without; over that it is dropped', () => {
    const made = gate();
    const cookie = cookieFor(made, here);
    for (let i = 0; i < 100; i++) made.admit(instant(0), 1, here, macs());
    const ask = (now: number): string => told(made.admit(instant(now), 1, here, macs(none, cookie)));
    for (let i = 0; i < 32; i++) expect(ask(0)).toBe('passed true');
    expect(ask(19)).toBe('refused proven-rate-limited');
    expect(ask(20)).toBe('passed true');
    expect(ask(20)).toBe('refused proven-rate-limited');
  });

  it('a wrong mac2 counts as none', () => {
    const made = gate();
    const other = cookieFor(made, endpoint(here.ip, 1001));
    for (let i = 0; i < 16; i++)
      expect(told(made.admit(instant(0), 1, here, macs(none, other)))).toBe('passed false');
    expect(told(made.admit(instant(0), 1, here, macs(none, other)))).toBe('wants-proof rate-limited');
  });

  it('counts by /32 and /64, types 1 and 0x11 together', () => {
    const made = gate();
    const v6 = (last: number): Endpoint =>
      endpoint(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last), last);
    for (let i = 0; i < 15; i++) made.admit(instant(0), 1, v6(i + 1), macs());
    expect(told(made.admitClassical(instant(0), v6(77), macs(none, undefined, identity.dh.publicKey)))).toBe(
      'passed false',
    );
    expect(told(made.admit(instant(0), 1, v6(99), macs()))).toBe('wants-proof rate-limited');
    expect(told(made.admit(instant(0), 1, here, macs()))).toBe('passed false');
  });

  it('of 30,000 spoofed prefixes: each is passed or asked for proof, none is silenced', () => {
    const made = gate();
    const message = macs();
    const seen = new Map<string, number>();
    // one datagram for all: what a source costs does not depend on it
    for (let i = 0; i < 30_000; i++) {
      const answer = told(made.admit(instant(i / 10_000), 1, host(i), message));
      seen.set(answer, (seen.get(answer) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['passed false', 'wants-proof rate-limited']);
  }, 60_000);
});

describe('load', () => {
  it('wants proof of everybody, and with proof it passes', () => {
    const made = gate();
    made.load.onLoopDelay(21);
    expect(told(made.admit(instant(0), 1, here, macs()))).toBe('wants-proof under-load');
    expect(told(made.admit(instant(0), 1, here, macs(none, cookieFor(made, here))))).toBe('passed true');
    made.load.onLoopDelay(20);
    expect(told(made.admit(instant(0), 1, here, macs()))).toBe('passed false');
  });

  it('over rate is said before load', () => {
    const made = gate();
    for (let i = 0; i < 16; i++) made.admit(instant(0), 1, here, macs());
    made.load.onLoopDelay(21);
    expect(told(made.admit(instant(0), 1, here, macs()))).toBe('wants-proof rate-limited');
  });

  it('is the only thing that asks a classical response for proof', () => {
    const made = gate();
    const message = macs(none, undefined, identity.dh.publicKey);
    for (let i = 0; i < 100; i++)
      expect(told(made.admitClassicalResponse(instant(0), here, message))).toBe('passed false');
    made.load.onLoopDelay(21);
    expect(told(made.admitClassicalResponse(instant(0), here, message))).toBe('wants-proof under-load');
    expect(told(made.admitClassicalResponse(instant(0), here, macs()))).toBe('refused bad-mac1');
  });
});

it('suites that are served no more have no keys any more', () => {
  const made = gate();
  expect([made.serves(1), made.serves(2)]).toEqual([true, true]);
  made.setDeploymentKeys(identity, [2], [none]);
  expect([made.serves(1), made.serves(2), made.keysOf(1)]).toEqual([false, true, []]);
});

it('a classical response passes on its mac1, and under load on its mac2', () => {
  const made = gate();
  const [cookie, classical] = [cookieFor(made, here), identity.dh.publicKey];
  const ask = (given: Macs) => told(made.admitClassicalResponse(instant(0), here, given));
  expect(ask(macs(none, undefined, id))).toBe('refused bad-mac1');
  expect(ask(macs(none, undefined, classical))).toBe('passed false');
  made.load.onLoopDelay(50);
  expect(ask(macs(none, undefined, classical))).toBe('wants-proof under-load');
  expect(ask(macs(none, cookie, classical))).toBe('passed true');
});

describe('classical mac1', () => {
  const classical = (of = identity.dh.publicKey) => macs(none, undefined, of);

  it('is known to be ours or not, at no cost to its source', () => {
    const made = gate();
    const before = made.describe(instant(0));
    expect(made.verifiesClassicalMac1(classical())).toBe(true);
    expect(made.verifiesClassicalMac1(classical(id))).toBe(false);
    expect(made.describe(instant(0))).toEqual(before);
  });
});

describe('what a gate in front has passed', () => {
  const passed = (key: number | undefined, proven = false) =>
    ({ kind: 'passed', key: key ?? Number.NaN, proven }) as const;

  it('is taken as it says: nothing is checked again, and nothing charged', () => {
    const made = gate([none, gk(1)]);
    made.load.onLoopDelay(99);
    const before = made.describe(instant(0));
    const key = made.keysOf(1)[1]?.id;
    const wrong = macs(gk(9));
    expect(made.admit(instant(0), 1, here, wrong, passed(key, true))).toMatchObject({
      kind: 'passed',
      keys: macKeys(crypto, id, gk(1)),
      keyIndex: 1,
      proven: true,
    });
    for (let i = 0; i < 100; i++)
      expect(told(made.admit(instant(0), 1, here, wrong, passed(key)))).toBe('passed false');
    const { id: classical } = made.settings(instant(0)).classical;
    expect(told(made.admitClassical(instant(0), here, wrong, passed(classical)))).toBe('passed false');
    expect(made.describe(instant(0))).toEqual(before);
  });

  it('under a key that is not one of its kind, or no more, has a wrong mac1', () => {
    const made = gate([none, gk(1)]);
    const [first, second] = made.keysOf(1);
    expect(told(made.admit(instant(0), 1, here, macs(), passed(first?.id)))).toBe('passed false');
    expect(told(made.admit(instant(0), 2, here, macs(), passed(first?.id)))).toBe('refused bad-mac1');
    expect(told(made.admitClassical(instant(0), here, macs(), passed(first?.id)))).toBe('refused bad-mac1');
    made.setDeploymentKeys(identity, [1, 2], [gk(1), gk(2)]);
    expect(told(made.admit(instant(0), 1, here, macs(), passed(first?.id)))).toBe('refused bad-mac1');
    // One that stayed has its number still, wherever it stands now
    expect(made.admit(instant(0), 1, here, macs(), passed(second?.id))).toMatchObject({ keyIndex: 0 });
  });

  it('names no key by a number that another had', () => {
    const made = gate([none]);
    const seen = new Set([made.settings(instant(0)).classical.id]);
    for (let n = 0; n < 20; n++) {
      made.setDeploymentKeys(identity, [1, 2], [gk(n)]);
      for (const suite of [1, 2] as const) for (const key of made.keysOf(suite)) seen.add(key.id);
    }
    expect(seen.size).toBe(41);
  });
});

it('tests see load, age of the cookie secret, and the rates of both kinds of sources', () => {
  const made = gate();
  const cookie = cookieFor(made, here);
  made.admit(instant(0), 1, here, macs());
  made.admit(instant(0), 1, here, macs(none, cookie));
  expect(made.describe(instant(1))).toMatchObject({
    load: { loopDelay: 0, handshakes: [] },
    issuer: { age: 1, previous: false },
    unproven: [[expect.any(String), 49]],
    proven: [[expect.any(String), 19]],
  });
});
