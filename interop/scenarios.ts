/** What any two implementations of pqtun must do with each other, over loopback. */
import { randomBytes } from 'node:crypto';
import { Identity, Secret } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { innerPacket } from '../test/kit/packets.ts';
import type { Cell } from './matrix.ts';
import { type Implementation, InteropPeer, type PartyConfig, remoteName } from './peers/peer.ts';
import { Relay, type Weather } from './relay.ts';
import { bursts, steady, Traffic } from './traffic.ts';

type SuiteId = 1 | 2;
type Keys = 'plain' | 'PSK' | 'deployment key';

/** Inner packets in bytes: the least there is, small, and as large as the tunnel takes. The empty one is the keepalive. */
const innerSizes = [20, 100, 1420] as const;
const probeSizes = [16, 1200] as const;
const rekeys = 3;
/**
 * In the three that follow time runs so much faster: a rekey every 10, or 6, seconds. Between the rekey and the end of the old
 * session lies a minute of that clock. At 30 times it was 2 s, and two `noble` ends on a machine with eight times more to do
 * than it can did not get their 35 ms of handshake done in it: all that was lost had come to sessions erased by age (T6).
 */
export const rekeyScale = 12;
export const badWeatherScale = 20;
const calm: Weather = { seed: 1, loss: 0, jitter: 0 };
/** Reassembly waits 3 s for the rest of a message, of a clock that runs 20 times faster. */
const bad: Weather = { seed: 20261125, loss: 0.2, jitter: 8 };
const smallest = 508;

export interface PairOptions {
  /** Leave out what takes long and says little that is new. */
  readonly quick: boolean;
  readonly skip?: string;
}

/** Every scenario of one ordered pair. */
export function pairCells(
  initiator: Implementation,
  responder: Implementation,
  options: PairOptions,
): Cell[] {
  const cells: Cell[] = [];
  const add = (scenario: string, limit: number, run: () => Promise<void>): void => {
    cells.push({
      peer: `${initiator.name} → ${responder.name}`,
      scenario,
      limit,
      ...(options.skip === undefined ? {} : { skip: options.skip }),
      run,
    });
  };
  for (const suite of [1, 2] as const) {
    for (const keys of ['plain', 'PSK', 'deployment key'] as const) {
      add(`suite ${suite}, ${keys}`, 60, () => talk(initiator, responder, suite, keys));
    }
  }
  for (const suite of options.quick ? ([1] as const) : ([1, 2] as const)) {
    add(`suite ${suite}, cookie`, 60, () => cookie(initiator, responder, suite));
    if (options.quick) continue;
    add(`suite ${suite}, M = 508`, 60, () => smallDatagrams(initiator, responder, suite));
    add(`suite ${suite}, loss and reorder`, 120, () => badWeather(initiator, responder, suite));
    add(`suite ${suite}, three rekeys`, 120, () => threeRekeys(initiator, responder, suite));
  }
  const both = initiator.name !== responder.name;
  if (!options.quick || both) {
    const suite = 1;
    add('loss, reorder, M = 508, three rekeys', 180, () => everything(initiator, responder, suite));
  }
  return cells;
}

/** Two identities and what they share. */
class Pair {
  readonly initiator: PartyConfig;
  readonly responder: PartyConfig;

  constructor(
    suite: SuiteId,
    keys: Keys,
    both: Partial<PartyConfig> = {},
    responder: Partial<PartyConfig> = {},
  ) {
    const shared = randomBytes(32).toString('hex');
    const psk = keys === 'PSK' ? { psk: shared } : {};
    const [a, b] = [party(suite), party(suite)];
    this.initiator = {
      ...a.own,
      ...both,
      peers: [{ ...b.remote, ...psk, ...(keys === 'deployment key' ? { deploymentKey: shared } : {}) }],
    };
    this.responder = {
      ...b.own,
      ...both,
      ...responder,
      ...(keys === 'deployment key' ? { deploymentKeys: [shared] } : {}),
      peers: [{ ...a.remote, ...psk }],
    };
  }

  /** The initiator's configuration, with where to write to. */
  towards(endpoint: string): PartyConfig {
    return { ...this.initiator, peers: this.initiator.peers.map((peer) => ({ ...peer, endpoint })) };
  }
}

function party(suite: SuiteId) {
  const [privateKey, kemSeed] = [randomBytes(32), randomBytes(64)];
  const identity = new Identity(
    nodeSuite(),
    new Secret(Uint8Array.from(privateKey)),
    new Secret(Uint8Array.from(kemSeed)),
  );
  const kem = identity.kem(suite);
  if (kem === undefined) throw new Error('an identity with a seed has a key in every suite');
  const remote = {
    name: remoteName,
    suite,
    publicKey: Buffer.from(identity.dh.publicKey).toString('hex'),
    kemPublicKey: Buffer.from(kem.publicKey).toString('hex'),
  };
  identity.destroy();
  return { own: { privateKey: privateKey.toString('hex'), kemSeed: kemSeed.toString('hex') }, remote };
}

/** Handshake confirmed by a keepalive alone, data of every length both ways, probes and answers both ways. */
export async function talk(
  from: Implementation,
  to: Implementation,
  suite: SuiteId,
  keys: Keys,
  patience?: number,
): Promise<void> {
  const pair = new Pair(suite, keys);
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(responder.listen));
  await begin(initiator, responder, patience);
  await dataBothWays(initiator, responder);
  for (const size of probeSizes) {
    await initiator.probe(size);
    await responder.probe(size);
  }
  await nothingAmiss(initiator, responder);
}

/** The responder is under load from the first datagram on: only a proven initiation is answered. */
async function cookie(from: Implementation, to: Implementation, suite: SuiteId): Promise<void> {
  const pair = new Pair(suite, 'deployment key', {}, { faults: { forceCookies: true } });
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(responder.listen));
  await begin(initiator, responder);
  await dataBothWays(initiator, responder);
  const { drops } = await responder.stats();
  // our name for it, and the other implementation's
  const { 'under-load': refused = 0, 'cookie-asked': asked = 0 } = drops as Record<string, number>;
  if (refused + asked < 1) throw new Error(`${responder.name} refused nothing: ${JSON.stringify(drops)}`);
}

/** Handshakes in as many datagrams as there can be, none above 508 B. */
async function smallDatagrams(from: Implementation, to: Implementation, suite: SuiteId): Promise<void> {
  const pair = new Pair(suite, 'PSK', { largestDatagram: smallest });
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using relay = await Relay.open(responder.listen, calm);
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(relay.front));
  await begin(initiator, responder);
  await dataBothWays(initiator, responder);
  within508(relay);
}

/** A fifth of all datagrams lost, the others out of order: what arrives is whole, and arrives once. */
async function badWeather(from: Implementation, to: Implementation, suite: SuiteId): Promise<void> {
  const pair = new Pair(suite, 'plain', { clockScale: badWeatherScale });
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using relay = await Relay.open(responder.listen, { ...bad, seed: bad.seed + suite });
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(relay.front));
  const traffic = new Traffic(initiator, responder, bursts);
  await traffic.run(60, () => traffic.arrived >= 300);
  wasBad(relay);
}

/** Three rekeys by age under traffic: no packet is lost on the way from key to key, but what the kernel itself let fall. */
async function threeRekeys(from: Implementation, to: Implementation, suite: SuiteId): Promise<void> {
  const pair = new Pair(suite, 'plain', { clockScale: rekeyScale });
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(responder.listen));
  const traffic = new Traffic(initiator, responder, steady);
  await traffic.run(90, () => initiator.sessions > rekeys && responder.sessions > rekeys);
  await traffic.settle();
  const lost = traffic.missing - traffic.overflowed;
  if (lost > 0) {
    const why = [await refused(initiator), await refused(responder)].join('; ');
    throw new Error(`${lost} of ${traffic.sent} packets were lost; ${why}`);
  }
}

/** All of it at once. */
async function everything(from: Implementation, to: Implementation, suite: SuiteId): Promise<void> {
  const pair = new Pair(suite, 'PSK', { clockScale: badWeatherScale, largestDatagram: smallest });
  await using responder = await InteropPeer.start(to, 'responder', pair.responder);
  await using relay = await Relay.open(responder.listen, bad);
  await using initiator = await InteropPeer.start(from, 'initiator', pair.towards(relay.front));
  const traffic = new Traffic(initiator, responder, bursts);
  await traffic.run(150, () => initiator.sessions > rekeys && traffic.arrived >= 300);
  wasBad(relay);
  within508(relay);
}

/** A handshake with no data: the keepalive that follows it is what confirms it. */
async function begin(initiator: InteropPeer, responder: InteropPeer, patience?: number): Promise<void> {
  initiator.initiate();
  const [begun, answered] = await Promise.all([
    initiator.established(patience),
    responder.established(patience),
  ]);
  if (begun['role'] !== 'initiator' || answered['role'] !== 'responder') {
    throw new Error(`the roles are ${begun['role']} and ${answered['role']}`);
  }
}

async function dataBothWays(initiator: InteropPeer, responder: InteropPeer): Promise<void> {
  for (const size of innerSizes) {
    const there = innerPacket('10.0.0.1', '10.0.0.2', size, size);
    initiator.send(there);
    await responder.receive(there);
    const back = innerPacket('10.0.0.2', '10.0.0.1', size, size + 1);
    responder.send(back);
    await initiator.receive(back);
  }
}

/**
 * What a slow machine brings on even on a good network: an initiation unanswered for a second is sent again (N3), answered
 * again (C3), and the second answer finds nothing outstanding. Ours and the other implementation's names.
 */
const lateness = new Set([
  ...['duplicate-fragment', 'copy-refused', 'unexpected-response'],
  ...['initiation-copy', 'not-outstanding'],
]);

/** What a party has dropped so far, by its own names. */
async function dropsOf(peer: InteropPeer): Promise<[reason: string, count: number][]> {
  const { drops } = await peer.stats();
  return Object.entries((drops ?? {}) as Record<string, number>).filter(([, count]) => count > 0);
}

async function refused(peer: InteropPeer): Promise<string> {
  const drops = (await dropsOf(peer)).map(([reason, count]) => `${count} for ${reason}`);
  return `${peer.name} dropped ${drops.join(', ') || 'nothing'}`;
}

/** On a good network nothing else is refused. */
async function nothingAmiss(...peers: readonly InteropPeer[]): Promise<void> {
  for (const peer of peers) {
    const [first] = (await dropsOf(peer)).filter(([reason]) => !lateness.has(reason));
    if (first !== undefined) throw new Error(`${peer.name} dropped ${first[1]} for ${first[0]}`);
    const [error] = peer.errors();
    if (error !== undefined) throw new Error(`${peer.name}: ${error}`);
  }
}

function wasBad({ lost, overtaken, carried }: Relay): void {
  if (lost < 10 || overtaken < 10)
    throw new Error(`the network was too good: ${carried}, ${lost} lost, ${overtaken} overtaken`);
}

function within508({ largestHandshake }: Relay): void {
  if (largestHandshake > smallest || largestHandshake === 0) {
    throw new Error(`the largest handshake datagram had ${largestHandshake} B`);
  }
}
