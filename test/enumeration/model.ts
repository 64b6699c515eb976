/**
 * Two ends and what is under way between them, standing still until a choice moves them. A state is reached by playing choices
 * from a start; equal choices from equal starts give equal states, whatever suite is under it.
 *
 * Choices, as they stand in a trace (n counts what is under way, from 0; s is `a` or `b`):
 *   dN  deliver          sS  the application at s sends one packet
 *   kN  deliver and keep a copy (duplicate), which then can only be delivered
 *   xN  lose             tS  time passes to the earliest deadline, which is s's, and it falls due
 *                        lS  load at s begins or ends (§6: under load, strangers get cookies)
 */
import { type Instant, instant, type Suite } from '@pqtun/core';
import { kindOf, receiverIndexOf, senderIndexOf } from '../kit/index.ts';
import { type Message, messagesOf, textOf } from './message.ts';
import { nameOf, otherSide, Party, type Sent, type Side, sides } from './party.ts';
import { SealLog } from './watched-suite.ts';

export type Choice = `${'d' | 'k' | 'x'}${number}` | `${'s' | 't' | 'l'}${'a' | 'b'}`;

export interface ModelOptions {
  /** A fresh suite of its own for each end, and the identities to go with it. */
  readonly crypto: readonly [Suite, Suite];
  readonly identities: readonly [Party['identity'], Party['identity']];
  readonly classical: boolean;
  /** Whether each end knows where the other is. */
  readonly knowsEndpoint: readonly [boolean, boolean];
  /** Fragments of one message travel each alone. */
  readonly apart: boolean;
  /** Packets each end's application may send by choice. */
  readonly packets: readonly [number, number];
  /** Changes of load each end may undergo by choice. */
  readonly loadChanges: readonly [number, number];
}

export class Model {
  readonly parties: readonly [Party, Party];
  readonly log = new SealLog();
  readonly options: ModelOptions;
  now: Instant = instant(0);
  underWay: Message[] = [];
  /** When the cookie each end holds was given. */
  readonly heldCookieFrom: [number | undefined, number | undefined] = [undefined, undefined];
  readonly packetsLeft: [number, number];
  readonly loadChangesLeft: [number, number];
  /** Initiations by their timestamp's bytes, as `fingerprint` texts have them. */
  readonly indexOfTimestamp = new Map<string, number>();
  /** Initiation answered by each response: the responder's index to the initiator's. */
  readonly answers = new Map<number, number>();
  /** Handshake bytes that came to each end, and what it answered (I12). */
  readonly received: [number, number] = [0, 0];
  readonly answered: [number, number] = [0, 0];
  readonly #newestInitiation: [number, number] = [0, 0];
  /** Called before and after each datagram is handled. */
  watcher: { before(party: Party): void; after(party: Party): void } | undefined;
  /** Where sent datagrams go instead of `underWay`. */
  outlet: ((from: Side, sent: readonly Sent[]) => void) | undefined;

  constructor(options: ModelOptions) {
    this.options = options;
    this.packetsLeft = [...options.packets];
    this.loadChangesLeft = [...options.loadChanges];
    const party = (side: Side): Party =>
      new Party(
        { side, base: options.crypto[side], log: this.log, identity: options.identities[side] },
        this,
      );
    this.parties = [party(0), party(1)];
    for (const side of sides) {
      const { classical, knowsEndpoint } = options;
      this.parties[side].addPeer(this.parties[otherSide(side)], {
        classical,
        knowsEndpoint: knowsEndpoint[side],
      });
      this.drain(side);
    }
  }

  choices(): Choice[] {
    const choices: Choice[] = [];
    for (const [n, { kept }] of this.underWay.entries()) {
      choices.push(`d${n}`);
      if (!kept) choices.push(`k${n}`, `x${n}`); // a copy that is kept to be lost is no copy
    }
    const due = sides.map((side) => this.parties[side].deadline() ?? Number.POSITIVE_INFINITY);
    const earliest = Math.min(...due);
    for (const side of sides) {
      const name = side === 0 ? 'a' : 'b';
      if (this.packetsLeft[side] > 0) choices.push(`s${name}`);
      if (due[side] === earliest && earliest < Number.POSITIVE_INFINITY) choices.push(`t${name}`);
      if (this.loadChangesLeft[side] > 0) choices.push(`l${name}`);
    }
    return choices;
  }

  /** Throws `RangeError` for a choice that this state does not offer. */
  apply(choice: Choice): void {
    const [verb = '', what = ''] = [choice.slice(0, 1), choice.slice(1)];
    if (verb === 'd' || verb === 'k' || verb === 'x') {
      const message = this.underWay[Number(what)];
      if (message === undefined || (verb !== 'd' && message.kept)) throw notOffered(choice);
      const kept = verb === 'k' ? [{ ...message, kept: true }] : [];
      this.underWay.splice(Number(what), 1, ...kept);
      if (verb === 'x') return;
      this.deliver(message);
      this.#doWhatIsDue(otherSide(message.from));
      return;
    }
    const side: Side = what === 'a' ? 0 : 1;
    if (verb === 's' && this.packetsLeft[side] > 0) {
      this.packetsLeft[side]--;
      this.send(side);
    } else if (verb === 't') this.fallDue(side);
    else if (verb === 'l' && this.loadChangesLeft[side] > 0) {
      this.loadChangesLeft[side]--;
      this.parties[side].setLoad(!this.parties[side].loaded);
    } else throw notOffered(choice);
    this.#doWhatIsDue(side);
  }

  /** What `choice` would do, for a reader. */
  textOf(choice: Choice): string {
    const message = this.underWay[Number(choice.slice(1))];
    const name = choice.slice(1);
    switch (choice.charAt(0)) {
      case 'd':
        return `delivered: ${message === undefined ? '?' : textOf(message)}`;
      case 'k':
        return `delivered, and a copy kept: ${message === undefined ? '?' : textOf(message)}`;
      case 'x':
        return `lost: ${message === undefined ? '?' : textOf(message)}`;
      case 's':
        return `${name}'s application sends a packet`;
      case 't': {
        const due = this.parties[name === 'a' ? 0 : 1].tunnel.nextDeadline();
        return `${name}'s timer ${due?.timer} falls due, ${Math.round((due?.at ?? 0) - this.now)} ms later`;
      }
      default:
        return `${name} is ${this.parties[name === 'a' ? 0 : 1].loaded ? 'no longer' : 'from now on'} under load`;
    }
  }

  send(side: Side): void {
    this.parties[side].send(this.now);
    this.drain(side);
    this.#doWhatIsDue(side);
  }

  /** An operator asks for a handshake. */
  initiate(side: Side): void {
    const party = this.parties[side];
    if (party.peer !== undefined) party.tunnel.engine.initiate(this.now, party.peer);
    this.drain(side);
    this.#doWhatIsDue(side);
  }

  fallDue(side: Side): void {
    const party = this.parties[side];
    const at = party.deadline();
    if (at === undefined) throw new RangeError(`nothing falls due at ${party.name}`);
    this.now = instant(Math.max(this.now, at));
    party.tunnel.handleTimeout(this.now);
    this.drain(side);
  }

  deliver({ from, datagrams, cookieFrom, kind }: Message): void {
    const to = otherSide(from);
    const { drops } = this.parties[to].tunnel.engine;
    const refused = () => drops.of('unexpected-cookie') + drops.of('bad-cookie');
    for (const bytes of datagrams) {
      const before = refused();
      if (kind === 'cookie') {
        const held = this.heldCookieFrom[to];
        this.heldCookieFrom[to] = cookieFrom; // at once: a resent initiation carries a mac2 of it
        this.deliverDatagram(from, bytes);
        if (refused() > before) this.heldCookieFrom[to] = held;
      } else this.deliverDatagram(from, bytes);
    }
  }

  deliverDatagram(from: Side, bytes: Uint8Array): void {
    const to = otherSide(from);
    const party = this.parties[to];
    if (bytes[0] !== 4) this.received[to] += bytes.length;
    this.watcher?.before(party);
    party.tunnel.handleDatagram(this.now, this.parties[from].address, undefined, bytes.slice());
    const sent = this.drain(to);
    this.watcher?.after(party);
    const keys = party.suite.takeSessionKeys();
    if (keys === undefined) return;
    const response =
      kindOf({ bytes }) === 'response' ? { bytes } : sent.find((each) => kindOf(each) === 'response');
    if (response === undefined) return;
    // the responder's session is named by the response's sender, the initiator's by its receiver
    const index = response.bytes === bytes ? receiverIndexOf(response) : senderIndexOf(response);
    party.sessionKeys.set(index, keys);
  }

  drain(side: Side): Sent[] {
    const sent = this.parties[side].drain(this.now, this.parties[otherSide(side)]);
    for (const each of sent) this.#note(side, each);
    if (this.outlet !== undefined) this.outlet(side, sent);
    else
      this.underWay.push(...messagesOf(side, sent, this.options.apart, this.now, this.heldCookieFrom[side]));
    return sent;
  }

  /** A deadline of this moment is no choice: a device that has just been called falls through to it. */
  #doWhatIsDue(side: Side): void {
    while ((this.parties[side].deadline() ?? Number.POSITIVE_INFINITY) <= this.now) this.fallDue(side);
  }

  #note(side: Side, sent: Sent): void {
    const kind = kindOf(sent);
    if (kind === 'response' || kind === 'cookie') this.answered[side] += sent.bytes.length;
    if (kind === 'response') this.answers.set(senderIndexOf(sent), receiverIndexOf(sent));
    if (kind !== 'initiation') return;
    const index = senderIndexOf(sent);
    if (index <= this.#newestInitiation[side]) return; // a copy, or a later fragment
    this.#newestInitiation[side] = index;
    const text = this.parties[side].tunnel.engine.fingerprint(this.now);
    const timestamp = /"outstanding":\{"index":(\d+),.*?"timestamp":\[([\d,]*)\]/.exec(text);
    if (timestamp?.[2] !== undefined && Number(timestamp[1]) === index) {
      this.indexOfTimestamp.set(`${nameOf(side)}${timestamp[2]}`, index);
    }
  }
}

function notOffered(choice: string): RangeError {
  return new RangeError(`the choice ${choice} is not offered in this state`);
}
