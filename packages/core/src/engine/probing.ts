/** Inner control messages: probes we send, answers we owe. protocol.md §3.5, §5.3 T4. */
import type { Suite } from '../crypto/suite.ts';
import { maxAnswersPerSecond, probeCountsAsDataUpTo } from '../limits.ts';
import type { Peer } from '../peer/peer.ts';
import type { PlaneMessage } from '../plane/plane.ts';
import { elapsed, type Instant, ipKey, type Millis } from '../types.ts';
import { parseControl, probeAnswer, writeProbe } from '../wire/messages.ts';
import { type EngineContext, refuse } from './context.ts';

const tokenSize = 8;
/** Probes of ours we wait for at a time; an answer to an older one tells nothing any more. */
const maxAwaited = 64;
const second = 1000;

export class Probing {
  readonly #crypto: Suite;
  /** When each probe was sent, by token; oldest first. */
  readonly #awaited = new Map<string, Instant>();
  /** When the last answers were sent, oldest first: at most 16 in any second. */
  readonly #answeredAt: Instant[] = [];

  constructor(crypto: Suite) {
    this.#crypto = crypto;
  }

  /**
   * Sends a 0x01 probe of `length` B (a multiple of 16) to the peer's endpoint; its token, or `undefined` when there is no
   * session to send under. Up to 64 B it counts as data sent for T3.
   */
  send(context: EngineContext, now: Instant, peer: Peer, length?: number): Uint8Array | undefined {
    const token = this.#crypto.random(tokenSize);
    const payload = writeProbe('probe', token, length);
    if (!context.plane.transmit(now, peer.id, payload)) return undefined;
    this.#awaited.set(ipKey(token), now);
    if (this.#awaited.size > maxAwaited) {
      const [oldest] = this.#awaited.keys();
      if (oldest !== undefined) this.#awaited.delete(oldest);
    }
    if (payload.length <= probeCountsAsDataUpTo) peer.timers.onDataSent(now);
    return token;
  }

  /** One authenticated control payload of a hybrid session. */
  handle(
    context: EngineContext,
    now: Instant,
    peer: Peer,
    message: PlaneMessage & { kind: 'control' },
  ): void {
    const control = parseControl(message.payload);
    if (typeof control === 'string') return refuse(context, control);
    if (control.kind === 'answer') {
      const roundTrip = this.#takeAwaited(now, control.token);
      if (roundTrip === undefined) return;
      peer.roundTrip = roundTrip;
      context.emit({ kind: 'pong', peer: peer.id, token: control.token.slice(), roundTrip });
      return;
    }
    if (!this.#mayAnswer(now)) return refuse(context, 'answer-limit');
    const answer = probeAnswer.write({ token: control.token, length: control.length });
    // 0x03 tries a path without moving the endpoint to it, so its answer takes the path it came by
    const path =
      control.kind === 'path-probe'
        ? { endpoint: message.from, localAddress: message.localAddress }
        : undefined;
    context.plane.transmit(now, peer.id, answer, path);
  }

  /** For tests: ages in milliseconds of the probes awaited and of the answers that count against the next. */
  describe(now: Instant): { awaited: number[]; answered: number[] } {
    return {
      awaited: [...this.#awaited.values()].map((at) => elapsed(at, now)),
      answered: this.#answeredAt.map((at) => elapsed(at, now)).filter((age) => age < second),
    };
  }

  #takeAwaited(now: Instant, token: Uint8Array): Millis | undefined {
    const key = ipKey(token);
    const sentAt = this.#awaited.get(key);
    this.#awaited.delete(key);
    return sentAt === undefined ? undefined : elapsed(sentAt, now);
  }

  #mayAnswer(now: Instant): boolean {
    const answeredAt = this.#answeredAt;
    while (answeredAt[0] !== undefined && elapsed(answeredAt[0], now) >= second) answeredAt.shift();
    if (answeredAt.length >= maxAnswersPerSecond) return false;
    answeredAt.push(now);
    return true;
  }
}
