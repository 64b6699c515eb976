/** protocol.md §6 in the plane: what a gate lets up, what it counts, and whom it answers. For planes that have one. */
import {
  type Endpoint,
  endpoint,
  type GateKey,
  type GateSettings,
  type Instant,
  instant,
  sessionIndex,
} from '@pqtun/core';
import type { Suite } from '@pqtun/core/noble';
import { describe, expect, test } from 'vitest';
import { Bench, local, none, place } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

type Bytes = Uint8Array;
const secret = (n: number): Bytes => new Uint8Array(32).fill(n);
const key = (id: number): GateKey => ({ id, mac1: secret(id & 255), cookie: secret((id & 255) + 100) });
const suite1 = [key(0xffff_ff07), key(2)] as const;
const classical = key(3);
const born = instant(10_000_000);
const settings: GateSettings = {
  suites: new Map([[1, suite1]]),
  classical,
  hasClassicalPeers: true,
  cookieSecrets: { since: born, previous: secret(50), current: secret(51), next: secret(52) },
  expectedIndices: new Set([5, 0xffff_fffe].map(sessionIndex)),
  underLoadUntil: instant(Number.NEGATIVE_INFINITY),
};

/** The pen of whoever writes to a plane. */
class Pen {
  readonly #suite: Suite;

  constructor(suite: Suite) {
    this.#suite = suite;
  }

  /** Fragment `index` of six, of an initiation of suite 1: 437 B, the last 435. */
  fragment(index = 0, by: GateKey = suite1[0]): Bytes {
    const bytes = new Uint8Array(index === 5 ? 435 : 437).fill(7);
    bytes.set([0x11, 1, index, 6, 9, 8, 7, 6]);
    return this.#withMac1(bytes, by);
  }

  classicalInitiation(by: GateKey = classical): Bytes {
    const bytes = new Uint8Array(148).fill(7);
    bytes.set([1, 0, 0, 0, 4, 3, 2, 1]);
    return this.#withMac1(bytes, by);
  }

  cookie(R: Bytes, at: Endpoint): Bytes {
    return this.#suite.mac(R, at.ip, Uint8Array.of(at.port >> 8, at.port & 255));
  }

  withMac2(cookie: Bytes, bytes: Bytes): Bytes {
    const copy = bytes.slice();
    copy.set(this.#suite.mac(cookie, copy.subarray(0, -16)), copy.length - 16);
    return copy;
  }

  /** The cookie in a reply to `asked`; `undefined` when it does not open. */
  openReply(reply: Bytes, asked: Bytes, by: GateKey): Bytes | undefined {
    return this.#suite.xopen(by.cookie, reply.slice(8, 32), asked.slice(-32, -16), reply.slice(32));
  }

  #withMac1(bytes: Bytes, by: GateKey): Bytes {
    bytes.fill(0, bytes.length - 32);
    bytes.set(this.#suite.mac(by.mac1, bytes.subarray(0, -32)), bytes.length - 32);
    return bytes;
  }
}

function begin(maker: PlaneMaker, told: Partial<GateSettings> = {}) {
  const bench = new Bench(maker);
  const pen = new Pen(maker.farSuite);
  bench.plane.setGate?.({ ...settings, ...told });
  /** What came of one datagram. */
  const send = (bytes: Bytes, from: Endpoint = place(1)) => {
    bench.udp(bytes.slice(), from, local(4));
    const { messages, drops } = bench.report();
    return {
      verdicts: messages.map((each) => each.kind === 'handshake' && each.verdict),
      drops,
      sent: bench.drain(),
    };
  };
  return { bench, pen, send };
}

const refused = (reason: string) => ({ verdicts: [], drops: { [reason]: 1 }, sent: [] });
const unchecked = { verdicts: [{ kind: 'unchecked' }], drops: {}, sent: [] };
const passed = (by: GateKey, proven = false) => ({
  verdicts: [{ kind: 'passed', key: by.id, proven }],
  drops: {},
  sent: [],
});
const loaded = { underLoadUntil: instant(Number.POSITIVE_INFINITY) };

export function gateContract(maker: PlaneMaker): void {
  describe('the gate', () => {
    test('checks nothing until it is told what', () => {
      const bench = new Bench(maker);
      const pen = new Pen(maker.farSuite);
      const datagrams = [pen.fragment(), pen.classicalInitiation(), Uint8Array.of(0x11), Uint8Array.of(9, 9)];
      for (const bytes of datagrams) bench.udp(bytes, place(1));
      const { messages, drops } = bench.report();
      expect(drops).toEqual({});
      expect(messages.map((each) => each.kind === 'handshake' && each.verdict.kind)).toEqual(
        datagrams.map(() => 'unchecked'),
      );
    });

    test('refuses by form and suite, and then by mac1, in silence', () => {
      const { pen, send } = begin(maker);
      const good = pen.fragment();
      const changed = (at: number, value: number): Bytes => good.map((byte, i) => (i === at ? value : byte));
      expect(send(none)).toEqual(refused('bad-length'));
      expect(send(good.slice(0, 39))).toEqual(refused('bad-length'));
      expect(send(Uint8Array.of(0x13, 0, 0, 0))).toEqual(refused('unknown-type'));
      expect(send(changed(1, 3))).toEqual(refused('suite-disabled'));
      expect(send(changed(2, 6))).toEqual(refused('bad-geometry'));
      expect(send(good.slice(1, -1).fill(0x11, 0, 1))).toEqual(refused('suite-disabled'));
      expect(send(good.slice(0, -1))).toEqual(refused('bad-geometry'));
      expect(send(changed(200, 8))).toEqual(refused('bad-mac1'));
      expect(send(changed(430, 8))).toEqual(passed(suite1[0])); // a wrong mac2 is none
      // of a geometry of suite 2, which is not served: 3244 B in 7 slices
      const other = new Uint8Array(8 + 464 + 32);
      other.set([0x11, 2, 0, 7]);
      expect(send(other)).toEqual(refused('suite-disabled'));
      expect(send(pen.classicalInitiation().fill(1, 3, 4))).toEqual(refused('reserved-bytes'));
    });

    test('lets an initiation up as it came, with the key that verified it', () => {
      const { bench, pen, send } = begin(maker);
      for (const by of suite1) expect(send(pen.fragment(0, by))).toEqual(passed(by));
      expect(send(pen.classicalInitiation())).toEqual(passed(classical));
      expect(send(pen.fragment(0, classical))).toEqual(refused('bad-mac1'));
      const bytes = pen.fragment(5);
      bench.udp(bytes, place(3), local(9));
      expect(bench.report().messages).toMatchObject([
        { from: place(3), localAddress: local(9), bytes: pen.fragment(5) },
      ]);
    });

    test('answers who is over his rate, for fragment 0, from where it came to, and believes the cookie at his address only', () => {
      const { bench, pen, send } = begin(maker);
      for (let i = 0; i < 16; i++) expect(send(pen.fragment(1))).toEqual(passed(suite1[0]));
      expect(send(pen.fragment(1))).toEqual(refused('rate-limited'));
      const asked = pen.fragment(0, suite1[1]);
      bench.udp(asked.slice(), place(1), local(4));
      const { drops } = bench.report();
      expect(drops).toEqual({ 'rate-limited': 1 });
      const [reply] = bench.records();
      expect(reply).toMatchObject({ to: place(1), localAddress: local(4) });
      expect([...(reply?.bytes.subarray(0, 8) ?? [])]).toEqual([3, 0, 0, 0, 9, 8, 7, 6]);
      expect(reply?.bytes).toHaveLength(64);
      const cookie = pen.openReply(reply?.bytes ?? none, asked, suite1[1]) ?? none;
      expect(cookie).toEqual(pen.cookie(secret(51), place(1)));
      expect(pen.openReply(reply?.bytes ?? none, asked, suite1[0])).toBeUndefined();
      for (let i = 0; i < 32; i++) {
        expect(send(pen.withMac2(cookie, pen.fragment(2)))).toEqual(passed(suite1[0], true));
      }
      expect(send(pen.withMac2(cookie, pen.fragment(2)))).toEqual(refused('proven-rate-limited'));
      expect(send(pen.withMac2(cookie, pen.fragment(2)), place(1, 51821))).toEqual(refused('rate-limited'));
      bench.wait(50);
      expect(send(pen.fragment(1))).toEqual(passed(suite1[0]));
    });

    test('counts cookie replies for the engine, and never uses a nonce twice', () => {
      const { bench, pen } = begin(maker, loaded);
      for (let i = 0; i < 10; i++) bench.udp(pen.fragment(), place(i));
      bench.udp(pen.classicalInitiation(), place(20));
      expect(bench.plane.takeReports().cookieReplies).toBe(11);
      expect(bench.plane.takeReports().cookieReplies ?? 0).toBe(0);
      const nonces = bench.records().map(({ bytes }) => bytes.subarray(8, 32).join());
      expect(new Set(nonces).size).toBe(11);
    });

    test('wants proof under load, until it ends, without being told', () => {
      const { bench, pen, send } = begin(maker, { underLoadUntil: instant(born + 1000) });
      expect(send(pen.fragment(1))).toEqual(refused('under-load'));
      expect(send(pen.withMac2(pen.cookie(secret(51), place(1)), pen.fragment(1)))).toEqual(
        passed(suite1[0], true),
      );
      bench.wait(999.5);
      expect(send(pen.fragment(1))).toEqual(refused('under-load'));
      bench.wait(0.5);
      expect(send(pen.fragment(1))).toEqual(passed(suite1[0]));
    });

    test('steps R on at 120 s, lets the one before live for 5 s, and asks the engine after 240 s', () => {
      const { bench, pen, send } = begin(maker);
      const by = (R: number): Bytes => pen.withMac2(pen.cookie(secret(R), place(1)), pen.fragment(1));
      /** Which R are good at this moment. */
      const good = (at: number): number[] => {
        bench.now = at as Instant; // a moment of the test's own
        return [50, 51, 52].filter((R) => {
          const [verdict] = send(by(R)).verdicts;
          return verdict !== undefined && verdict !== false && verdict.kind === 'passed' && verdict.proven;
        });
      };
      expect(good(born)).toEqual([50, 51]);
      expect(good(born + 4999)).toEqual([50, 51]);
      expect(good(born + 5000)).toEqual([51]);
      expect(good(born + 119_999)).toEqual([51]);
      expect(good(born + 120_000)).toEqual([51, 52]);
      expect(good(born + 124_999)).toEqual([51, 52]);
      expect(good(born + 125_000)).toEqual([52]);
      expect(good(born + 239_999)).toEqual([52]);
      expect(good(born + 240_000)).toEqual([]);
      expect(send(by(52))).toEqual(unchecked);
      expect(send(pen.fragment(0, classical))).toEqual(refused('bad-mac1'));
    });

    test('lets responses and cookie replies up for what is outstanding, all of it unchecked', () => {
      const { send } = begin(maker, loaded);
      const naming = (type: number, size: number, at: number, index: number, head: number[] = []): Bytes => {
        const bytes = new Uint8Array(size);
        bytes.set([type, ...head]);
        new DataView(bytes.buffer).setUint32(at, index, true);
        return bytes;
      };
      // 2224 B in 6 slices of 371
      const response = (index: number) => naming(0x12, 12 + 371 + 32, 8, index, [1, 0, 6]);
      const classicalResponse = (index: number) => naming(2, 92, 8, index);
      const cookie = (index: number) => naming(3, 64, 4, index);
      for (const make of [response, classicalResponse, cookie])
        for (const index of [5, 0xffff_fffe]) expect(send(make(index))).toEqual(unchecked);
      for (const index of [0, 4, 6, 0xffff_ffff]) {
        expect(send(response(index))).toEqual(refused('unexpected-response'));
        expect(send(classicalResponse(index))).toEqual(refused('unexpected-response'));
        expect(send(cookie(index))).toEqual(refused('unexpected-cookie'));
      }
      const { send: alone } = begin(maker, { hasClassicalPeers: false });
      expect(alone(classicalResponse(5))).toEqual(unchecked);
      expect(alone(classicalResponse(4))).toEqual(refused('classical-disabled'));
    });

    test('answers no classical initiation where no peer is classical, and spends no rate on it', () => {
      const { pen, send } = begin(maker, { hasClassicalPeers: false, ...loaded });
      for (let i = 0; i < 40; i++)
        expect(send(pen.classicalInitiation())).toEqual(refused('downgrade-refused'));
      expect(send(pen.classicalInitiation(suite1[0]))).toEqual(refused('classical-disabled'));
      expect(send(pen.fragment(1))).toEqual(refused('under-load'));
    });

    test('is another from the next datagram on when it is told anew; used up rates stay used up', () => {
      const { bench, pen, send } = begin(maker);
      for (let i = 0; i < 16; i++) send(pen.fragment(1));
      bench.plane.setGate?.({ ...settings, suites: new Map([[1, [suite1[1]]]]) });
      expect(send(pen.fragment(1))).toEqual(refused('bad-mac1'));
      expect(send(pen.fragment(1, suite1[1]))).toEqual(refused('rate-limited'));
      bench.plane.setGate?.({ ...settings, suites: new Map() });
      expect(send(pen.fragment(1))).toEqual(refused('suite-disabled'));
    });

    test('of 20,000 forged fragments from spoofed sources none gets up, and sessions go on', () => {
      const { bench, pen, send } = begin(maker);
      const peer = bench.peer(1);
      const far = bench.established(peer, 'initiator');
      const forged = pen.fragment(0, classical);
      for (let i = 0; i < 20_000; i++) {
        bench.udp(forged.slice(), endpoint(Uint8Array.of(10, i >> 16, i >> 8, i), 1000));
      }
      bench.udp(far.seal(none), place(1));
      const { messages, drops, of } = bench.report();
      expect([messages, drops]).toEqual([[], { 'bad-mac1': 20_000 }]);
      expect(of(peer).anyReceived).toBe(true);
      expect(bench.drain()).toEqual([]);
      expect(send(pen.fragment())).toEqual(passed(suite1[0]));
    });
  });
}
