/**
 * A hub in the middle of its traffic, and everything that traffic can be turned into: genuine parties of either suite and of
 * WireGuard, a forger who holds their keys but cannot read answers, replays, mutations, other sources, time, an operator who
 * meddles. Input: a sequence of acts. At the end there is peace, and every party must come through, both ways.
 */
import { Cursor } from '../cursor.ts';
import { ascii, type FuzzTarget } from '../target.ts';
import { Siege } from './siege.ts';

/* Acts, as an input writes them; `Siege` reads them. */
const seed = (...acts: readonly number[][]): Uint8Array => Uint8Array.from(acts.flat());
const begin = (party: number): number[] => [0, party];
const deliver = (run: number, place: number, back = 0): number[] => [1, run - 1, back, place];
const forge = (party: number, ahead: number, options = 0): number[] => [4, party, ahead, options, ahead];
const pass = (span: number): number[] => [5, span];
const say = (party: number): number[] => [6, party, 0, 0];
const prove = (back: number): number[] => [9, 0, back];
const exchange = (party: number): number[] => [13, party];

export const target: FuzzTarget = {
  name: 'responder',
  about: 'a whole hub: handshakes, cookies, data, timers, reconfiguration, in any order, then peace',
  maxLength: 512,
  executions: 1_000,
  seeds: [
    seed(exchange(0), say(0), exchange(0)),
    seed(begin(1), exchange(1), say(1), exchange(1), pass(18), exchange(1)),
    seed(begin(2), exchange(2), say(2), exchange(2)),
    // C3: copies, in time and too late; an older timestamp after a confirm
    seed(begin(0), ...[0, 2, 4, 6, 8, 10].map((back) => deliver(2, 0, back)), pass(10), deliver(2, 0, 10)),
    seed(exchange(0), forge(0, 0), deliver(2, 0), forge(0, 5), deliver(2, 0)),
    // C4: one prefix, then more of them than there are entries, then with a proof of address
    seed(forge(0, 9), deliver(2, 0), forge(0, 10), deliver(2, 0), pass(10), forge(0, 8), deliver(2, 0)),
    seed(
      ...[0, 3, 4, 5, 6].flatMap((place) => [forge(0, 9 + place), deliver(2, place)]),
      prove(2),
      prove(2),
      deliver(2, 6),
    ),
    // §6: under load nothing but a proof of address passes
    seed(begin(0), [8, 1], deliver(2, 0), prove(2), prove(2), deliver(2, 0), exchange(0)),
    seed(begin(2), [8, 1], deliver(1, 2), prove(1), deliver(1, 2), [8, 0], exchange(2)),
    // a changed byte, mac1 repaired; a key of low order; a KEM key that is none; a stranger; another pre-shared key
    seed(begin(0), [3, 1, 0, 1, 50, 0, 7, 5, 0], deliver(1, 0)),
    ...[4, 8, 2, 16, 1].map((options) =>
      seed(forge(0, 9, options), deliver(2, 0), forge(1, 9, options), deliver(3, 1)),
    ),
    // the operator
    ...[0, 1, 2, 3, 4, 5, 6, 7].map((act) =>
      seed(exchange(0), begin(0), [11, 0, 1, act, 1], deliver(2, 0), exchange(0), pass(19)),
    ),
    seed(
      exchange(0),
      [7, 0, 9],
      [7, 1, 9],
      [12, 0, 1],
      [12, 0, 3],
      exchange(0),
      pass(20),
      pass(22),
      say(0),
      exchange(0),
    ),
  ],
  dictionary: [ascii('\x0d\x00'), ascii('\x0d\x01'), ascii('\x0d\x02')],
  run: (input) => new Siege().run(new Cursor(input)),
};
