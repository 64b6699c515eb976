/**
 * What must follow from any state once faults stop: data flows both ways within I10's bound, and goes on to, until both ends send
 * under one session. Both applications send a packet a second; nothing is lost any more, and everything takes 10 ms.
 *
 * Of sessions that cross, N4 makes both ends take the same. More is not promised: where the first packets under both took longer
 * than REKEY_TIMEOUT, they do not cross, and each end sends under the one it confirmed last. Both receive under both, and the next
 * rekey, REJECT − KEEPALIVE − REKEY_TIMEOUT after, is one that N4 decides.
 */
import { type Instant, instant, invariant, limits } from '@pqtun/core';
import { agree, crossed, problemsOfState } from './checks.ts';
import type { Model } from './model.ts';
import { type AppPacket, type Side, sides } from './party.ts';

/** A session lives no longer, so neither do two ends that send under different ones. */
export const agreementBound = limits.sessionLimits('standard').rejectAfterTime;
/** I10: KEEPALIVE_TIMEOUT + 3 × REKEY_TIMEOUT + 1 s. */
export const livenessBound = limits.keepaliveTimeout + 3 * limits.rekeyTimeout + 1000;
const flight = 10;
const second = 1000;

export interface Settled {
  readonly problems: readonly string[];
  /** Milliseconds until data had come through both ways. */
  readonly flowedAfter: number;
  /** Milliseconds from then until both sent under one session. */
  readonly agreedAfter: number;
}

interface Arrival {
  readonly at: number;
  readonly from: Side;
  readonly bytes: Uint8Array;
}

/** Plays on to the end; the model is used up. What is under way `arrives`, in order, or is `lost`. */
export function settle(model: Model, underWay: 'arrives' | 'lost'): Settled {
  const start = model.now;
  const before = sides.map((side) => model.parties[side].packets.length);
  const flows = () =>
    sides.every((side) =>
      model.parties[side].packets.slice(before[side]).some(({ arrivedAt }) => arrivedAt !== undefined),
    );
  for (const side of sides) model.parties[side].setLoad(false);
  const run = new FaultFreeRun(model, underWay, start);
  const flowed = run.until(flows, livenessBound);
  const flowedAfter = model.now - start;
  if (!flowed) {
    return { problems: [`I10: no data both ways within ${livenessBound} ms`], flowedAfter, agreedAfter: 0 };
  }
  const flowedAt = model.now;
  const sent = sides.map((side) => model.parties[side].packets.length);
  const bound = crossed(model) ? livenessBound : agreementBound;
  const agreed = run.until(() => agree(model), bound);
  const agreedAfter = model.now - flowedAt;
  const problems = problemsOfState(model);
  if (!agreed) problems.push(`I9: the ends send under different sessions, still after ${bound} ms`);
  for (const side of sides) {
    const { name, packets } = model.parties[side];
    const lost = packets.slice(sent[side]).filter((packet) => isMissing(packet, model.now));
    if (lost.length > 0)
      problems.push(`I10: ${lost.length} packets of ${name} were lost on a network that loses nothing`);
  }
  return { problems, flowedAfter, agreedAfter };
}

const isMissing = ({ sentAt, arrivedAt }: AppPacket, now: number): boolean =>
  arrivedAt === undefined && sentAt + second <= now;

/** Lets time pass without fault, nobody sending anything of his own; what is under way arrives, and so does what follows. */
export function passTime(model: Model, milliseconds: number): void {
  const until = model.now + milliseconds;
  const run = new FaultFreeRun(model, 'arrives', undefined);
  run.until(() => false, milliseconds);
  model.now = instant(until);
  run.end();
}

class FaultFreeRun {
  readonly #model: Model;
  readonly #arrivals: Arrival[] = [];
  /** When both ends send a packet each. */
  #nextPackets: Instant | undefined;

  constructor(model: Model, underWay: 'arrives' | 'lost', nextPackets: Instant | undefined) {
    this.#model = model;
    this.#nextPackets = nextPackets;
    model.outlet = (from, sent) => {
      for (const { bytes } of sent) this.#arrivals.push({ at: model.now + flight, from, bytes });
    };
    if (underWay === 'arrives') {
      for (const { from, datagrams } of model.underWay)
        for (const bytes of datagrams) this.#arrivals.push({ at: model.now + flight, from, bytes });
    }
    model.underWay = [];
  }

  /** Whether `condition` came to hold within `limit` ms; looked at after each event. */
  until(condition: () => boolean, limit: number): boolean {
    const end = this.#model.now + limit;
    while (!condition()) if (!this.#step(end)) return false;
    return true;
  }

  /** Hands the model back to choices. */
  end(): void {
    invariant(this.#arrivals.length === 0, 'time passed while something was under way');
    this.#model.outlet = undefined;
  }

  /** Plays the next event, unless it lies after `end`. */
  #step(end: number): boolean {
    const model = this.#model;
    const due = sides.map((side) => model.parties[side].deadline() ?? never);
    const arrival = this.#arrivals[0];
    const next = Math.min(arrival?.at ?? never, this.#nextPackets ?? never, ...due);
    if (next > end) return false;
    model.now = instant(Math.max(model.now, next));
    const side = sides.find((each) => due[each] === next);
    if (side !== undefined) model.fallDue(side);
    else if (arrival?.at === next) {
      this.#arrivals.shift();
      model.deliverDatagram(arrival.from, arrival.bytes);
    } else {
      this.#nextPackets = instant(next + second);
      for (const each of sides) model.send(each);
    }
    return true;
  }
}

const never = Number.POSITIVE_INFINITY;
