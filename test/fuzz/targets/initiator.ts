/**
 * An initiator with an initiation in flight, and everything that may come back: responses by a hub whose keys we hold, genuine or
 * not, their fragments in any order and often, cookie replies genuine or not, copies, retries, time. Input: a sequence of acts.
 * Nothing but a genuine response makes a session; after all, a genuine one still does.
 */
import type { PeerId, SuiteId } from '@pqtun/core';
import { addressee, Forger, mac1Of } from '../../kit/forger.ts';
import { type Outcome, Target } from '../../kit/target.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { fuzzSuite, hubAt, identityOf, places, spans } from './parties.ts';

export const target: FuzzTarget = {
  name: 'initiator',
  about: 'an initiation in flight: responses, cookie replies, copies, retries',
  maxLength: 256,
  executions: 4_500,
  seeds: [
    Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0),
    Uint8Array.of(1, 2, 0, 0, 2, 1, 0, 4, 3),
    Uint8Array.of(0, 3, 1, 0, 4, 9, 0, 0, 0, 1, 0, 0, 1, 1, 0),
    Uint8Array.of(0, 0, 4, 5, 1, 0, 2, 1, 1, 0, 1, 2, 0),
    Uint8Array.of(0, 2, 0, ...new Uint8Array(17), 2, 0, ...new Uint8Array(17)), // two cookie replies
  ],
  dictionary: [Uint8Array.of(0, 0, 0, 0, 1, 0, 0), Uint8Array.of(2, 0, 0, 0), Uint8Array.of(4, 9)],
  run: (input) => new Attempt(input).run(),
};

/** Sender indices of responses by which their honesty is told. */
const honestFrom = 0x100;

class Attempt {
  readonly #cursor: Cursor;
  readonly #crypto = fuzzSuite(7);
  readonly #forger = new Forger(this.#crypto);
  readonly #suite: SuiteId;
  readonly #gateway = new Target(this.#crypto, { identity: identityOf('first') });
  readonly #peer: PeerId;
  readonly #held: Uint8Array[] = [];
  /** Datagrams of the last initiation, in its order. */
  #initiation: Uint8Array[] = [];
  /** Indices of initiations that were sent again for a cookie. */
  readonly #actedOn = new Set<number>();
  #nextHonest = honestFrom;

  constructor(input: Uint8Array) {
    this.#cursor = new Cursor(input);
    this.#suite = this.#cursor.u8() % 2 === 0 ? 1 : 2;
    this.#peer = this.#gateway.addPeer(identityOf('hub'), { suite: this.#suite, endpoint: hubAt });
  }

  run(): void {
    this.#begin();
    for (let steps = 0; !this.#cursor.atEnd && steps < 40; steps++) this.#act();
    this.#peace();
  }

  #act(): void {
    const cursor = this.#cursor;
    switch (cursor.u8() % 7) {
      case 0:
        return this.#respond();
      case 1:
        return this.#deliver(this.#pick());
      case 2:
        return this.#cookie();
      case 3:
        return this.#begin();
      case 4:
        return this.#note(this.#gateway.pass(cursor.pick(spans)));
      case 5:
        return this.#deliver(this.#changed(this.#pick()));
      default:
        return this.#note(
          this.#gateway.act(({ engine }, now) =>
            cursor.u8() % 2 === 0
              ? engine.handleNetworkChange(now)
              : engine.updatePeer(now, this.#peer, { endpoint: cursor.pick([hubAt, places[0]]) }),
          ),
        );
    }
  }

  #begin(): void {
    this.#note(this.#gateway.act(({ engine }, now) => engine.initiate(now, this.#peer)));
    this.#note(this.#gateway.pass(0));
  }

  /** A response to the initiation that is out: to be delivered later. */
  #respond(): void {
    const cursor = this.#cursor;
    if (this.#initiation.length === 0) return;
    const options = cursor.u8();
    const has = (bit: number) => (options & bit) !== 0;
    const flip = (bytes: Uint8Array): Uint8Array => {
      const copy = bytes.slice();
      const at = cursor.u16() % copy.length;
      copy[at] = (copy[at] ?? 0) ^ (1 << (options >> 5));
      return copy;
    };
    const fault = options % 16; // 0 and 9 … 15: none
    const honest = fault === 0 || fault > 8;
    const senderIndex = honest ? this.#nextHonest++ : cursor.u8();
    const { datagrams } = this.#forger.response({
      as: identityOf(fault === 1 ? 'second' : 'hub'),
      to: addressee(identityOf('first'), this.#suite),
      suite: this.#suite,
      initiation: this.#initiation,
      senderIndex,
      ...(fault === 2 ? { ephemeral: new Uint8Array(32) } : {}),
      ...(fault === 3 ? { ct2: flip } : {}),
      ...(fault === 4 ? { ct3: flip } : {}),
      ...(fault === 5 ? { enc0: flip } : {}),
      ...(fault === 6 ? { psk: new Uint8Array(32).fill(3) } : {}),
      ...(fault === 7 ? { body: flip } : {}),
      ...(fault === 8 ? { m2: new Uint8Array(32) } : {}),
      ...(has(16) ? { count: (this.#suite === 1 ? 2 : 3) + (options >> 6) } : {}),
    });
    this.#held.push(...datagrams);
  }

  /** A cookie reply to the initiation, under the right key or not. */
  #cookie(): void {
    const cursor = this.#cursor;
    const options = cursor.u8();
    const first = this.#initiation[0];
    if (first === undefined) return;
    const to = addressee(identityOf((options & 1) === 0 ? 'hub' : 'second'), this.#suite);
    const mac1 = (options & 2) === 0 ? mac1Of(first) : cursor.bytes(16);
    const index = new DataView(first.buffer, first.byteOffset).getUint32(4, true);
    const receiver = (options & 4) === 0 ? index : cursor.u32();
    const reply = this.#forger.cookieReply(to, this.#suite, receiver, mac1, cursor.bytes(16));
    if ((options & 8) === 0) return this.#deliver(reply);
    this.#held.push(reply);
  }

  #changed(bytes: Uint8Array): Uint8Array {
    const cursor = this.#cursor;
    if (bytes.length === 0) return bytes;
    const copy = bytes.slice(0, cursor.u8() % 8 === 0 ? cursor.u16() % bytes.length : bytes.length);
    const at = cursor.u16();
    if (copy.length > 0) copy[at % copy.length] = (copy[at % copy.length] ?? 0) ^ (1 << (cursor.u8() % 8));
    return copy;
  }

  /** One datagram to the initiator: refused and without effect, or taken, and then it was genuine. */
  #deliver(bytes: Uint8Array): void {
    const before = this.#gateway.state();
    const had = this.#completed();
    const outcome = this.#gateway.deliver(this.#cursor.pick(places), bytes);
    const reasons = Object.keys(outcome.drops);
    must(reasons.length <= 1, 'one datagram, two reasons to drop it');
    must(outcome.delivered.length === 0, 'a handshake delivered a packet');
    if (reasons.length > 0) {
      must(this.#gateway.state() === before, 'I5: a rejected datagram changed the initiator');
      must(outcome.sent.length === 0, 'a rejected datagram was answered');
    }
    const made = this.#completed() - had;
    must(made === 0 || made === 1, 'Rosenpass 0.2.2: more than one session by one datagram');
    if (made === 1) {
      const sender = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
      must(sender >= honestFrom, 'a response with a fault in it made a session');
      must(
        outcome.sent.length === 1 && outcome.sent[0]?.bytes[0] === 4,
        'N2: the first packet leaves at once',
      );
      this.#initiation = [];
    }
    if (bytes[0] === 3 && outcome.sent.length > 0) {
      must(
        outcome.sent.every(({ bytes: again }) => again[0] === 0x11),
        'a cookie reply brought about something else than a copy',
      );
      const index = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
      must(!this.#actedOn.has(index), 'N3: a second cookie reply was acted on');
      this.#actedOn.add(index);
    }
    this.#note(outcome);
    must(this.#gateway.tunnel.engine.sizes().indices <= 4, 'more indices than sessions and one initiation');
  }

  /** Remembers initiations that leave; all go where the first went. */
  #note({ sent }: Outcome): void {
    for (const { bytes } of sent) {
      if (bytes[0] !== 0x11) continue;
      if (bytes[2] === 0) this.#initiation = [];
      this.#initiation.push(bytes);
    }
    const sum = this.#initiation.length;
    must(sum <= 7, 'more fragments than an initiation has');
  }

  #pick(): Uint8Array {
    return this.#held.at(-1 - (this.#cursor.u8() % Math.max(1, this.#held.length))) ?? new Uint8Array(0);
  }

  #completed(): number {
    return this.#gateway.tunnel.engine.status(this.#gateway.now, this.#peer).handshakesCompleted;
  }

  /** Whatever was, a genuine response to the next initiation makes a session. */
  #peace(): void {
    this.#gateway.act(({ engine }, now) => engine.updatePeer(now, this.#peer, { endpoint: hubAt }));
    this.#note(this.#gateway.pass(1_000));
    this.#initiation = [];
    this.#note(
      this.#gateway.act(({ engine }, now) => {
        engine.initiate(now, this.#peer);
        engine.handleNetworkChange(now);
      }),
    );
    for (let second = 0; second < 12 && this.#initiation.length === 0; second++)
      this.#note(this.#gateway.pass(1_000));
    must(this.#initiation.length > 0, 'I10: no initiation leaves any more');
    const { datagrams } = this.#forger.response({
      as: identityOf('hub'),
      to: addressee(identityOf('first'), this.#suite),
      suite: this.#suite,
      initiation: this.#initiation,
      senderIndex: this.#nextHonest++,
    });
    const had = this.#completed();
    for (const bytes of datagrams) this.#gateway.deliver(hubAt, bytes);
    must(this.#completed() === had + 1, 'I10: a genuine response makes no session any more');
  }
}
