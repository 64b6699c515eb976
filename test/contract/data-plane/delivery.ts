/** What becomes of an authenticated payload: keepalive, control, inner packet. §3.4, §3.5. */
import { describe, expect, test } from 'vitest';
import { Bench, control, from, idle, ipv6, local, none, padded, place, v6 } from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

export function deliveryContract(maker: PlaneMaker): void {
  function established(kind: 'hybrid' | 'classical' = 'hybrid') {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    return { bench, peer, far: bench.established(peer, 'initiator', { kind }) };
  }

  describe('inner packets (§3.4)', () => {
    test('come out in their true length, whatever the padding', () => {
      const { bench, peer, far } = established();
      for (const length of [20, 21, 31, 32, 33, 1419, 1420]) {
        const packet = from(1, length, 0xaa);
        for (const payload of [
          packet,
          padded(packet),
          padded(new Uint8Array([...packet, ...new Uint8Array(200)])),
        ]) {
          bench.udp(far.seal(payload));
          expect(bench.drain()).toEqual([{ kind: 'packet', peer, bytes: packet }]);
        }
      }
      for (const length of [40, 41, 1280]) {
        const packet = ipv6(v6(1, 5), v6(200), length, 0xaa);
        bench.udp(far.seal(padded(packet)));
        expect(bench.packets()).toEqual([packet]);
      }
      expect(bench.report().drops).toEqual({});
    });

    test('an inner length below the header’s or above the payload is refused', () => {
      const { bench, far } = established();
      const reasonOf = (payload: Uint8Array) => {
        bench.udp(far.seal(payload));
        return [Object.keys(bench.report().drops)[0], bench.packets().length];
      };
      const claiming = (length: number) => {
        const packet = from(1, 64);
        packet.set([length >>> 8, length & 0xff], 2);
        return packet;
      };
      const headerOf = (words: number) => {
        const packet = from(1, 64);
        packet[0] = 0x40 | words;
        return packet;
      };
      const v6Claiming = (length: number) => {
        const packet = ipv6(v6(1, 5), v6(200), 64);
        packet.set([length >>> 8, length & 0xff], 4);
        return packet;
      };
      const bad = ['bad-inner-length', 0];
      const good = [undefined, 1];
      expect([0, 19, 20, 63, 64, 65, 0xffff].map(claiming).map(reasonOf)).toEqual([
        bad,
        bad,
        good,
        good,
        good,
        bad,
        bad,
      ]);
      expect([0, 4, 5, 15].map(headerOf).map(reasonOf)).toEqual([bad, bad, good, good]);
      expect([0, 24, 25, 0xffff].map(v6Claiming).map(reasonOf)).toEqual([good, good, bad, bad]);
      expect([1, 19].map((length) => reasonOf(from(1, 64).slice(0, length)))).toEqual([bad, bad]);
      expect(reasonOf(ipv6(v6(1, 5), v6(200), 64).slice(0, 39))).toEqual(bad);
    });

    test('of all first bytes only 0x4_ and 0x6_ are packets and 0x0_ ours', () => {
      const { bench, far } = established();
      for (let first = 0; first < 256; first++) {
        bench.udp(far.seal(new Uint8Array(48).fill(0).fill(first, 0, 1)));
        const [reason] = Object.keys(bench.report().drops);
        const nibble = first >>> 4;
        if (nibble === 0)
          expect([first, reason]).toEqual([
            first,
            first === 1 || first === 3 ? undefined : 'unknown-control',
          ]);
        else
          expect([first, reason]).toEqual([
            first,
            nibble === 4 || nibble === 6 ? reason : 'bad-inner-packet',
          ]);
        expect(bench.drain()).toEqual([]);
      }
    });
  });

  describe('what is reported of what was received (T2)', () => {
    const heard = { ...idle, anyReceived: true };
    test.each([
      ['a keepalive', none, heard],
      ['a packet', padded(from(1)), { ...heard, dataReceived: true }],
      ['a payload that is no packet', padded(Uint8Array.of(0x70)), { ...heard, dataReceived: true }],
      ['a packet of another’s source', padded(from(2)), { ...heard, dataReceived: true }],
      ['a probe', control(0x01), heard],
      ['an answer', control(0x02), heard],
      ['a path probe', control(0x03), heard],
      ['an unknown control message', control(0x0f), heard],
    ])('%s', (_, payload, activity) => {
      const { bench, peer, far } = established();
      bench.udp(far.seal(payload), place(1));
      expect(bench.report().of(peer)).toEqual(activity);
    });
  });

  describe('control messages (§3.5)', () => {
    test('well-formed ones go up as they are, in order, with where they came from', () => {
      const { bench, peer, far } = established();
      const payloads = [
        control(0x01),
        control(0x01, 1504),
        control(0x02),
        control(0x03),
        control(0x03, 1024),
      ];
      for (const payload of payloads) bench.udp(far.seal(payload), place(3), local(4));
      const { messages, drops } = bench.report();
      expect(messages).toEqual(
        payloads.map((payload) => ({
          kind: 'control',
          peer,
          from: place(3),
          localAddress: local(4),
          payload,
        })),
      );
      expect(drops).toEqual({});
      expect(bench.drain()).toEqual([]);
    });

    test('ill-formed and unknown ones are dropped and counted', () => {
      const { bench, far } = established();
      const bad = [0x00, ...Array.from({ length: 12 }, (_, i) => 4 + i)].map((kind) => control(kind));
      for (const kind of [0x01, 0x03])
        for (const length of [1, 15, 17, 31, 33]) bad.push(control(kind, length));
      for (const length of [1, 15, 17, 32]) bad.push(control(0x02, length));
      for (const payload of bad) bench.udp(far.seal(payload));
      expect(bench.report()).toMatchObject({ drops: { 'unknown-control': bad.length }, messages: [] });
    });

    test('on a classical session all are dropped', () => {
      const { bench, far } = established('classical');
      for (let kind = 0; kind < 16; kind++) bench.udp(far.seal(control(kind)));
      expect(bench.report()).toMatchObject({ drops: { 'control-on-classical': 16 }, messages: [] });
      bench.udp(far.seal(padded(from(1))));
      expect(bench.packets()).toHaveLength(1);
    });

    test('a message does not change when the memory of its datagram is used again', () => {
      const { bench, far } = established();
      const datagram = far.seal(control(0x01));
      bench.udp(datagram);
      datagram.fill(0xff);
      expect(bench.report().messages).toMatchObject([{ payload: control(0x01) }]);
    });
  });

  describe('the queue to the engine', () => {
    test('hands other datagrams up unchanged, unchecked, copied, and moves nothing by them', () => {
      const { bench, peer, far } = established();
      const before = far.index;
      const handshake = Uint8Array.of(0x11, 1, 0, 2, 9, 9, 9, 9);
      bench.udp(handshake, place(9, 2), local(9));
      const cookie = new Uint8Array(64).fill(3, 0, 1);
      bench.udp(cookie, place(8, 1));
      handshake.fill(0);
      const { messages, of } = bench.report();
      // in which order is the plane's: it may put peers before strangers
      expect(messages.toSorted((a, b) => b.from.port - a.from.port)).toMatchObject([
        {
          kind: 'handshake',
          from: place(9, 2),
          localAddress: local(9),
          bytes: Uint8Array.of(0x11, 1, 0, 2, 9, 9, 9, 9),
        },
        { kind: 'handshake', from: place(8, 1), localAddress: undefined, bytes: cookie },
      ]);
      expect(of(peer)).toEqual(idle);
      bench.plane.transmit(bench.now, peer, none);
      expect(bench.records()[0]?.to).toEqual(place(1));
      expect(far.index).toBe(before);
    });

    test('is bounded, counts what it drops, has room again once taken, and keeps room for control messages', () => {
      const { bench, far } = established();
      for (let i = 0; i < 1_200; i++) bench.udp(Uint8Array.of(0x12, i & 0xff), place(9));
      bench.udp(far.seal(control(0x01)));
      const first = bench.report();
      expect([first.messages.length, first.drops]).toEqual([1_025, { 'queue-full': 176 }]);
      expect(first.messages.at(-1)?.kind).toBe('control');
      for (let i = 0; i < 1_025; i++) bench.udp(far.seal(control(0x01)));
      bench.udp(Uint8Array.of(0x12), place(9));
      const second = bench.report();
      expect([second.messages.length, second.drops]).toEqual([1_025, { 'queue-full': 1 }]);
    });
  });
}
