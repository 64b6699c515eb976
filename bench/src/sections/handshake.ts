/**
 * What a hybrid handshake costs, by step and side, on one core: real messages between two engines, from the wish for a session to the
 * first packet under it. Labels: `suite` (ml-kem-768, ml-kem-1024), `step`, `role` (initiator, responder, both), `engine` (node, noble).
 *
 * Steps are those of protocol.md §4, told apart by what each begins with: I1 and R1 are the calls that draw fresh keys.
 */
import {
  endpoint,
  Identity,
  type Instant,
  instant,
  type PeerId,
  PortableTunnel,
  Secret,
  type Suite,
  type SuiteId,
  unixMillis,
} from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { taskSeconds } from '../measure/measure.ts';
import type { Row } from '../result.ts';
import type { BenchOptions, Context, Found, PartedTask, Section, TaskRow } from '../section.ts';
import { StepClock } from './handshake/step-clock.ts';

export const handshakeSection: Section = {
  id: 'handshake',
  title: 'A handshake by its steps, one core',
  isDefault: true,
  estimate,
  run: handshake,
};

const handshakeSuites = { 1: 'ml-kem-768', 2: 'ml-kem-1024' } as const;
const engines = { node: nodeSuite, noble: nobleSuite } as const;

/** In their order. `whole` is all of them. */
export const handshakeSteps = [
  ['keygen', 'initiator', 'key generation (I1)'],
  ['initiation', 'initiator', 'initiation made (I2–I8)'],
  ['initiation-opened', 'responder', 'initiation opened (I2–I7)'],
  ['response', 'responder', 'response made (R1–S1)'],
  ['response-opened', 'initiator', 'response opened (R2–S1)'],
  ['confirmation', 'responder', 'first packet opened'],
  ['whole', 'both', 'the whole'],
] as const;

function estimate(options: BenchOptions): number {
  return (
    taskSeconds(options) *
    handshakeSteps.length *
    Object.keys(handshakeSuites).length *
    Object.keys(engines).length
  );
}

async function handshake(context: Context): Promise<Found> {
  const suites = [1, 2] as const;
  const pairs = suites.flatMap((suite) =>
    Object.values(engines).map((engine) => new HandshakePair(engine(), suite)),
  );
  try {
    const rows = await context.measure('handshake', pairs.map(taskOf));
    return { rows: [...rows, ...pairs.flatMap((pair) => rateOf(pair, rows))] };
  } finally {
    for (const pair of pairs) pair.destroy();
  }
}

function taskOf(pair: HandshakePair): PartedTask {
  const suite = handshakeSuites[pair.suite];
  return {
    rows: handshakeSteps.map(
      ([step, role, title]): TaskRow => ({
        id: `handshake/${suite}/${step}/${pair.engine}`,
        title: `${title}, ${suite}, ${pair.engine}`,
        unit: 'ms',
        labels: { suite, step, role, engine: pair.engine },
      }),
    ),
    run: () => pair.shakeHands(),
  };
}

/** Both ends on one core; one end alone makes about twice as many. */
function rateOf(pair: HandshakePair, rows: readonly Row[]): Row[] {
  const suite = handshakeSuites[pair.suite];
  const whole = rows.find(({ id }) => id === `handshake/${suite}/whole/${pair.engine}`);
  if (whole === undefined) return [];
  return [
    {
      id: `handshake/${suite}/rate/${pair.engine}`,
      section: 'handshake',
      title: `handshakes a second, both ends on one core, ${suite}, ${pair.engine}`,
      unit: 'handshakes/s',
      better: 'more',
      median: 1000 / whole.median,
      rounds: whole.rounds.map((millis) => 1000 / millis),
      labels: { suite, step: 'rate', role: 'both', engine: pair.engine },
      formula: `1000 ms ÷ ${whole.id}`,
    },
  ];
}

const at = {
  initiator: endpoint(Uint8Array.of(192, 0, 2, 1), 51820),
  responder: endpoint(Uint8Array.of(192, 0, 2, 2), 51820),
};
/** IPv4, 20 B, from and to anywhere. */
const packet = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
/** Virtual milliseconds from one handshake to the next: further apart than any limit of the engine looks back. */
const pause = 300_000;

/** Two ends that shake hands over and over, on virtual time. */
class HandshakePair {
  readonly engine: string;
  readonly suite: SuiteId;
  readonly #clock: StepClock;
  readonly #identities: readonly [Identity, Identity];
  readonly #initiator: PortableTunnel;
  readonly #responder: PortableTunnel;
  readonly #responderId: PeerId;
  #now = 0;

  constructor(crypto: Suite, suite: SuiteId) {
    this.engine = crypto.name;
    this.suite = suite;
    this.#clock = new StepClock(crypto);
    const identity = () => new Identity(crypto, new Secret(crypto.random(32)), new Secret(crypto.random(64)));
    this.#identities = [identity(), identity()];
    const [own, other] = this.#identities;
    [this.#initiator, this.#responderId] = this.#open(own, other, at.responder);
    [this.#responder] = this.#open(other, own, at.initiator);
  }

  /** Milliseconds of each step, in the order of `handshakeSteps`. */
  shakeHands(): number[] {
    this.#now += pause;
    const now = instant(this.#now);
    // What is due since the last time, not timed: the end of the sessions of then.
    for (const end of [this.#initiator, this.#responder]) {
      end.handleTimeout(now);
      take(end);
    }
    const clock = this.#clock;
    clock.start();
    this.#initiator.engine.initiate(now, this.#responderId);
    this.#initiator.handleTimeout(now);
    const initiation = take(this.#initiator);
    const made = clock.lap();
    const keygen = clock.fresh;

    for (const bytes of initiation) this.#responder.handleDatagram(now, at.initiator, undefined, bytes);
    const response = take(this.#responder);
    const responded = clock.lap();
    const opened = clock.untilFresh;

    for (const bytes of response) this.#initiator.handleDatagram(now, at.responder, undefined, bytes);
    const first = take(this.#initiator);
    const completed = clock.lap();

    for (const bytes of first) this.#responder.handleDatagram(now, at.initiator, undefined, bytes);
    const confirmed = clock.lap();
    this.#check(now, initiation.length, response.length, first.length);
    const steps = [keygen, made - keygen, opened, responded - opened, completed, confirmed];
    return [...steps, steps.reduce((sum, step) => sum + step, 0)];
  }

  destroy(): void {
    for (const identity of this.#identities) identity.destroy();
  }

  #open(self: Identity, peer: Identity, where: typeof at.initiator): [PortableTunnel, PeerId] {
    const tunnel = new PortableTunnel(instant(0), {
      crypto: this.#clock.suite,
      identity: self,
      wallClock: () => unixMillis(1_767_225_600_000 + this.#now),
    });
    const id = tunnel.engine.addPeer(instant(0), {
      publicKey: peer.dh.publicKey,
      kemPublicKey: peer.kem(this.suite)?.publicKey ?? new Uint8Array(0),
      endpoint: where,
    });
    tunnel.plane.setRoutes([{ kind: 'add', peer: id, prefix: new Uint8Array(4), bits: 0 }]);
    return [tunnel, id];
  }

  /** A figure of a handshake that failed would be a fine one. */
  #check(now: Instant, ...messages: readonly number[]): void {
    this.#responder.handlePacket(now, packet.slice());
    for (const bytes of take(this.#responder))
      this.#initiator.handleDatagram(now, at.responder, undefined, bytes);
    const arrived = this.#initiator.poll();
    if (arrived?.kind !== 'packet' || messages.some((count) => count === 0))
      throw new Error(
        `a handshake of ${messages.join(' + ')} datagrams carried no packet: this is a fault of pqtun, please report it`,
      );
    take(this.#initiator);
  }
}

/** All datagrams an end has to send. */
function take(end: PortableTunnel): Uint8Array[] {
  const datagrams: Uint8Array[] = [];
  for (let output = end.poll(); output !== undefined; output = end.poll())
    if (output.kind === 'datagram') datagrams.push(output.bytes);
  while (end.pollEvent() !== undefined); // events are for whoever logs
  return datagrams;
}
