/**
 * An attacker on the path: records what is sent, plays it again, late, elsewhere and back to its sender, alters it, holds it
 * back, and writes what a stranger who knows the public keys can write. It holds no secret of anybody (§8 A2, A6).
 */
import { type Endpoint, endpoint, type Suite } from '@pqtun/core';
import { addressee, Forger } from '../kit/forger.ts';
import { type Datagram, type Host, ip } from '../kit/index.ts';
import type { Simulation } from './simulation.ts';

const mostRecorded = 400;

export class Attacker {
  readonly #simulation: Simulation;
  readonly #forger: Forger;
  #recorded: Datagram[] = [];
  #held: Datagram[] = [];

  constructor(simulation: Simulation, crypto: Suite) {
    this.#simulation = simulation;
    this.#forger = new Forger(crypto);
    simulation.world.observers.push({ onSent: (_host, datagram) => this.#record(datagram) });
  }

  /** Plays recorded messages again: to whom they were for, or to anybody; from where they came, or from anywhere. */
  replay(times: number): void {
    const { random, world } = this.#simulation;
    for (let i = 0; i < times && this.#recorded.length > 0; i++) {
      const picked = random.pick(this.#recorded);
      const target = random.chance(0.8) ? picked.to : this.#simulation.anyHost().address;
      const from = this.#source(picked.from);
      const perfect = random.chance(0.5);
      for (const { bytes } of this.#wholeMessage(picked)) world.inject(from, target, bytes, perfect);
    }
  }

  /** Sends datagrams back to who sent them, as if from where they were going. */
  reflect(times: number): void {
    const { random, world } = this.#simulation;
    for (let i = 0; i < times && this.#recorded.length > 0; i++) {
      const { from, to, bytes } = random.pick(this.#recorded);
      world.inject(to, from, bytes, true);
    }
  }

  /** Replays altered: a bit, a header field, the length, the type. */
  alter(times: number): void {
    const { random, world } = this.#simulation;
    for (let i = 0; i < times && this.#recorded.length > 0; i++) {
      const { from, to, bytes } = random.pick(this.#recorded);
      world.inject(this.#source(from), to, this.#altered(bytes), true);
    }
  }

  /** Keeps a share of what is sent from now on out of the network. */
  holdBack(share: number): void {
    const { network, random } = this.#simulation;
    network.holdsBack = (datagram) => {
      if (this.#held.length >= mostRecorded || !random.chance(share)) return false;
      this.#held.push(datagram);
      return true;
    };
  }

  /** Keeps all initiations out of the network: while somebody wants a session, one after the other. */
  holdInitiations(): void {
    this.#simulation.network.holdsBack = (datagram) => {
      if (datagram.bytes[0] !== 0x11 && datagram.bytes[0] !== 1) return false;
      this.#held.push(datagram);
      return true;
    };
  }

  /** Lets go what was held back, in any order. */
  release(): void {
    const { network, random, world } = this.#simulation;
    network.holdsBack = undefined;
    while (this.#held.length > 0) {
      const [datagram] = this.#held.splice(random.between(0, this.#held.length - 1), 1);
      if (datagram === undefined) return;
      const from = random.chance(0.7) ? datagram.from : this.#source(datagram.from);
      world.inject(from, datagram.to, datagram.bytes, true);
    }
  }

  /** Lets go what was held back, in order, each message from a place of its own: C3 and C4 at their limits. */
  scatter(): void {
    const { network, world } = this.#simulation;
    network.holdsBack = undefined;
    const places = new Map<string, Endpoint>();
    for (const { to, bytes } of this.#held.splice(0)) {
      const message = Buffer.from(bytes.subarray(4, 8)).toString('hex');
      const from = places.get(message) ?? endpoint(ip(`198.18.${places.size & 0xff}.1`), 51820);
      places.set(message, from);
      world.inject(from, to, bytes, true);
    }
  }

  /** Fragments with a right mac1 and nothing else right, from addresses of peers and of strangers. §6. */
  flood(target: Host, times: number): void {
    const { random, world, watch } = this.#simulation;
    for (let i = 0; i < times; i++) {
      const suite = random.chance(0.8) ? 1 : 2;
      const gk = random.chance(0.5) ? this.#simulation.deploymentKeyOf(target) : undefined;
      const to = addressee(target.identity, suite, gk);
      const body = random.bytes(64);
      const whole = new Uint8Array(suite === 1 ? 2380 : 3244);
      for (let at = 0; at < whole.length; at += body.length)
        whole.set(body.subarray(0, whole.length - at), at);
      const from = this.#source(this.#simulation.anyHost().address);
      const index = random.chance(0.2) ? (this.#recordedIndex() ?? random.next()) : random.next();
      for (const datagram of this.#forger.cutInitiation(to, suite, index, whole)) {
        if (random.chance(0.2)) continue; // and some never become whole
        watch.see({ kind: 'forged', at: world.now, bytes: datagram });
        world.inject(from, target.address, datagram, true);
      }
    }
  }

  /** Bytes without meaning, some that begin as a message does. */
  garbage(times: number): void {
    const { random, world } = this.#simulation;
    for (let i = 0; i < times; i++) {
      const length = random.pick([0, 1, 31, 32, 64, 92, 148, 508, 1230, 1156, random.between(0, 1500)]);
      const bytes = random.bytes(length);
      if (length > 4 && random.chance(0.8)) {
        bytes[0] = random.pick([1, 2, 3, 4, 0x11, 0x12]);
        if (bytes[0] < 0x10) bytes.fill(0, 1, 4);
        else bytes.set([random.pick([1, 2]), random.between(0, 6), random.between(0, 7)], 1);
      }
      world.inject(
        this.#source(this.#simulation.anyHost().address),
        this.#simulation.anyHost().address,
        bytes,
        true,
      );
    }
  }

  /** Nothing of it is played or kept any more. */
  end(): void {
    this.#recorded = [];
    this.#held = [];
  }

  #record(datagram: Datagram): void {
    if (this.#recorded.length < mostRecorded) this.#recorded.push(datagram);
    else this.#recorded[this.#simulation.random.between(0, mostRecorded - 1)] = datagram;
  }

  /** All datagrams that left with this one as fragments of one message. */
  #wholeMessage(datagram: Datagram): Datagram[] {
    const { at, bytes } = datagram;
    if (bytes[0] !== 0x11 && bytes[0] !== 0x12) return [datagram];
    return this.#recorded.filter(
      (other) =>
        other.at === at &&
        other.bytes[0] === bytes[0] &&
        other.bytes.subarray(4, 8).every((byte, i) => byte === bytes[4 + i]),
    );
  }

  /** Where it pretends to be: where it came from, another's address, or some place of its own. */
  #source(from: Endpoint): Endpoint {
    const { random } = this.#simulation;
    if (random.chance(0.5)) return from;
    if (random.chance(0.3)) return this.#simulation.anyHost().address;
    return endpoint(ip(`203.0.113.${random.between(1, 20)}`), random.between(1024, 65_535));
  }

  #recordedIndex(): number | undefined {
    if (this.#recorded.length === 0) return undefined;
    const { bytes } = this.#simulation.random.pick(this.#recorded);
    return bytes.length < 8 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  }

  #altered(bytes: Uint8Array): Uint8Array {
    const { random } = this.#simulation;
    const copy = bytes.slice();
    const flip = (at: number): void => {
      copy[at] = (copy[at] ?? 0) ^ random.between(1, 255);
    };
    switch (random.between(0, 5)) {
      case 0:
        flip(random.between(0, copy.length - 1));
        return copy;
      case 1: // type, suite, fragment index, count
        flip(random.between(0, 3));
        return copy;
      case 2: // an index or the counter
        flip(random.between(4, Math.min(15, copy.length - 1)));
        return copy;
      case 3:
        return copy.subarray(0, random.between(0, copy.length - 1)).slice();
      case 4: {
        const longer = new Uint8Array(copy.length + random.between(1, 64));
        longer.set(copy);
        return longer;
      }
      default: // a mac or a tag
        flip(random.between(Math.max(0, copy.length - 32), copy.length - 1));
        return copy;
    }
  }
}
