/** Cookies over time; captured WireGuard cookies are checked in classical.test.ts. */
import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import type { Suite } from '../crypto/suite.ts';
import { type Endpoint, endpoint, instant, sessionIndex } from '../types.ts';
import { cookieReply } from '../wire/messages.ts';
import { CookieIssuer, CookieJar, macKeys } from './cookie.ts';

const crypto = nobleSuite();
const keys = macKeys(crypto, new Uint8Array(32).fill(1), new Uint8Array(0));
const mac1 = new Uint8Array(16).fill(9);
const input = new Uint8Array(100).fill(7);
const here = endpoint(Uint8Array.of(192, 0, 2, 1), 1000);

function cookieAt(issuer: CookieIssuer, now: number, from: Endpoint = here): Uint8Array {
  const { nonce, encryptedCookie } = cookieReply.read(
    issuer.reply(instant(now), keys, from, mac1, sessionIndex(5)),
  );
  const cookie = crypto.xopen(keys.cookie, nonce, mac1, encryptedCookie);
  if (cookie === undefined) throw new Error('it does not open');
  return cookie;
}
const isGood = (issuer: CookieIssuer, now: number, cookie: Uint8Array, from = here): boolean =>
  issuer.verifies(instant(now), from, input, crypto.mac(cookie, input));

describe('§3.3 the cookie', () => {
  it('is MAC(R, ip ‖ BE16(port)): R first drawn, mapped addresses as 4 B', () => {
    const R = new Uint8Array(32).fill(0x55);
    const issuer = new CookieIssuer(nobleSuite({ random: (n) => new Uint8Array(n).fill(0x55) }), instant(0));
    const expected = crypto.mac(R, Uint8Array.of(192, 0, 2, 1, 0x03, 0xe8));
    expect(cookieAt(issuer, 0)).toEqual(expected);
    const mapped = endpoint(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1), 1000);
    expect(cookieAt(issuer, 0, mapped)).toEqual(expected);
    const v6 = endpoint(Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0xffff);
    expect(cookieAt(issuer, 0, v6)).toEqual(crypto.mac(R, v6.ip, Uint8Array.of(255, 255)));
  });

  it('is good at its address and port only', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    const cookie = cookieAt(issuer, 0);
    expect(isGood(issuer, 0, cookie)).toBe(true);
    expect(isGood(issuer, 0, cookie, endpoint(here.ip, 1001))).toBe(false);
    expect(isGood(issuer, 0, cookie, endpoint(Uint8Array.of(192, 0, 2, 2), 1000))).toBe(false);
  });

  it('R is replaced at 120 s; the previous one verifies up to, not at, 5 s later', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    const first = cookieAt(issuer, 0);
    expect(cookieAt(issuer, 119_999)).toEqual(first);
    const second = cookieAt(issuer, 120_000);
    expect(second).not.toEqual(first);
    expect(isGood(issuer, 124_999, first)).toBe(true);
    expect(isGood(issuer, 124_999, second)).toBe(true);
    expect(isGood(issuer, 125_000, first)).toBe(false);
    expect(isGood(issuer, 239_999, second)).toBe(true);
    expect(isGood(issuer, 244_999, second)).toBe(true);
    expect(isGood(issuer, 245_000, second)).toBe(false);
  });

  it('after a long pause the R before it is none of the two', () => {
    for (const now of [240_000, 244_000, 1_000_000]) {
      const issuer = new CookieIssuer(crypto, instant(0));
      const first = cookieAt(issuer, 0);
      expect(isGood(issuer, now, first)).toBe(false);
    }
  });

  it('turns come every 120 s whenever they are noticed', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    const second = cookieAt(issuer, 130_000);
    expect(cookieAt(issuer, 239_999)).toEqual(second);
    expect(cookieAt(issuer, 240_000)).not.toEqual(second);
  });

  it('a mac2 of zeros is none, even were it right, and costs no MAC', () => {
    let macs = 0;
    const zeroMac = suiteWith(() => {
      macs += 1;
      return new Uint8Array(16);
    });
    const issuer = new CookieIssuer(zeroMac, instant(0));
    expect(issuer.verifies(instant(0), here, input, new Uint8Array(16))).toBe(false);
    expect(macs).toBe(0);
    expect(issuer.verifies(instant(0), here, input, new Uint8Array(16).fill(1, 15))).toBe(false);
    expect(macs).toBeGreaterThan(0);
  });

  it('of who was told R and the next R is good here as the same times go by', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    const cookieOf = (secret: Uint8Array): Uint8Array =>
      crypto.mac(secret, here.ip, Uint8Array.of(here.port >>> 8, here.port & 0xff));
    const told = issuer.secrets(instant(1000));
    expect(told).toMatchObject({ since: 0, previous: undefined });
    expect(issuer.secrets(instant(119_999))).toEqual(told);
    expect(cookieAt(issuer, 2000)).toEqual(cookieOf(told.current));
    const after = issuer.secrets(instant(120_000));
    expect(after).toMatchObject({ since: 120_000, previous: told.current, current: told.next });
    expect(after.next).not.toEqual(after.current);
    expect(cookieAt(issuer, 130_000)).toEqual(cookieOf(told.next));
  });

  it('of the next R, told before a pause of two turns, is the previous one then', () => {
    for (const [now, good] of [
      [240_000, true],
      [244_999, true],
      [245_000, false],
      [360_000, false],
    ] as const) {
      const issuer = new CookieIssuer(crypto, instant(0));
      const { current, next } = issuer.secrets(instant(0));
      const cookieOf = (secret: Uint8Array): Uint8Array => crypto.mac(secret, here.ip, Uint8Array.of(3, 232));
      expect([now, isGood(issuer, now, cookieOf(next))]).toEqual([now, good]);
      expect(isGood(issuer, now, cookieOf(current))).toBe(false);
      expect(issuer.since(instant(now))).toBe(now - (now % 120_000));
    }
  });

  it('replies never share a nonce', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    const nonces = Array.from({ length: 100 }, () =>
      Buffer.from(
        cookieReply.read(issuer.reply(instant(0), keys, here, mac1, sessionIndex(5))).nonce,
      ).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(100);
  });
});

describe('N3 the jar', () => {
  it('keeps a cookie for its address, 115 s long', () => {
    const jar = new CookieJar();
    expect(jar.take(instant(0), here)).toBeUndefined();
    jar.put(instant(1000), here, mac1);
    expect(jar.take(instant(1000), here)).toEqual(mac1);
    expect(jar.take(instant(115_999), here)).toEqual(mac1);
    expect(jar.take(instant(116_000), here)).toBeUndefined();
    expect(jar.take(instant(2000), endpoint(here.ip, 1001))).toBeUndefined();
    expect(jar.take(instant(2000), endpoint(Uint8Array.of(192, 0, 2, 2), 1000))).toBeUndefined();
    jar.put(instant(2000), here, input.slice(0, 16));
    expect(jar.take(instant(116_500), here)).toEqual(input.slice(0, 16));
    jar.clear();
    expect(jar.take(instant(2000), here)).toBeUndefined();
  });
});

describe('what tests see of them', () => {
  it('is the age of R, and whether there is one before it', () => {
    const issuer = new CookieIssuer(crypto, instant(0));
    expect(issuer.describe(instant(50))).toEqual({ age: 50, previous: false });
    cookieAt(issuer, 121_000);
    expect(issuer.describe(instant(121_000))).toEqual({ age: 1000, previous: true });
    cookieAt(issuer, 1_000_000);
    expect(issuer.describe(instant(1_000_000))).toEqual({ age: 40_000, previous: false });
  });

  it('is the port and age of a cookie as long as it is good', () => {
    const jar = new CookieJar();
    expect(jar.describe(instant(0))).toBeUndefined();
    jar.put(instant(1000), here, mac1);
    expect(jar.describe(instant(115_999))).toEqual({ port: 1000, age: 114_999 });
    expect(jar.describe(instant(116_000))).toBeUndefined();
    jar.clear();
    expect(jar.describe(instant(1000))).toBeUndefined();
  });
});

it('§3.1 keys are HASH(label ‖ ID_r ‖ gk)', () => {
  const id = new Uint8Array(32).fill(8);
  const gk = new Uint8Array(32).fill(6);
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
  expect(macKeys(crypto, id, gk)).toEqual({
    mac1: crypto.hash(ascii('mac1----'), id, gk),
    cookie: crypto.hash(ascii('cookie--'), id, gk),
  });
});

/** The suite with another MAC. */
function suiteWith(mac: Suite['mac']): Suite {
  return {
    name: 'with another MAC',
    mac,
    random: (length) => crypto.random(length),
    hash: (...parts) => crypto.hash(...parts),
    kdf: (key, outputs, ...input) => crypto.kdf(key, outputs, ...input),
    seal: (...given) => crypto.seal(...given),
    open: (...given) => crypto.open(...given),
    xseal: (...given) => crypto.xseal(...given),
    xopen: (...given) => crypto.xopen(...given),
    stream: (key, data) => crypto.stream(key, data),
    equal: (a, b) => crypto.equal(a, b),
    recordKey: (key) => crypto.recordKey(key),
    dhPrivate: (secret) => crypto.dhPrivate(secret),
    kemPrivate: (suite, seed) => crypto.kemPrivate(suite, seed),
    kemPublic: (suite, bytes) => crypto.kemPublic(suite, bytes),
  };
}
