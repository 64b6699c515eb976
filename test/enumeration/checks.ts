/** What must hold in every state and after every step, whatever was chosen: one sentence for each thing that does not. */
import { type Drop, dropReasons, limits, sameEndpoint } from '@pqtun/core';
import type { Model } from './model.ts';
import { otherSide, type Party, sides } from './party.ts';

interface KeypairView {
  readonly index: number;
  readonly remoteIndex: number;
}

/** What a plane holds of its only peer. */
export interface PlaneView {
  readonly current?: KeypairView;
  readonly previous?: KeypairView;
  readonly nexts: readonly KeypairView[];
}

interface EngineView {
  readonly peers: readonly {
    readonly outstanding?: { readonly reassemblies: readonly unknown[] };
    readonly sessions: readonly unknown[];
    readonly pending: readonly { readonly copiesAnswered: number }[];
    readonly answered: readonly { readonly copiesAnswered: number }[];
  }[];
  readonly indices: number;
  readonly strangers: { readonly slots: readonly unknown[] };
}

export function planeView({ tunnel }: Party): PlaneView {
  const { peers }: { peers: PlaneView[] } = JSON.parse(tunnel.plane.fingerprint());
  return peers[0] ?? { nexts: [] };
}

/** N4: each end confirmed its last two sessions in opposite roles within REKEY_TIMEOUT. */
export function crossed(model: Model): boolean {
  return model.parties.every(({ confirmations }) => {
    const [one, other] = confirmations.slice(-2);
    return (
      one !== undefined &&
      other !== undefined &&
      one.role !== other.role &&
      other.at - one.at <= limits.rekeyTimeout
    );
  });
}

/** Both ends send under one session. */
export function agree(model: Model): boolean {
  const [a, b] = model.parties.map((party) => planeView(party).current);
  return a !== undefined && b !== undefined && a.remoteIndex === b.index && b.remoteIndex === a.index;
}

export function problemsOfState(model: Model): string[] {
  const problems = [...model.log.violations];
  for (const side of sides) {
    const party = model.parties[side];
    problems.push(...party.violations);
    const view = planeView(party);
    problems.push(
      ...tooMany(model, party, view),
      ...unequalKeys(model, party, view),
      ...movedEndpoint(model, party),
    );
    if (model.answered[side] > model.received[side])
      problems.push(`I12: ${party.name} answered ${model.answered[side]} B to ${model.received[side]} B`);
  }
  return problems;
}

function tooMany(model: Model, party: Party, view: PlaneView): string[] {
  const engine: EngineView = JSON.parse(party.tunnel.engine.fingerprint(model.now));
  const [peer] = engine.peers;
  if (peer === undefined) return [`${party.name} has lost its peer`];
  const keypairs = [view.current, view.previous, ...view.nexts].filter((keypair) => keypair !== undefined);
  const bounds: [what: string, found: number, bound: number][] = [
    ['nexts', view.nexts.length, limits.maxPendingPerPeer],
    ['pending entries of one prefix', peer.pending.length, 1], // the peer is at one address here
    [
      'copies answered',
      Math.max(0, ...[...peer.pending, ...peer.answered].map((entry) => entry.copiesAnswered)),
      limits.maxCopiesAnswered,
    ],
    ['reassemblies of responses', peer.outstanding?.reassemblies.length ?? 0, limits.maxResponseReassemblies],
    [
      'reassembly slots of one prefix',
      engine.strangers.slots.length,
      limits.reassemblySlots.perPrefix + limits.reassemblySlots.perSource,
    ],
    ['indices', engine.indices, keypairs.length + (peer.outstanding === undefined ? 0 : 1)],
    ['nexts beyond the pending entries', view.nexts.length, peer.pending.length],
  ];
  const problems = bounds.flatMap(([what, found, bound]) =>
    found > bound ? [`I13: ${party.name} has ${found} ${what}, ${bound} allowed`] : [],
  );
  if (peer.sessions.length !== keypairs.length)
    problems.push(
      `${party.name}'s engine knows ${peer.sessions.length} sessions, its plane ${keypairs.length}`,
    );
  if (new Set(keypairs.map(({ index }) => index)).size !== keypairs.length)
    problems.push(`I14: ${party.name} has an index twice`);
  return problems;
}

/** I9: where both ends hold a session, what one sends under is what the other receives under. */
function unequalKeys(model: Model, party: Party, view: PlaneView): string[] {
  const other = model.parties[otherSide(party.side)];
  return [view.current, view.previous, ...view.nexts].flatMap((keypair) => {
    const own = keypair && party.sessionKeys.get(keypair.index);
    const theirs = keypair && other.sessionKeys.get(keypair.remoteIndex);
    if (keypair === undefined || theirs === undefined) return [];
    if (own === undefined) return [`${party.name} holds a session whose keys nobody saw made`];
    return own.send === theirs.receive && own.receive === theirs.send && own.send !== own.receive
      ? []
      : [`I9: the ends of one session hold different keys`];
  });
}

/** I6: nothing but a confirmed session tells where the other is, and in this world nobody moves. */
function movedEndpoint(model: Model, party: Party): string[] {
  if (party.peer === undefined) return [];
  const { endpoint, handshakesCompleted } = party.tunnel.engine.status(model.now, party.peer);
  if (endpoint === undefined) return [];
  const other = model.parties[otherSide(party.side)];
  if (!sameEndpoint(endpoint, other.address)) return [`I6: ${party.name} looks for ${other.name} elsewhere`];
  return model.options.knowsEndpoint[party.side] || handshakesCompleted > 0
    ? []
    : [`I6: ${party.name} learnt where ${other.name} is before a session was confirmed`];
}

/** Reasons with which something changes by right: an age noticed, a session that came too late (C5), slots given up. */
const excused: ReadonlySet<Drop> = new Set(['profile-mismatch', 'stale-confirm', 'reassembly-expired']);
const refusals = dropReasons.filter((reason) => !excused.has(reason));

/** I5: a datagram that is refused leaves the end as it was, but for what strangers are counted by (§6). */
export class RefusalWatch {
  readonly violations: string[] = [];
  readonly #model: Model;
  #refused = 0;
  #excused = 0;
  #state = '';

  constructor(model: Model) {
    this.#model = model;
  }

  before(party: Party): void {
    this.#refused = count(party, refusals);
    this.#excused = count(party, [...excused]);
    this.#state = this.#stateOf(party);
  }

  after(party: Party): void {
    if (count(party, refusals) === this.#refused || count(party, [...excused]) > this.#excused) return;
    if (this.#stateOf(party) !== this.#state)
      this.violations.push(`I5: a datagram that ${party.name} refused has changed it`);
  }

  #stateOf({ tunnel }: Party): string {
    const [peers] = tunnel.engine.fingerprint(this.#model.now).split(',"strangers":');
    return `${peers} ${tunnel.plane.fingerprint()}`;
  }
}

function count({ tunnel }: Party, reasons: readonly Drop[]): number {
  return reasons.reduce((sum, reason) => sum + tunnel.engine.drops.of(reason), 0);
}
