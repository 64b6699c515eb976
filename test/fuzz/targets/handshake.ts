/**
 * One handshake whose messages are written by a forger who holds every key, with values replaced, bytes of body and header changed,
 * and mac1 made right again. Every byte of both bodies is in the transcript (D3): whatever is changed must be refused, and a
 * refusal changes nothing. Input: how to write it, then changes.
 */
import type { SuiteId } from '@pqtun/core';
import { addressee, Forger, tai64n } from '../../kit/forger.ts';
import { newYear2026 } from '../../kit/host.ts';
import { type Outcome, Target } from '../../kit/target.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { fuzzSuite, hubAt, identityOf, places } from './parties.ts';

export const target: FuzzTarget = {
  name: 'handshake',
  about: 'initiations and responses with any value or byte replaced and mac1 repaired',
  maxLength: 256,
  executions: 8_000,
  seeds: [
    Uint8Array.of(0, 1, 0, 0),
    Uint8Array.of(1, 2, 0, 0),
    Uint8Array.of(2, 1, 0, 0),
    Uint8Array.of(3, 2, 0, 0),
    Uint8Array.of(0, 1, 0, 0, 1, 0x30, 0x09, 0x80),
    Uint8Array.of(2, 1, 0, 0, 1, 0xa0, 0x08, 1),
    Uint8Array.of(0, 1, 16, 0),
    Uint8Array.of(0, 1, 32, 0),
  ],
  dictionary: [],
  run(input) {
    const cursor = new Cursor(input);
    const suite: SuiteId = cursor.u8() % 2 === 0 ? 1 : 2;
    return cursor.u8() % 2 === 0 ? toInitiator(cursor, suite) : toResponder(cursor, suite);
  },
};

/** What the options of an input replace, by bit. A replaced value makes a message that must be refused. */
const bits = {
  lowOrder: 1,
  badKem: 2,
  ct: 4,
  second: 8,
  third: 16,
  stranger: 32,
  psk: 64,
  count: 128,
} as const;

function toResponder(cursor: Cursor, suite: SuiteId): void {
  const crypto = fuzzSuite(4);
  const forger = new Forger(crypto);
  const hub = new Target(crypto, { identity: identityOf('hub') });
  hub.addPeer(identityOf('first'), { suite });
  const options = cursor.u8();
  const has = (bit: number) => (options & bit) !== 0;
  const to = addressee(identityOf('hub'), suite);
  const changes = cursor.u8();
  const made = forger.initiation({
    as: identityOf(has(bits.stranger) ? 'stranger' : 'first'),
    to,
    suite,
    senderIndex: 77,
    timestamp: tai64n(newYear2026 / 1000),
    ...(has(bits.lowOrder) ? { ephemeral: new Uint8Array(32) } : {}),
    ...(has(bits.badKem) ? { kemKey: new Uint8Array(suite === 1 ? 1184 : 1568).fill(0xff) } : {}),
    ...(has(bits.ct) ? { ct1: touched(changes) } : {}),
    ...(has(bits.second) ? { encId: touched(changes) } : {}),
    ...(has(bits.third) ? { encTs: touched(changes) } : {}),
    ...(has(bits.psk) ? { psk: new Uint8Array(32).fill(1) } : {}),
    ...(has(bits.count) ? { count: (suite === 1 ? 2 : 3) + (changes % 5) } : {}),
  });
  const genuine = made.datagrams.map((bytes) => bytes.slice());
  const mac1Key = forger.mac1Key(to, suite);
  const sent = patched(cursor, genuine).map((bytes) => forger.withMac1(mac1Key, bytes));
  const honest = (options & ~bits.count) === 0 && comesTogether(sent, genuine, true);
  const before = hub.state();
  const from = cursor.pick(places);
  const outcome = hub.deliverAll(from, sent);
  must(outcome.delivered.length === 0, 'a handshake delivered a packet');
  const weight = sent.reduce((all, { length }) => all + length, 0);
  must(sum(outcome) <= weight, '§3.1, I12: more bytes are answered than came');
  // §6: strangers who change their index often enough run out of slots, and draw a cookie
  const answers = outcome.sent.filter(({ bytes }) => bytes[0] !== 3);
  if (answers.length > 0) {
    must(honest, 'C2: a changed initiation was answered');
    must(
      answers.every(({ bytes }) => bytes[0] === 0x12 && bytes[1] === suite),
      'the answer is no response',
    );
    return;
  }
  must(!honest || outcome.drops['no-slot'] !== undefined, 'an honest initiation was refused');
  must(hub.state() === before, 'I5: a refused initiation changed something');
}

function toInitiator(cursor: Cursor, suite: SuiteId): void {
  const crypto = fuzzSuite(5);
  const forger = new Forger(crypto);
  const gateway = new Target(crypto, { identity: identityOf('first') });
  const peer = gateway.addPeer(identityOf('hub'), { suite, endpoint: hubAt });
  gateway.act(({ engine }, now) => engine.initiate(now, peer));
  const initiation = gateway.pass(0).sent.map(({ bytes }) => bytes);
  const options = cursor.u8();
  const has = (bit: number) => (options & bit) !== 0;
  const changes = cursor.u8();
  const made = forger.response({
    as: identityOf(has(bits.stranger) ? 'stranger' : 'hub'),
    to: addressee(identityOf('first'), suite),
    suite,
    initiation,
    senderIndex: 99,
    ...(has(bits.lowOrder) ? { ephemeral: new Uint8Array(32) } : {}),
    ...(has(bits.ct) ? { ct2: touched(changes) } : {}),
    ...(has(bits.second) ? { ct3: touched(changes) } : {}),
    ...(has(bits.third) ? { enc0: touched(changes) } : {}),
    ...(has(bits.psk) ? { psk: new Uint8Array(32).fill(1) } : {}),
    ...(has(bits.badKem) ? { m2: new Uint8Array(32).fill(1) } : {}),
    ...(has(bits.count) ? { count: (suite === 1 ? 2 : 3) + (changes % 5) } : {}),
  });
  const genuine = made.datagrams.map((bytes) => bytes.slice());
  const sent = patched(cursor, genuine).map((bytes) => forger.withMac1(made.m2, bytes));
  const honest = (options & ~bits.count) === 0 && comesTogether(sent, genuine, false);
  const before = gateway.state();
  const outcome = gateway.deliverAll(cursor.pick(places), sent);
  must(outcome.delivered.length === 0, 'a handshake delivered a packet');
  const established = gateway.tunnel.engine.status(gateway.now, peer).handshakesCompleted > 0;
  must(established === honest, honest ? 'an honest response was refused' : 'a changed response was taken');
  if (established) {
    must(outcome.sent.length === 1 && outcome.sent[0]?.bytes[0] === 4, 'N2: the first packet leaves at once');
    return;
  }
  must(outcome.sent.length === 0, 'a refused response was answered');
  must(gateway.state() === before, 'I5: a refused response changed something');
}

/** Changes after the message was made: bytes of a body or of a header, fragments left out, doubled or in another order. */
function patched(cursor: Cursor, genuine: readonly Uint8Array[]): Uint8Array[] {
  let datagrams = genuine.map((bytes) => bytes.slice());
  for (let steps = 0; !cursor.atEnd && steps < 8; steps++) {
    const op = cursor.u8() % 6;
    const nth = cursor.u8() % Math.max(1, datagrams.length);
    const chosen = datagrams[nth];
    if (chosen === undefined) break;
    switch (op) {
      case 0:
      case 1: {
        const at = cursor.u16() % chosen.length;
        chosen[at] = (chosen[at] ?? 0) ^ cursor.u8();
        break;
      }
      case 2: // in every fragment: index of the sender, or suite
        for (const bytes of datagrams) bytes[[1, 3, 4, 5, 6, 7][nth] ?? 4] = cursor.u8();
        break;
      case 3:
        datagrams = datagrams.filter((_, at) => at !== nth);
        break;
      case 4:
        datagrams.push(chosen.slice());
        break;
      default:
        datagrams[nth] = chosen.slice(0, cursor.u16() % (chosen.length + 1));
    }
    datagrams = datagrams.filter(({ length }) => length >= 32);
  }
  return datagrams;
}

/**
 * Whether all genuine bytes before mac2 come together, the first of each place being the one that counts. `again`: after a whole
 * that was none a new one begins, as in a responder's slots; an initiator keeps what it has (N1).
 */
function comesTogether(sent: readonly Uint8Array[], genuine: readonly Uint8Array[], again: boolean): boolean {
  const places = new Map(genuine.map((bytes) => [placeOf(bytes), bytes]));
  const have = new Map<string, Uint8Array>();
  for (const bytes of sent) {
    const place = placeOf(bytes);
    if (!places.has(place) || have.has(place)) continue;
    have.set(place, bytes);
    if (have.size < genuine.length) continue;
    const isGenuine = [...have].every(([at, there]) => isBeforeMacs(there, places.get(at)));
    if (isGenuine || !again) return isGenuine;
    have.clear();
  }
  return false;
}

/** Header and length. */
function placeOf(bytes: Uint8Array): string {
  return `${bytes.subarray(0, bytes[0] === 0x11 ? 8 : 12)}/${bytes.length}`;
}

function isBeforeMacs(bytes: Uint8Array, genuine: Uint8Array | undefined): boolean {
  return genuine !== undefined && Buffer.compare(bytes.subarray(0, -32), genuine.subarray(0, -32)) === 0;
}

function touched(by: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    const copy = bytes.slice();
    const at = by % copy.length;
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
}

const sum = ({ sent }: Outcome): number => sent.reduce((all, { bytes }) => all + bytes.length, 0);
