/**
 * The program that is counted: runs in an emulated Node, with the counter of counter.c in the emulator. Marks come in pairs, begin and
 * end of one interval; at the end it prints, as one line of JSON, what the intervals were, in their order.
 *
 *   node --single-threaded guest.ts ADDON everything|native
 *
 * Everything in C++ runs twice, once with twice the turns, and the difference is what one turn costs; so what a run costs by itself
 * falls out. JavaScript warms up first, and is then counted one handshake after the other.
 */
import { createRequire } from 'node:module';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { joined, packetOf, plainHeaders, superFrame } from 'tun-tap-native/testing/segments';
import { steppedHandshake } from './handshake.ts';
import type { Interval } from './intervals.ts';
import { cipherLengths, handshakePlans, planeLoads } from './plan.ts';

/** What counted.cc exports. */
interface Counted {
  mark(): void;
  twoInstructions(turns: number): void;
  records(engine: string, length: number, batch: number, calls: number, opens: boolean): void;
  planes(
    engine: string,
    frames: readonly Uint8Array[],
    calls: number,
    receives: boolean,
    singly: boolean,
  ): number;
  engineOf(name: string): string;
}

const [addon = '', what = ''] = process.argv.slice(2);
const counted = createRequire(import.meta.url)(addon) as Counted; // an addon exports one object; the interface states it
const intervals: Interval[] = [];

countTheCounter();
for (const engine of ['evp', 'raw', 'multibuffer'])
  if (counted.engineOf(engine) === engine) countRecords(engine);
countPlanes();
if (what === 'everything') countHandshakes();
console.log(JSON.stringify(intervals));

/** Loops of which the number of instructions is known. */
function countTheCounter(): void {
  for (const turns of [1_000_000, 2_000_000]) {
    counted.twoInstructions(turns);
    intervals.push({ id: 'known/two', turns });
  }
}

/** Records of each length, alone and in a train of a super-frame; `sealopen` is both, since opening needs something sealed. */
function countRecords(engine: string): void {
  for (const length of cipherLengths) {
    for (const batch of [1, 48]) {
      const calls = batch === 1 ? 64 : 2;
      for (const verb of ['seal', 'sealopen'] as const) {
        for (const times of [1, 2]) {
          counted.records(engine, length, batch, calls * times, verb === 'sealopen');
          intervals.push({
            id: `records/${verb}/${engine}/${length}/${batch}`,
            turns: calls * times * batch,
          });
        }
      }
    }
  }
}

/** TCP as a host with offloads hands it over, and single packets without any. `through` is sending and receiving. */
function countPlanes(): void {
  const plain = new Uint8Array(10);
  const udp = (size: number): Uint8Array =>
    joined(plain, packetOf({ ...plainHeaders, protocol: 'udp' }, new Uint8Array(size - 28)));
  for (const { name, packets, length, offloads } of planeLoads) {
    const isSuperFrame = name === 'bulk';
    const frames = isSuperFrame
      ? [superFrame(plainHeaders, new Uint8Array(packets * (length - 40)), length - 40)]
      : Array.from({ length: packets }, () => udp(length));
    for (const receives of [false, true]) {
      for (const calls of [8, 16]) {
        const sent = counted.planes('auto', frames, calls, receives, !offloads);
        if (sent !== calls * packets)
          throw new Error(`${name}: ${sent} records left, not ${calls * packets}`);
        intervals.push({ id: `plane/${receives ? 'through' : 'send'}/${name}`, turns: sent });
      }
    }
  }
}

/** Each step of each handshake is an interval. What a mark itself costs, with the way into C++ and back, is `nothing`, to be taken off. */
function countHandshakes(): void {
  for (const { backEnd, suite, warmUp, wanted } of handshakePlans) {
    const handshake = steppedHandshake(backEnd === 'node' ? nodeSuite() : nobleSuite(), suite);
    for (let made = 0; made < warmUp + wanted; made++) {
      const prefix = made < warmUp ? 'warm-up' : `handshake/${backEnd}/${suite}`;
      handshake((step, act) => {
        counted.mark();
        act();
        counted.mark();
        intervals.push({ id: `${prefix}/${step}`, turns: 1 });
      });
    }
  }
}
