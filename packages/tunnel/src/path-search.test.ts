import { type Endpoint, endpoint, type Instant, instant, lengths, peerId } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { type FoundPath, headersTo, PathSearch } from './path-search.ts';

const peer = peerId(1);
const ipv4 = endpoint(Uint8Array.of(192, 0, 2, 1), 7);
const ipv6 = endpoint(
  Uint8Array.from({ length: 16 }, (_, i) => i),
  7,
);
const [second, minute] = [1_000, 60_000];

/** A path that takes outer packets of `mtu` B, loses what it is told to, and answers 50 ms after a probe was sent. */
class Path {
  now = 0;
  mtu = 1500;
  routeMtu: number | undefined = 1500;
  tunnelMtu = 1420;
  hasSession = true;
  bytesSent = 0;
  to: Endpoint = ipv4;
  /** Whether the probe sent as the n-th is lost. */
  loses = (_n: number): boolean => false;
  readonly sent: { at: number; outer: number }[] = [];
  readonly found: FoundPath[] = [];
  readonly #answers: { at: number; token: Uint8Array }[] = [];
  readonly search = new PathSearch({
    mtu: () => this.tunnelMtu,
    routeMtu: () => this.routeMtu,
    send: (_peer, length) => this.#send(length),
    bytesSent: () => this.bytesSent,
    onFound: (_peer, found) => this.found.push(found),
  });

  begin(): void {
    this.search.begin(this.at, peer, this.to);
  }

  get at(): Instant {
    return instant(this.now);
  }

  /** Answers come and deadlines are met until `span` milliseconds have passed. */
  run(span: number): void {
    const end = this.now + span;
    for (;;) {
      const answerAt = this.#answers[0]?.at ?? Number.POSITIVE_INFINITY;
      const next = Math.min(answerAt, this.search.nextDeadline() ?? Number.POSITIVE_INFINITY);
      if (next > end) break;
      this.now = Math.max(this.now, next);
      const answer = answerAt <= this.now ? this.#answers.shift() : undefined;
      if (answer === undefined) this.search.onTimeout(this.at);
      else this.search.onPong(this.at, answer.token);
    }
    this.now = end;
  }

  #send(length: number): Uint8Array | undefined {
    if (!this.hasSession) return undefined;
    expect(length % 16).toBe(0);
    const outer = length + lengths.keepaliveLength + headersTo(this.to);
    const n = this.sent.push({ at: this.now, outer });
    const token = Uint8Array.of(n >> 8, n);
    if (outer <= this.mtu && !this.loses(n)) this.#answers.push({ at: this.now + 50, token });
    return token;
  }
}

/** Inner packets that fit a UDP payload. */
const inner = (limit: number | undefined) => limit && limit - lengths.keepaliveLength;

describe('the search for what a path takes', () => {
  test('needs one probe where the path takes the whole tunnel MTU', () => {
    const path = new Path();
    path.begin();
    path.run(minute);
    expect(path.sent).toEqual([{ at: 0, outer: 1424 + 32 + 28 }]);
    expect(path.found).toEqual([{ mtu: 1484, limit: undefined }]);
  });

  test.each([
    [ipv4, 1500, 1424],
    [ipv4, 1483, 1408],
    [ipv4, 1492, 1424],
    [ipv4, 1452, 1392],
    [ipv4, 1400, 1328],
    [ipv4, 1280, 1216],
    [ipv6, 1500, 1408],
    [ipv6, 1492, 1408],
    [ipv6, 1400, 1312],
    [ipv6, 1280, 1200],
  ])('over %o of %i B finds room for %i B inside, within four seconds', (to, mtu, most) => {
    const path = new Path();
    Object.assign(path, { to, mtu });
    path.begin();
    path.run(4 * second);
    expect(path.found.map(({ mtu }) => mtu)).toEqual([most + 32 + headersTo(to)]);
    const [{ limit } = { limit: 0 }] = path.found;
    expect(inner(limit)).toBe(most < path.tunnelMtu ? most : undefined);
  });

  test('never allows a packet that the path does not take, whatever it is, and never less than a step below', () => {
    for (let mtu = 1280; mtu <= 1520; mtu++) {
      for (const to of [ipv4, ipv6]) {
        const path = new Path();
        Object.assign(path, { to, mtu });
        path.begin();
        path.run(4 * second);
        const [found] = path.found;
        const longest = found?.limit ?? path.tunnelMtu + lengths.keepaliveLength;
        expect(longest + headersTo(to)).toBeLessThanOrEqual(mtu);
        expect(longest + headersTo(to)).toBeGreaterThan(Math.min(mtu, 1484) - 120 - 16);
      }
    }
  });

  test('is not misled by the loss of any two of three', () => {
    for (const kept of [1, 2, 3]) {
      const path = new Path();
      path.mtu = 1452;
      path.loses = (n) => n > 2 && Math.ceil((n - 2) / 6) !== kept; // after longest and least, six steps are sent three times
      path.begin();
      path.run(5 * second);
      expect(path.found).toEqual([{ mtu: 1452, limit: 1424 }]);
    }
  });

  test('takes an answer that is late', () => {
    const path = new Path();
    path.begin();
    path.run(0);
    path.loses = () => true;
    path.run(10);
    expect(path.found).toEqual([]);
    path.run(3 * second);
    expect(path.found).toEqual([{ mtu: 1484, limit: undefined }]);
  });

  test('concludes nothing from silence, and asks again in a minute', () => {
    const path = new Path();
    path.loses = () => true;
    path.begin();
    path.run(minute);
    expect(path.found).toEqual([]);
    const before = path.sent.length;
    path.loses = () => false;
    path.run(10 * second);
    expect([path.found.length, path.sent.length - before]).toEqual([1, 1]);
  });

  test('sends an address where nobody answers a few packets, and follows a peer only where it stays', () => {
    const path = new Path();
    path.loses = () => true;
    path.begin();
    path.run(30 * second);
    expect(path.sent.map(({ outer }) => outer)).toEqual([1484, 1276, 1276, 1276, 1276]);
    path.sent.length = 0;
    for (let n = 0; n < 1000; n++) {
      path.search.begin(path.at, peer, endpoint(Uint8Array.of(192, 0, 2, 10 + (n % 2)), 7));
      path.run(10);
    }
    expect(path.sent).toEqual([]);
    path.loses = () => false;
    path.run(second);
    expect(path.sent.map(({ outer }) => outer)).toEqual([1484]);
  });

  test('looks again after ten minutes where packets flow, and not where they do not', () => {
    const path = new Path();
    path.begin();
    path.run(25 * minute);
    expect(path.sent.length).toBe(1);
    path.bytesSent += 16_000; // keepalives
    path.run(10 * minute);
    expect(path.sent.length).toBe(1);
    path.bytesSent += 1_000;
    path.mtu = 1400;
    path.run(10 * minute);
    expect(path.found.at(-1)).toEqual({ mtu: 1388, limit: 1360 });
    path.bytesSent += 20_000;
    path.mtu = 1500;
    path.run(10 * minute);
    expect(path.found.at(-1)).toEqual({ mtu: 1484, limit: undefined });
  });

  test('begins anew at another address and with other routes, and not with another session', () => {
    const path = new Path();
    path.begin();
    path.run(second);
    path.begin();
    path.run(second);
    expect(path.sent.length).toBe(1);
    path.search.begin(path.at, peer, endpoint(Uint8Array.of(192, 0, 2, 2), 7));
    path.run(second);
    expect(path.sent.length).toBe(2);
    path.search.restart(path.at);
    path.run(second);
    expect(path.sent.length).toBe(3);
  });

  test('never sends more than our own route takes', () => {
    const path = new Path();
    Object.assign(path, { mtu: 1452, routeMtu: 1452 });
    path.begin();
    path.run(5 * second);
    expect(Math.max(...path.sent.map(({ outer }) => outer))).toBeLessThanOrEqual(1452);
    expect(path.found).toEqual([{ mtu: 1452, limit: 1424 }]);
  });

  test('has nothing to look for where the tunnel’s packets fit every path', () => {
    for (const [mtu, to] of [
      [1216, ipv4],
      [1200, ipv6],
      [500, ipv4],
    ] as const) {
      const path = new Path();
      Object.assign(path, { tunnelMtu: mtu, to });
      path.begin();
      path.run(minute);
      expect([path.sent, path.search.nextDeadline()]).toEqual([[], undefined]);
    }
  });

  test('finds longer steps in a tunnel of large frames', () => {
    const path = new Path();
    Object.assign(path, { tunnelMtu: 8920, routeMtu: 9000, mtu: 4200 });
    path.begin();
    path.run(5 * second);
    expect(path.found).toEqual([{ mtu: 4092, limit: 4064 }]);
  });

  test('leaves three of the sixteen answers a peer gives in a second to others', () => {
    for (const tunnelMtu of [1420, 8920]) {
      const path = new Path();
      Object.assign(path, { tunnelMtu, routeMtu: undefined, mtu: 1280 });
      path.begin();
      path.run(5 * second);
      for (const { at } of path.sent) {
        const within = path.sent.filter((other) => other.at >= at && other.at < at + second);
        expect(within.length).toBeLessThanOrEqual(16 - 3);
      }
    }
  });

  test('without a session sends nothing, and forgets a peer that is gone', () => {
    const path = new Path();
    path.hasSession = false;
    path.begin();
    path.run(10 * second);
    expect(path.found).toEqual([]);
    path.search.forget(peer);
    expect(path.search.nextDeadline()).toBeUndefined();
    path.hasSession = true;
    path.begin();
    path.search.forget(peer);
    path.run(minute);
    expect(path.found).toEqual([]); // the answer came to nobody
    path.search.onPong(path.at, new Uint8Array(8)); // nor is one that was never asked for
    expect(path.found).toEqual([]);
  });
});
