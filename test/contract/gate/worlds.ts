/** Two engines of one identity, one behind a gate and one alone, to whom the same happens. */
import {
  type Drop,
  dropReasons,
  type Endpoint,
  Engine,
  type GateSettings,
  type Identity,
  type Instant,
  instant,
  type PeerId,
  unixMillis,
} from '@pqtun/core';
import type { Suite } from '@pqtun/core/noble';
import { newYear2026 } from '../../kit/host.ts';
import { at, freshIdentity } from '../../kit/target.ts';
import { FrontedPlane } from './fronted-plane.ts';
import type { Step, Strangers } from './strangers.ts';
import { type FrontGate, secretsOf } from './twin-gate.ts';

/** What came of a step, in words that are the same for both. */
export interface Outcome {
  readonly drops: Partial<Record<Drop, number>>;
  /** First bytes of what left, with its destination; a cookie reply with the cookie in it, as R of that engine makes it. */
  readonly sent: readonly string[];
  readonly sizes: object;
  readonly cookieReplies: number;
}

export interface Others {
  readonly hybrid: Identity;
  readonly classical: Identity;
}

export const others = (crypto: Suite): Others => ({
  hybrid: freshIdentity(crypto),
  classical: freshIdentity(crypto),
});

export class GateWorld {
  readonly engine: Engine;
  readonly plane: FrontedPlane;
  readonly #crypto: Suite;
  readonly #others: Others;
  readonly #hybrid: PeerId;
  #classical: PeerId | undefined;
  readonly #counted: number[] = dropReasons.map(() => 0);
  #now: Instant = instant(0);

  constructor(crypto: Suite, identity: Identity, known: Others, front?: FrontGate) {
    this.#crypto = crypto;
    this.#others = known;
    this.plane = new FrontedPlane({ suite: crypto }, front);
    this.engine = new Engine(this.#now, {
      crypto,
      plane: this.plane,
      identity,
      policy: { loadHandshakesPerSecond: 3 },
      wallClock: () => unixMillis(newYear2026 + this.#now),
    });
    this.#hybrid = this.engine.addPeer(this.#now, {
      publicKey: known.hybrid.dh.publicKey,
      kemPublicKey: known.hybrid.kem(1)?.publicKey ?? new Uint8Array(0),
      endpoint: at('198.51.100.7'),
    });
  }

  get now(): Instant {
    return this.#now;
  }

  get settings(): GateSettings {
    const { settings } = this.plane;
    if (settings === undefined) throw new Error('no gate was ever set');
    return settings;
  }

  /** As a device wakes the engine from time to time, whose gate is told then that R was replaced. */
  wake(): void {
    this.engine.handleReports(this.#now);
  }

  take(step: Step, strangers: Strangers): Outcome {
    const { engine } = this;
    switch (step.kind) {
      case 'datagram': {
        const bytes = strangers.bytesFor(this.#now, this.settings, step);
        this.plane.handleStranger(this.#now, step.from, undefined, bytes);
        engine.handleReports(this.#now);
        return this.#outcome(step.from, bytes);
      }
      case 'wait':
        this.#now = instant(this.#now + step.milliseconds);
        break;
      case 'loop-delay':
        engine.setLoopDelay(step.milliseconds);
        break;
      case 'deployment-keys':
        engine.setDeploymentKeys(step.keys);
        break;
      case 'classical-peers':
        if (this.#classical === undefined) {
          this.#classical = engine.addPeer(this.#now, { publicKey: this.#others.classical.dh.publicKey });
        } else {
          engine.removePeer(this.#now, this.#classical);
          this.#classical = undefined;
        }
        break;
      case 'initiate':
        engine.initiate(this.#now, this.#hybrid);
        engine.handleTimeout(this.#now);
        break;
      default:
        step satisfies never;
    }
    return this.#outcome();
  }

  /** Load, slots and what has been used up of rates; the latter is the gate's where there is one. */
  strangers(): { load: unknown; slots: unknown } {
    // fingerprint() is the JSON of an object with these members
    const { strangers } = JSON.parse(this.engine.fingerprint(this.#now)) as {
      strangers: { gate: { load: unknown }; slots: unknown };
    };
    return { load: strangers.gate.load, slots: strangers.slots };
  }

  #outcome(from?: Endpoint, datagram?: Uint8Array): Outcome {
    while (this.engine.pollEvent() !== undefined); // not of interest, but not to pile up
    const sent: string[] = [];
    for (let output = this.plane.poll(); output !== undefined; output = this.plane.poll()) {
      if (output.kind !== 'datagram') continue;
      const { bytes, to } = output;
      const kind = `${bytes[0]} to ${to.port}`;
      sent.push(
        bytes[0] === 3 && datagram !== undefined && from !== undefined
          ? `${kind} ${this.#read(bytes, from, datagram)}`
          : kind,
      );
    }
    const drops: Outcome['drops'] = {};
    for (const [i, reason] of dropReasons.entries()) {
      const times = this.engine.drops.of(reason);
      const before = this.#counted[i] ?? 0;
      if (times > before) drops[reason] = times - before;
      this.#counted[i] = times;
    }
    return { drops, sent, sizes: this.engine.sizes(), cookieReplies: this.engine.cookieRepliesSent };
  }

  /** What a cookie reply says, opened with the keys that this engine has. */
  #read(reply: Uint8Array, from: Endpoint, datagram: Uint8Array): string {
    const { suites, classical } = this.settings;
    const keys = [...suites.values()].flat().concat(classical);
    const mac1 = datagram.subarray(-32, -16);
    const position = keys.findIndex(
      ({ cookie }) =>
        this.#crypto.xopen(cookie, reply.subarray(8, 32), mac1, reply.subarray(32)) !== undefined,
    );
    const cookie = this.#crypto.xopen(
      keys[position]?.cookie ?? classical.cookie,
      reply.subarray(8, 32),
      mac1,
      reply.subarray(32),
    );
    const [R = new Uint8Array(32)] = secretsOf(this.settings, this.#now);
    const right = this.#crypto.mac(R, from.ip, Uint8Array.of(from.port >> 8, from.port & 255));
    const isRight = cookie !== undefined && this.#crypto.equal(cookie, right);
    return `key ${position}, ${reply.length} B, index ${reply.subarray(4, 8).join()}, cookie ${isRight ? 'right' : 'wrong'}`;
  }
}
