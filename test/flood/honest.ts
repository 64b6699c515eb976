/** Honest people: four gateways' users, rekeys, and a peer that is new again and again. */
import type { Status } from './control.ts';
import { ask, statusOf } from './control.ts';
import { type Field, innerHub, type Outpost, userPort } from './field.ts';
import { Program } from './program.ts';

/** How long a rekey or a first connection may take. assurance.md, row Flood. Milliseconds. */
export const patience = 15_000;
/** A rekey may wait so long for its turn: one initiation in REKEY_TIMEOUT. */
const spacing = 5_000;
const userDatagram = 1200;

interface SourceCounters {
  readonly sent: number;
  readonly bytes: number;
}

export interface SinkCounters {
  readonly seconds: number;
  readonly users: readonly { readonly address: string; readonly packets: number; readonly bytes: number }[];
}

/** One user behind each gateway sends UDP to the hub's inner address at an even pace. */
export class Users {
  /** Bits a second of each. */
  readonly pace: number;
  readonly #sink: Program<SinkCounters>;
  readonly #sources: readonly Program<SourceCounters>[];

  private constructor(
    pace: number,
    sink: Program<SinkCounters>,
    sources: readonly Program<SourceCounters>[],
  ) {
    this.pace = pace;
    this.#sink = sink;
    this.#sources = sources;
  }

  static async start(field: Field, pace: number): Promise<Users> {
    const { traffic, hub, gateways } = field;
    const sink = await Program.start<SinkCounters>(hub.namespace, traffic, ['sink', innerHub, userPort]);
    const sources = await Promise.all(
      gateways.map(({ site }) =>
        Program.start<SourceCounters>(site.namespace, traffic, [
          'source',
          innerHub,
          userPort,
          pace,
          userDatagram,
        ]),
      ),
    );
    return new Users(pace, sink, sources);
  }

  /** What has arrived so far, and the sink's clock in seconds. */
  async arrived(): Promise<{ bytes: number; packets: number; seconds: number }> {
    const { seconds, users } = await this.#sink.report();
    const sum = (what: 'bytes' | 'packets'): number => users.reduce((all, user) => all + user[what], 0);
    return { seconds, bytes: sum('bytes'), packets: sum('packets') };
  }

  async sent(): Promise<number> {
    const counters = await Promise.all(this.#sources.map((source) => source.report()));
    return counters.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async end(): Promise<void> {
    await Promise.all([...this.#sources.map((source) => source.end()), this.#sink.end()]);
  }
}

/** Attempts that were made, and how long each took; `Infinity`: it did not come about in time. Milliseconds. */
export type Times = number[];

/** Rekeys of one gateway, every `interval` ms while `goesOn`; the last one is waited for. */
export async function rekeys(
  gateway: Outpost,
  hubKey: string,
  interval: number,
  goesOn: () => boolean,
): Promise<Times> {
  const times: Times = [];
  while (goesOn()) {
    const begin = performance.now();
    const before = completed(await statusOf(gateway.site));
    await ask(gateway.site, { op: 'rekey', publicKey: hubKey });
    times.push(await untilCompleted(gateway, before));
    while (goesOn() && performance.now() - begin < interval) await pause(100);
  }
  return times;
}

async function untilCompleted(gateway: Outpost, before: number): Promise<number> {
  const end = performance.now() + patience + spacing;
  while (performance.now() < end) {
    await pause(100);
    const status = await statusOf(gateway.site);
    if (completed(status) > before) return status.peers[0]?.handshakeDuration ?? Number.POSITIVE_INFINITY;
  }
  return Number.POSITIVE_INFINITY;
}

/** Handshakes of the newcomer that were completed in lives now forgotten, by whom. */
export interface NewcomerPast {
  atHub: number;
  own: number;
}

/**
 * The newcomer becomes new again (both sides forget it) and connects, every `interval` ms while `goesOn`; measured from the
 * request until an answer came through the tunnel.
 */
export async function newcomers(
  field: Field,
  past: NewcomerPast,
  interval: number,
  goesOn: () => boolean,
): Promise<Times> {
  const times: Times = [];
  while (goesOn()) {
    const begin = performance.now();
    await becomeNew(field, past);
    times.push(await connect(field));
    while (goesOn() && performance.now() - begin < interval) await pause(100);
  }
  return times;
}

async function becomeNew({ hub, hubParty, newcomer }: Field, past: NewcomerPast): Promise<void> {
  past.atHub += completed(await statusOf(hub), newcomer.party.publicKey);
  past.own += completed(await statusOf(newcomer.site));
  const { publicKey, kemPublicKey } = newcomer.party;
  await ask(hub, { op: 'set', peers: [{ publicKey, remove: true }] });
  await ask(newcomer.site, { op: 'set', peers: [{ publicKey: hubParty.publicKey, remove: true }] });
  await ask(hub, { op: 'set', peers: [{ publicKey, kemPublicKey, allowedIps: [`${newcomer.inner}/32`] }] });
  const added = {
    publicKey: hubParty.publicKey,
    kemPublicKey: hubParty.kemPublicKey,
    endpoint: newcomer.hubText,
    allowedIps: [`${innerHub}/32`],
  };
  await ask(newcomer.site, { op: 'set', peers: [added] });
}

/** A lost probe is sent again, as any application would; the handshake goes on meanwhile. */
async function connect({ newcomer, hubParty }: Field): Promise<number> {
  const begin = performance.now();
  while (performance.now() - begin < patience) {
    const timeout = Math.ceil(Math.min(1000, patience - (performance.now() - begin)));
    if (timeout <= 0) break;
    const request = { op: 'ping-peer', publicKey: hubParty.publicKey, timeout };
    const answered = await ask(newcomer.site, request).then(
      () => true,
      () => false,
    );
    if (answered) return performance.now() - begin;
  }
  return Number.POSITIVE_INFINITY;
}

/** Handshakes completed with one peer, or with all. */
export function completed({ peers }: Status, publicKey?: string): number {
  return peers
    .filter((peer) => publicKey === undefined || peer.publicKey === publicKey)
    .reduce((sum, { handshakesCompleted }) => sum + handshakesCompleted, 0);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
