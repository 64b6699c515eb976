/** What the target `responder` plays: see there. */
import { type Drop, type Endpoint, limits, millis, type PeerId, Secret, type SuiteId } from '@pqtun/core';
import { addressee, Forger, lowOrderPoints, mac1Of, tai64n } from '../../kit/forger.ts';
import { newYear2026 } from '../../kit/host.ts';
import { innerPacket } from '../../kit/packets.ts';
import { type Outcome, Target } from '../../kit/target.ts';
import type { Cursor } from '../cursor.ts';
import { ascii, must } from '../target.ts';
import { Ledger } from './ledger.ts';
import { fuzzSuite, hubAt, identityOf, type PartyName, places, spans } from './parties.ts';

interface Party {
  readonly name: PartyName;
  readonly suite: SuiteId;
  readonly classical: boolean;
  readonly self: Target;
  /** What the party calls the hub, and the hub the party. */
  readonly hub: PeerId;
  readonly ip: string;
  readonly home: Endpoint;
  atHub: PeerId;
}

const hubIp = '10.0.0.254';
const mostHeld = 48;
const mostSteps = 40;
/** Refusals that may change the hub: after a tag has verified, or because something is found to have aged. */
const changing: readonly Drop[] = [
  'reassembly-expired',
  'profile-mismatch',
  'session-expired',
  'stale-confirm',
  'bad-inner-packet',
  'bad-inner-length',
  'source-not-allowed',
  'control-on-classical',
  'unknown-control',
  'answer-limit',
];

export class Siege {
  readonly #crypto = fuzzSuite(6);
  readonly #forger = new Forger(this.#crypto);
  readonly #hub = new Target(this.#crypto, { identity: identityOf('hub') });
  readonly #parties: readonly [Party, ...Party[]] = [
    this.#party('first', 1, false, 1),
    this.#party('second', 2, false, 2),
    this.#party('classical', 1, true, 3),
  ];
  readonly #held: Uint8Array[] = [];
  readonly #cookies: Uint8Array[] = [];
  readonly #ledger = new Ledger();
  #numbered = 0;
  #state: string | undefined;

  run(cursor: Cursor): void {
    for (let steps = 0; !cursor.atEnd && steps < mostSteps; steps++) this.#act(cursor);
    this.#peace();
  }

  #party(name: PartyName, suite: SuiteId, classical: boolean, number: number): Party {
    const self = new Target(this.#crypto, { identity: identityOf(name) });
    const ip = `10.0.0.${number}`;
    const hub = self.addPeer(identityOf('hub'), { suite, classical, endpoint: hubAt });
    const atHub = this.#hub.addPeer(identityOf(name), { suite, classical, allowed: `${ip}/32` });
    return { name, suite, classical, self, hub, ip, home: places[number - 1] ?? hubAt, atHub };
  }

  #act(cursor: Cursor): void {
    switch (cursor.u8() % 15) {
      case 0:
        return this.#begin(cursor.pick(this.#parties));
      case 1: {
        const run = this.#pickRun(cursor);
        const from = cursor.pick(places);
        for (const bytes of run) this.#toHub(from, bytes);
        return;
      }
      case 2: {
        const party = cursor.pick(this.#parties);
        for (const bytes of this.#pickRun(cursor)) this.#toParty(party, bytes);
        return;
      }
      case 3:
        return this.#toHub(cursor.pick(places), this.#changed(cursor, this.#pick(cursor)));
      case 4:
        return this.#forge(cursor);
      case 5:
        return this.#pass(cursor.pick(spans));
      case 6:
        return this.#packetOf(cursor.pick(this.#parties), cursor.u8(), cursor.u8());
      case 7:
        return this.#packetOfHub(cursor.pick(this.#parties), cursor.u8());
      case 8:
        return this.#onHub(({ engine }) => engine.setLoopDelay(cursor.u8() % 2 === 0 ? 0 : 50));
      case 9:
        return this.#prove(cursor);
      case 10:
        return this.#toHub(cursor.pick(places), raw(cursor));
      case 11:
        return this.#meddle(cursor);
      case 12: {
        const party = cursor.pick(this.#parties);
        const length = 16 * (1 + (cursor.u8() % 16));
        this.#fromParty(party.self.act(({ engine }, now) => engine.ping(now, party.hub, length)));
        return;
      }
      case 13:
        return this.#exchange(cursor.pick(this.#parties), undefined);
      default: {
        // the same datagram from many places: quotas and pools
        const bytes = this.#pick(cursor);
        for (const place of places) this.#toHub(place, bytes);
      }
    }
  }

  /* the hub */

  #toHub(from: Endpoint, bytes: Uint8Array): void {
    const before = this.#state ?? this.#hub.state();
    const outcome = this.#hub.deliver(from, bytes);
    this.#state = undefined;
    const reasons = Object.keys(outcome.drops).filter((reason) => reason !== 'reassembly-expired');
    must(reasons.length <= 1, 'one datagram, two reasons to drop it');
    if (bytes[0] !== 4) this.#ledger.count(from, bytes.length);
    this.#judge(outcome);
    if (reasons.length === 0 || Object.keys(outcome.drops).some((reason) => isIn(changing, reason))) return;
    this.#state = this.#hub.state();
    must(this.#state === before, 'I5: a rejected datagram changed the hub');
    must(outcome.delivered.length === 0, 'a rejected datagram delivered a packet');
    must(outcome.sent.length <= 1, 'a rejected datagram drew more than a cookie reply');
  }

  #onHub(act: (tunnel: Target['tunnel'], now: Target['now']) => void): void {
    this.#state = undefined;
    this.#judge(this.#hub.act(act));
  }

  /** What came out of the hub: packets that were sent, once each; no more handshake bytes than came; sizes within bounds. */
  #judge({ sent, delivered }: Outcome): void {
    for (const packet of delivered) this.#ledger.arrived('to hub', packet);
    for (const { to, bytes } of sent) {
      this.#hold(bytes);
      if (bytes[0] !== 4 && bytes[0] !== 0x11 && bytes[0] !== 1)
        must(
          this.#ledger.count(to, -bytes.length) >= 0,
          'I12: more handshake bytes went to an address than came from it',
        );
    }
    const { indices, slots, answered, sources } = this.#hub.tunnel.engine.sizes();
    must(slots <= 256, 'more reassembly slots than there are');
    must(indices <= this.#parties.length * 8, 'more indices than sessions and handshakes may have');
    must(answered <= this.#parties.length * 4 * 8, 'more answered initiations than pending entries allow');
    must(sources <= this.#parties.length, 'more live sources than peers');
  }

  /* parties */

  #begin(party: Party): void {
    this.#fromParty(
      party.self.act(({ engine }, now) => {
        engine.initiate(now, party.hub);
        engine.handleNetworkChange(now);
      }),
    );
    this.#fromParty(party.self.pass(0));
  }

  #toParty(party: Party, bytes: Uint8Array): Outcome {
    const outcome = party.self.deliver(hubAt, bytes);
    for (const packet of outcome.delivered) this.#ledger.arrived(`to ${party.name}`, packet);
    this.#fromParty(outcome);
    return outcome;
  }

  #fromParty({ sent }: Outcome): void {
    for (const { bytes } of sent) this.#hold(bytes);
  }

  /** Lets what a party has to say reach the hub and the answers the party, some rounds; begun by what stands in `first`. */
  #exchange(party: Party, first: Outcome | undefined): void {
    let towards = first ?? party.self.pass(0);
    if (first === undefined) {
      const begun = party.self.act(({ engine }, now) => engine.initiate(now, party.hub));
      towards = { ...towards, sent: [...towards.sent, ...begun.sent, ...party.self.pass(0).sent] };
    }
    for (let round = 0; round < 6 && towards.sent.length > 0; round++) {
      const mark = this.#held.length === 0 ? undefined : this.#held.at(-1);
      for (const { bytes } of towards.sent) this.#toHub(party.home, bytes);
      const answers =
        mark === undefined ? this.#held.slice() : this.#held.slice(this.#held.lastIndexOf(mark) + 1);
      const outcomes = answers.map((bytes) => this.#toParty(party, bytes));
      towards = { sent: outcomes.flatMap(({ sent }) => sent), delivered: [], drops: {} };
    }
  }

  #pass(milliseconds: number): void {
    this.#state = undefined;
    this.#judge(this.#hub.pass(milliseconds));
    for (const { self } of this.#parties) this.#fromParty(self.pass(milliseconds));
  }

  /* packets */

  #packetOf(party: Party, source: number, length: number): void {
    const from = source % 4 === 3 ? '192.0.2.77' : party.ip;
    const packet = this.#fresh(from, hubIp, length);
    if (from === party.ip) this.#ledger.underWay('to hub', packet);
    this.#fromParty(party.self.send(packet));
  }

  #packetOfHub(party: Party, length: number): void {
    const packet = this.#fresh(hubIp, party.ip, length);
    this.#ledger.underWay(`to ${party.name}`, packet);
    this.#state = undefined;
    this.#judge(this.#hub.send(packet));
  }

  #fresh(source: string, destination: string, length: number): Uint8Array {
    const packet = innerPacket(source, destination, 28 + length * 5, 1);
    new DataView(packet.buffer).setUint32(20, this.#numbered++); // no two are alike
    return packet;
  }

  /* the forger */

  #forge(cursor: Cursor): void {
    const party = cursor.pick(this.#parties);
    const ahead = cursor.u8();
    const options = cursor.u8();
    const has = (bit: number) => (options & bit) !== 0;
    const suite = has(1) ? (party.suite === 1 ? 2 : 1) : party.suite;
    const { datagrams } = this.#forger.initiation({
      as: identityOf(has(2) ? 'stranger' : party.name),
      to: addressee(identityOf('hub'), suite),
      suite,
      senderIndex: cursor.u8(),
      timestamp: tai64n(newYear2026 / 1000 + ahead),
      ...(has(4) ? { ephemeral: lowOrder(ahead) } : {}),
      ...(has(8) ? { kemKey: new Uint8Array(limits.suites[suite].kemPublicSize).fill(0xff) } : {}),
      ...(has(16) ? { psk: new Uint8Array(32).fill(1) } : {}),
      ...(has(32) ? { count: limits.suites[suite].maxFragments - (ahead % 4) } : {}),
    });
    for (const bytes of datagrams) this.#hold(bytes);
  }

  /** mac2 for a datagram, by a cookie that some cookie reply to some datagram holds. */
  #prove(cursor: Cursor): void {
    const hub = identityOf('hub');
    const keys = [
      this.#forger.cookieKey(addressee(hub, 1), 1),
      this.#forger.cookieKey(addressee(hub, 2), 2),
      this.#crypto.hash(ascii('cookie--'), hub.dh.publicKey), // WireGuard's
    ];
    const asked = this.#held.filter(({ length, 0: type }) => (type === 0x11 || type === 1) && length >= 40);
    for (const reply of this.#held.filter(({ length, 0: type }) => type === 3 && length === 64)) {
      for (const initiation of asked) {
        for (const key of keys) {
          const cookie = this.#crypto.xopen(key, reply.slice(8, 32), mac1Of(initiation), reply.slice(32));
          if (cookie !== undefined) this.#cookies.push(cookie);
        }
      }
    }
    const cookie = this.#cookies.at(-1 - (cursor.u8() % 3));
    const bytes = this.#pick(cursor);
    if (cookie !== undefined && bytes.length >= 40) this.#hold(this.#forger.withMac2(cookie, bytes));
  }

  #changed(cursor: Cursor, bytes: Uint8Array): Uint8Array {
    let made: Uint8Array = bytes.slice();
    for (let left = 1 + (cursor.u8() % 3); left > 0 && made.length > 0; left--) {
      switch (cursor.u8() % 6) {
        case 0:
          made[cursor.u16() % made.length] = cursor.u8();
          break;
        case 1:
          made[cursor.u8() % Math.min(20, made.length)] = cursor.u8();
          break;
        case 2:
          made = made.slice(0, cursor.u16() % (made.length + 1));
          break;
        case 3:
          made = Buffer.concat([made, cursor.bytes(1 + (cursor.u8() % 32))]);
          break;
        case 4: // another's index
          made.set(this.#pick(cursor).subarray(4, Math.min(8, made.length)), Math.min(4, made.length));
          break;
        default: {
          if (made.length >= 40) made = this.#forger.withMac1(this.#mac1Key(made), made);
        }
      }
    }
    return made;
  }

  #mac1Key([type, suite]: Uint8Array): Uint8Array {
    const hub = identityOf('hub');
    if (type === 1) return this.#crypto.hash(ascii('mac1----'), hub.dh.publicKey);
    return this.#forger.mac1Key(addressee(hub, suite === 2 ? 2 : 1), suite === 2 ? 2 : 1);
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    if (this.#held.length > mostHeld) this.#held.shift();
  }

  /** Some datagrams in the order they were sent: whole messages are delivered within few bytes of input. */
  #pickRun(cursor: Cursor): Uint8Array[] {
    const length = 1 + (cursor.u8() % 7);
    const end = this.#held.length - (cursor.u8() % Math.max(1, this.#held.length));
    return this.#held.slice(Math.max(0, end - length), end);
  }

  #pick(cursor: Cursor): Uint8Array {
    const back = cursor.u8();
    return this.#held.at(-1 - (back % Math.max(1, this.#held.length))) ?? new Uint8Array(0);
  }

  /* the operator */

  #meddle(cursor: Cursor): void {
    const party = cursor.pick(this.#parties);
    const bytes = new Uint8Array(32).fill(1 + (cursor.u8() % 4));
    switch (cursor.u8() % 8) {
      case 0: {
        const psk = { presharedKey: new Secret(bytes.slice()) };
        this.#onHub(({ engine }, now) => engine.updatePeer(now, party.atHub, psk));
        return this.#fromParty(party.self.act(({ engine }, now) => engine.updatePeer(now, party.hub, psk)));
      }
      case 1: {
        const psk = { presharedKey: new Secret(bytes.slice()) };
        return this.#onHub(({ engine }, now) => engine.updatePeer(now, party.atHub, psk)); // the party's differs
      }
      case 2: {
        this.#onHub(({ engine }, now) => engine.removePeer(now, party.atHub));
        const { suite, classical, ip } = party;
        party.atHub = this.#hub.addPeer(identityOf(party.name), { suite, classical, allowed: `${ip}/32` });
        return;
      }
      case 3:
        return this.#onHub(({ engine }, now) => engine.handleNetworkChange(now));
      case 4:
        return this.#onHub(({ engine }) => engine.resetTimestamp(party.atHub));
      case 5:
        return this.#onHub(({ engine }) => engine.setDeploymentKeys([new Uint8Array(0), bytes]));
      case 6:
        return this.#onHub(({ engine }, now) =>
          engine.updatePeer(now, party.atHub, {
            endpoint: cursor.u8() % 2 === 0 ? null : cursor.pick(places),
          }),
        );
      default: {
        const persistentKeepalive = cursor.pick([null, millis(1_000), millis(25_000)]);
        return this.#onHub(({ engine }, now) => engine.updatePeer(now, party.atHub, { persistentKeepalive }));
      }
    }
  }

  /* peace */

  /** Nobody disturbs any more; each party must reach the hub and be reached within 26 s. */
  #peace(): void {
    this.#onHub(({ engine }) => {
      engine.setLoopDelay(0);
      engine.setDeploymentKeys([new Uint8Array(0)]);
    });
    for (const party of this.#parties) {
      this.#onHub(({ engine }, now) => engine.updatePeer(now, party.atHub, { presharedKey: null }));
      party.self.act(({ engine }, now) => engine.updatePeer(now, party.hub, { presharedKey: null }));
    }
    this.#held.length = 0;
    this.#pass(6_000);
    for (const party of this.#parties) this.#comesThrough(party);
  }

  #comesThrough(party: Party): void {
    const open = { hub: true, party: true };
    for (let second = 0; second < 26 && (open.hub || open.party); second++) {
      const out = this.#fresh(party.ip, hubIp, 1);
      const back = this.#fresh(hubIp, party.ip, 1);
      this.#ledger.underWay('to hub', out);
      const begun =
        second === 0 ? party.self.act(({ engine }, now) => engine.handleNetworkChange(now)) : undefined;
      const sent = [...(begun?.sent ?? []), ...party.self.send(out).sent, ...party.self.pass(0).sent];
      this.#exchange(party, { sent, delivered: [], drops: {} });
      open.hub &&= this.#ledger.waits('to hub', out);
      this.#ledger.underWay(`to ${party.name}`, back);
      this.#held.length = 0;
      this.#state = undefined;
      this.#judge(this.#hub.send(back));
      for (const bytes of this.#held.slice()) this.#toParty(party, bytes);
      open.party &&= this.#ledger.waits(`to ${party.name}`, back);
      if (open.hub || open.party) this.#tick(party);
    }
    must(!open.hub, 'I10: in peace a party does not reach the hub');
    must(!open.party, 'I10: in peace the hub does not reach a party');
  }

  /** A second goes by in which nothing is lost. */
  #tick(party: Party): void {
    this.#held.length = 0;
    this.#state = undefined;
    this.#judge(this.#hub.pass(1_000));
    const answers = this.#held.slice();
    const passed = party.self.pass(1_000);
    for (const other of this.#parties) if (other !== party) other.self.pass(1_000);
    const sent = [...passed.sent, ...answers.flatMap((bytes) => this.#toParty(party, bytes).sent)];
    this.#exchange(party, { sent, delivered: [], drops: {} });
  }
}

/** Type and length of datagrams. */
const kinds: readonly [[number, number], ...[number, number][]] = [
  [1, 148],
  [2, 92],
  [3, 64],
  [4, 32],
  [4, 48],
  [0x11, 1230],
  [0x12, 1156],
  [0x13, 40],
];

/** A datagram of some type with bytes of the input behind it, at most of the length that type has. */
function raw(cursor: Cursor): Uint8Array {
  const [type, length] = cursor.pick(kinds);
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  bytes.set(cursor.bytes(Math.min(12, length - 1)), 1);
  return bytes;
}

function lowOrder(nth: number): Uint8Array {
  return nth % 2 === 0
    ? new Uint8Array(32)
    : (lowOrderPoints[nth % lowOrderPoints.length] ?? new Uint8Array(32));
}

const isIn = (list: readonly string[], word: string): boolean => list.includes(word);
