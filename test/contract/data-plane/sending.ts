/** What leaves: form, padding, counters, T1, the path's width, and what the engine sends of its own. §3.4, §5.3. */
import type { Endpoint } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import {
  Bench,
  control,
  from,
  idle,
  ipv4,
  ipv6,
  local,
  none,
  padded,
  place,
  sessionLimits,
  to,
  v6,
} from './bench.ts';
import type { PlaneMaker } from './plane-under-test.ts';

const sentData = { ...idle, dataSent: true, recordSent: true, anySent: true };

export function sendingContract(maker: PlaneMaker): void {
  function established(limits = sessionLimits('standard'), role: 'initiator' | 'responder' = 'initiator') {
    const bench = new Bench(maker);
    const peer = bench.peer(1);
    return { bench, peer, far: bench.established(peer, role, { limits }) };
  }

  describe('a packet out (§3.4)', () => {
    test('is padded with zeros to a multiple of 16, but not beyond the tunnel MTU', () => {
      const { bench, peer, far } = established();
      bench.put.setMtu(1420);
      const lengths = [
        [20, 32],
        [31, 32],
        [32, 32],
        [33, 48],
        [1408, 1408],
        [1409, 1420],
        [1420, 1420],
        [1421, 1421],
      ] as const;
      for (const [length, sealed] of lengths) {
        const packet = to(1, length, 0xaa);
        bench.tun(packet);
        const [sent] = bench.records();
        const { payload } = far.open(sent?.bytes ?? none);
        expect([length, payload.length]).toEqual([length, sealed]);
        expect(payload.subarray(0, length)).toEqual(packet);
        expect(payload.subarray(length).every((byte) => byte === 0)).toBe(true);
        expect(sent).toMatchObject({ kind: 'datagram', to: place(1) });
      }
      expect(bench.report().of(peer)).toEqual(sentData);
      bench.put.setMtu(1416);
      bench.tun(to(1, 1409));
      expect(far.open(bench.records()[0]?.bytes ?? none).payload).toHaveLength(1416);
    });

    test('carries no more than its true length, and does not touch the caller’s memory', () => {
      const { bench, far } = established();
      const memory = new Uint8Array(200).fill(0xbb);
      memory.set(to(1, 50, 0xaa), 40);
      const before = memory.slice();
      bench.tun(memory.subarray(40, 110));
      expect(far.open(bench.records()[0]?.bytes ?? none).payload).toEqual(padded(to(1, 50, 0xaa)));
      expect(memory).toEqual(before);
    });

    test('that is no IP packet, or has no peer, or whose peer has no address, is dropped and counted', () => {
      const { bench, peer } = established();
      bench.peer(2, null);
      const bad = to(1);
      bad[0] = 0x55;
      const long = to(1);
      long[3] = 200;
      const { drops, of } = (() => {
        for (const packet of [none, bad, long, to(3), to(2), ipv6(v6(1), v6(77))]) bench.tun(packet);
        return bench.report();
      })();
      expect(drops).toEqual({
        'bad-inner-packet': 2,
        'bad-inner-length': 1,
        'no-route': 2,
        'no-endpoint': 1,
      });
      expect([of(peer), of(bench.peer(2))]).toEqual([idle, idle]);
      expect(bench.drain()).toEqual([]);
    });

    test('each takes the next counter, from 0 on, past 2^32 and 2^52: none is used twice', () => {
      const { bench, far } = established();
      const seen: number[] = [];
      const collect = () => seen.push(...bench.records().map(({ bytes }) => far.open(bytes).counter));
      for (let i = 0; i < 5; i++) bench.tun(to(1));
      bench.plane.install(bench.now, far.install()); // known: no counter is reset
      bench.plane.transmit(bench.now, bench.peer(1), none);
      collect();
      expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
      for (const edge of [2 ** 32, 2 ** 52]) {
        bench.put.advanceSendCounter(far.index, edge - 1);
        for (let i = 0; i < 3; i++) bench.tun(to(1));
        seen.length = 0;
        collect();
        expect(seen).toEqual([edge - 1, edge, edge + 1]);
      }
    });
  });

  describe('limits of a session that sends', () => {
    test('REJECT_AFTER_MESSAGES: the last counter is one below; then packets are staged, and it still receives', () => {
      for (const role of ['initiator', 'responder'] as const) {
        const { bench, peer, far } = established(sessionLimits('standard'), role);
        const limit = 2 ** 53 - 2 ** 13 - 1;
        bench.put.advanceSendCounter(far.index, limit - 2);
        for (let i = 0; i < 4; i++) bench.tun(to(1));
        expect(bench.plane.transmit(bench.now, peer, none)).toBe(false);
        expect(bench.records().map(({ bytes }) => far.open(bytes).counter)).toEqual([limit - 2, limit - 1]);
        expect(bench.report().of(peer)).toEqual({ ...sentData, wantsKey: true, limitNear: far.index });
        bench.udp(far.seal(from(1)));
        expect(bench.packets()).toHaveLength(1);
      }
    });

    test('T1 by messages, either side: asked for from REKEY_AFTER_MESSAGES on', () => {
      for (const role of ['initiator', 'responder'] as const) {
        const { bench, peer, far } = established(sessionLimits('standard'), role);
        bench.put.advanceSendCounter(far.index, 2 ** 52 - 1);
        const near = [0, 1, 2].map(() => {
          bench.tun(to(1));
          return bench.report().of(peer).limitNear;
        });
        expect(near).toEqual([undefined, far.index, far.index]);
      }
    });

    test.each(['standard', 'metered'] as const)(
      'T1 by time, sending, %s: only the initiator, and only past REKEY_AFTER_TIME',
      (profile) => {
        const limits = sessionLimits(profile);
        for (const role of ['initiator', 'responder'] as const) {
          for (const act of ['packet', 'keepalive', 'probe'] as const) {
            const { bench, peer, far } = established(limits, role);
            bench.wait(limits.rekeyAfterTime - 1);
            const near = [0, 1, 2].map(() => {
              if (act === 'packet') bench.tun(to(1));
              else bench.plane.transmit(bench.now, peer, act === 'probe' ? control(1) : none);
              bench.wait(1);
              return bench.report().of(peer).limitNear;
            });
            expect(near).toEqual([undefined, undefined, role === 'initiator' ? far.index : undefined]);
          }
        }
      },
    );

    test.each(['standard', 'metered'] as const)(
      'T1 by time, receiving, %s: the initiator, as current or previous',
      (profile) => {
        const limits = sessionLimits(profile);
        for (const role of ['initiator', 'responder'] as const) {
          for (const place of ['current', 'previous'] as const) {
            const { bench, peer, far } = established(limits, role);
            if (place === 'previous') bench.established(peer, 'initiator');
            const age = limits.rejectAfterTime - 15_000;
            bench.wait(age - 1);
            const near = [none, none, none].map((payload) => {
              bench.udp(far.seal(payload));
              bench.wait(1);
              return bench.report().of(peer).limitNear;
            });
            expect(near).toEqual([undefined, undefined, role === 'initiator' ? far.index : undefined]);
          }
        }
      },
    );
  });

  describe('the width of the path', () => {
    /** 32 B of header and tag: a payload of 1268 B is the most. */
    const pathMtu = 1300;
    function narrow() {
      const { bench, peer, far } = established();
      bench.plane.setPeer(peer, { pathMtu });
      return { bench, peer, far };
    }

    test('a packet that fits is sent, its padding cut so that it does; one byte more is too big', () => {
      const { bench, peer, far } = narrow();
      const sent = [1264, 1265, 1268].map((length) => {
        bench.tun(to(1, length));
        const [record] = bench.records();
        return [record?.bytes.length, far.open(record?.bytes ?? none).payload.length];
      });
      expect(sent).toEqual([
        [1296, 1264],
        [1300, 1268],
        [1300, 1268],
      ]);
      expect(bench.report().of(peer).tooBig).toBeUndefined();
      bench.tun(to(1, 1269));
      const report = bench.report();
      expect([report.of(peer), report.drops]).toEqual([{ ...idle, tooBig: 1269 }, { 'too-big': 1 }]);
    });

    test('its sender hears of it by ICMP, with the size that fits', () => {
      const { bench, peer } = narrow();
      bench.tun(ipv4([172, 16, 0, 1], [10, 1, 0, 1], 1400));
      const [reply] = bench.drain();
      expect(reply).toMatchObject({ kind: 'packet', peer });
      // RFC 792, 1191: ICMP (1), type 3 code 4, MTU in bytes 6 and 7 of the message
      expect([...(reply?.bytes.subarray(16, 22) ?? []), reply?.bytes[9]]).toEqual([172, 16, 0, 1, 3, 4, 1]);
      expect([...(reply?.bytes.subarray(26, 28) ?? [])]).toEqual([1268 >>> 8, 1268 & 0xff]);
      bench.plane.setPeer(peer, { pathMtu: 1312 });
      bench.tun(ipv6(v6(200, 1), v6(1, 1), 1400));
      const [reply6] = bench.drain();
      // RFC 4443: ICMPv6 (58), type 2 code 0, MTU in bytes 4 to 7 of the message
      expect([reply6?.bytes[6], ...(reply6?.bytes.subarray(40, 42) ?? [])]).toEqual([58, 2, 0]);
      expect([...(reply6?.bytes.subarray(44, 48) ?? [])]).toEqual([0, 0, 1280 >>> 8, 1280 & 0xff]);
    });

    test('what was staged before the path narrowed is not sent; the keepalive of N2 then is', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      bench.tun(to(1, 1400));
      bench.plane.setPeer(peer, { pathMtu });
      bench.report();
      const far = bench.session(peer, 'initiator');
      const sent = bench.drain().filter(({ kind }) => kind === 'datagram');
      expect(sent.map(({ bytes }) => far.open(bytes).payload)).toEqual([none]);
      const report = bench.report();
      expect([report.drops, report.of(peer)]).toEqual([
        { 'too-big': 1 },
        { ...idle, tooBig: 1400, recordSent: true, anySent: true },
      ]);
    });

    test('probes go out whatever their size: they find the width', () => {
      const { bench, peer, far } = narrow();
      expect(bench.plane.transmit(bench.now, peer, control(0x03, 1440))).toBe(true);
      expect(far.open(bench.records()[0]?.bytes ?? none).payload).toEqual(control(0x03, 1440));
    });
  });

  describe('transmit', () => {
    test('a keepalive is a record sent, a control message is not; neither is data, neither is padded', () => {
      const { bench, peer, far } = established();
      const payloads = [none, control(0x01), control(0x02), control(0x03, 48)];
      const reports = payloads.map((payload) => {
        expect(bench.plane.transmit(bench.now, peer, payload)).toBe(true);
        const [sent] = bench.records();
        expect([sent?.to, far.open(sent?.bytes ?? none).payload]).toEqual([place(1), payload]);
        return bench.report().of(peer);
      });
      const probe = { ...idle, anySent: true };
      expect(reports).toEqual([{ ...idle, anySent: true, recordSent: true }, probe, probe, probe]);
    });

    test('goes to another place when told, and moves nothing by it', () => {
      const { bench, peer } = established();
      bench.plane.setPeer(peer, { localAddress: local(1) });
      bench.plane.transmit(bench.now, peer, control(0x02), { endpoint: place(9), localAddress: local(9) });
      bench.plane.transmit(bench.now, peer, control(0x02), { endpoint: place(8), localAddress: undefined });
      bench.plane.transmit(bench.now, peer, none);
      expect(bench.records().map(({ to, localAddress }) => [to, localAddress])).toEqual([
        [place(9), local(9)],
        [place(8), undefined],
        [place(1), local(1)],
      ]);
    });

    test('is false without a peer, a current session or an endpoint; nothing is staged and no key wanted', () => {
      const bench = new Bench(maker);
      const peer = bench.peer(1);
      const elsewhere: { endpoint: Endpoint; localAddress: undefined } = {
        endpoint: place(9),
        localAddress: undefined,
      };
      expect(bench.plane.transmit(bench.now, bench.prepare(peer, 'initiator').install().peer, none)).toBe(
        false,
      );
      bench.session(peer, 'responder');
      expect(bench.plane.transmit(bench.now, peer, none, elsewhere)).toBe(false);
      bench.session(peer, 'initiator');
      bench.drain();
      bench.report();
      bench.plane.setPeer(peer, { endpoint: null });
      expect(bench.plane.transmit(bench.now, peer, none)).toBe(false);
      expect([bench.drain(), bench.report().of(peer)]).toEqual([[], idle]);
      expect(bench.plane.transmit(bench.now, peer, none, elsewhere)).toBe(true);
    });

    test('sends nothing that is neither a keepalive nor a whole control payload', () => {
      const { bench, peer } = established();
      for (const payload of [to(1, 48), control(0x01, 17), Uint8Array.of(0x10)]) {
        expect(() => bench.plane.transmit(bench.now, peer, payload)).toThrow();
      }
      expect(bench.drain()).toEqual([]);
    });
  });

  test('the engine’s datagrams leave as they are, in order with the rest', () => {
    const { bench, far } = established();
    const handshake = (n: number) => ({
      to: place(n),
      localAddress: local(n),
      bytes: Uint8Array.of(0x11, n),
    });
    bench.plane.sendDatagrams([handshake(1), handshake(2)]);
    bench.tun(to(1));
    bench.plane.sendDatagrams([handshake(3)]);
    const [one, two, record, three] = bench.records();
    expect([one, two, three]).toEqual([1, 2, 3].map((n) => ({ kind: 'datagram', ...handshake(n) })));
    expect(record && far.owns(record.bytes)).toBe(true);
  });

  test('counts whole UDP payloads of transport datagrams, keepalives too, and nothing that was refused', () => {
    const { bench, peer, far } = established();
    const zeros = { bytesReceived: 0, bytesSent: 0, packetsReceived: 0, packetsSent: 0 };
    expect(bench.plane.peerCounters([peer])).toEqual([{ ...zeros, bytesSent: 32, packetsSent: 1 }]);
    bench.tun(to(1, 40));
    bench.plane.sendDatagrams([{ to: place(1), localAddress: undefined, bytes: new Uint8Array(99) }]);
    bench.udp(far.seal(padded(from(1, 40))));
    bench.udp(far.seal(none));
    bench.udp(far.seal(none, 0));
    const counted = { bytesReceived: 80 + 32, bytesSent: 32 + 80, packetsReceived: 2, packetsSent: 2 };
    expect(bench.plane.peerCounters([bench.peer(9), peer])).toEqual([zeros, counted]);
    bench.plane.removePeer(bench.now, peer);
    expect(bench.plane.peerCounters([peer])).toEqual([zeros]);
    expect(bench.plane.peerCounters([])).toEqual([]);
  });
}
