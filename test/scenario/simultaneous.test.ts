/** Both ends begin a handshake at once: every order, many delays, and the hours after. protocol.md §5.2 N4. */
import { compareBytes, limits } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  type Datagram,
  gatewayAndHub,
  goodNetwork,
  type Host,
  initiationsIn,
  kindOf,
  paperSuite,
  Random,
  sentSince,
  sessionOf,
  type World,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

type Kind = 'hybrid' | 'classical';
const kinds: readonly Kind[] = ['hybrid', 'classical'];

function twoWhoKnowEachOther(seed: number, kind: Kind) {
  const classical = kind === 'classical';
  const pair = gatewayAndHub(paperSuite(seed), {
    seed,
    gateway: { classical },
    hub: { classical, knowsEndpoint: true },
  });
  return { ...pair, audit: new Audit(pair.world), kind };
}
type Two = ReturnType<typeof twoWhoKnowEachOther>;

/** Who has the smaller ID (classical: public key), so that the sessions it begins win. */
function winner({ gateway, hub, kind }: Two): Host {
  const idOf = ({ identity }: Host) =>
    (kind === 'hybrid' ? identity.id(1) : undefined) ?? identity.dh.publicKey;
  return compareBytes(idOf(gateway), idOf(hub)) < 0 ? gateway : hub;
}

/** Makes both send a packet, and reads from the wire under which sessions they did. */
function sessionsInUse({ world, gateway, hub, audit }: Two): (number | undefined)[] {
  const before = world.wire.length;
  audit.send(gateway, hub);
  audit.send(hub, gateway);
  const sent = world.wire.slice(before).filter((datagram) => kindOf(datagram) === 'transport');
  world.runFor(3 * second);
  return [gateway, hub].map((host) => {
    const datagram = sent.find(({ from }) => from === host.address);
    return datagram && sessionOf(world.wire, datagram);
  });
}

/** When each end confirmed sessions, by the roles it had in them. */
function confirmations(host: Host): { readonly initiator: number[]; readonly responder: number[] } {
  const at = (wanted: string) =>
    host.eventsOf('peer-established').flatMap(({ role, at }) => (role === wanted ? [at] : []));
  return { initiator: at('initiator'), responder: at('responder') };
}

/** Hours of light traffic: all of it arrives, and both ends see new sessions all the time. */
function expectLife(two: Two, length: number, what: string): void {
  const { world, gateway, hub, audit } = two;
  const since = world.now;
  const lost = audit.missing().length;
  for (let i = 0; world.now < since + length; i++) {
    world.runFor(20 * second);
    audit.send(i % 2 === 0 ? gateway : hub, i % 2 === 0 ? hub : gateway);
  }
  world.runFor(second);
  expect(audit.missing().length, what).toBe(lost);
  expect(audit.violations, what).toEqual([]);
  for (const host of [gateway, hub]) {
    const times = [since, ...host.eventsOf('peer-established').map(({ at }) => at), world.now].filter(
      (at) => at >= since,
    );
    const gaps = times.map((at, i) => at - (times[i - 1] ?? since));
    expect(
      Math.max(...gaps),
      `${what}: longest time without a new session at ${host.name}`,
    ).toBeLessThanOrEqual(165 * second);
  }
}

const within = (a: readonly number[], b: readonly number[]) =>
  a.some((x) => b.some((y) => Math.abs(x - y) <= limits.rekeyTimeout));

describe.each(kinds)('N4: %s sessions that cross', (kind) => {
  it('agree on the session of the smaller ID, both outcomes, and live on for hours', () => {
    const outcomes = { gateway: 0, hub: 0 };
    for (let seed = 1; seed <= 12; seed++) {
      const two = twoWhoKnowEachOther(seed, kind);
      const { world, gateway, hub, audit } = two;
      audit.send(gateway, hub);
      audit.send(hub, gateway);
      world.run(second);
      const [atGateway, atHub] = sessionsInUse(two);
      const wins = winner(two);
      outcomes[wins === gateway ? 'gateway' : 'hub']++;
      const [own] = initiationsIn(sentSince(world, 0, { by: wins }));
      expect([seed, atGateway, atHub]).toEqual([seed, own?.index, own?.index]);
      expect(audit.missing()).toEqual([]);
      for (const host of [gateway, hub]) {
        expect(
          host
            .eventsOf('peer-established')
            .map(({ role }) => role)
            .sort(),
        ).toEqual(['initiator', 'responder']);
      }
      expectLife(two, 3 * hour, `seed ${seed}`);
    }
    expect(outcomes.gateway).toBeGreaterThan(0);
    expect(outcomes.hub).toBeGreaterThan(0);
  });

  it('agree whatever lies between the two beginnings and on the two ways', () => {
    const offsets = [
      -5100, -5000, -4900, -2600, -2500, -1000, -300, -60, -30, -20, -19, -11, -10, -9, -5, -1,
    ];
    const flights = [
      [10, 10],
      [10, 200],
      [300, 50],
      [1200, 1200],
      [2400, 100],
      [100, 2400],
      [2400, 2400],
    ] as const;
    let crossed = 0;
    for (const [there, back] of flights) {
      for (const offset of [...offsets, 0, ...offsets.map((ms) => -ms)]) {
        const two = twoWhoKnowEachOther(Math.abs(offset) + there, kind);
        const { world, gateway, hub, audit } = two;
        const what = `flights ${there} and ${back} ms, the hub ${offset} ms later`;
        world.delayOf = ({ from }) => (from === gateway.address ? there : back);
        const [first, then] = offset < 0 ? [hub, gateway] : [gateway, hub];
        audit.send(first, first === gateway ? hub : gateway);
        world.runFor(Math.abs(offset));
        audit.send(then, then === gateway ? hub : gateway);
        world.runFor(20 * second);
        const bothWays = [gateway, hub].map(confirmations);
        if (bothWays.every(({ initiator, responder }) => within(initiator, responder))) {
          crossed++;
          const [atGateway, atHub] = sessionsInUse(two);
          expect([what, atGateway === atHub, atGateway !== undefined]).toEqual([what, true, true]);
        }
        world.runFor(10 * second);
        expect(audit.missing(), what).toEqual([]);
        world.delayOf = undefined;
        expectLife(two, 12 * minute, what);
      }
    }
    expect(crossed).toBeGreaterThan(50);
  });

  it('agree also where T3 makes both begin after a cut', () => {
    const random = new Random(4);
    let crossed = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const two = twoWhoKnowEachOther(seed, kind);
      const { world, gateway, hub, audit } = two;
      audit.send(gateway, hub);
      world.run(random.between(1, 100) * second);
      const flight = random.between(10, 1500);
      world.delayOf = () => flight;
      world.conditions = { ...goodNetwork, loss: 1 };
      const cutAt = world.now;
      audit.send(gateway, hub);
      audit.send(hub, gateway);
      world.run(cutAt + random.between(14_900, 18_000));
      world.conditions = goodNetwork;
      world.runFor(40 * second);
      const both = [gateway, hub].map(confirmations);
      if (
        both.every(({ initiator, responder }) =>
          within(
            initiator.filter((at) => at > cutAt),
            responder,
          ),
        )
      )
        crossed++;
      const [atGateway, atHub] = sessionsInUse(two);
      expect([seed, atGateway === atHub]).toEqual([seed, true]);
      world.delayOf = undefined;
      expectLife(two, 30 * minute, `seed ${seed}`);
    }
    expect(crossed).toBeGreaterThan(3);
  });
});

/** Messages under way in a world that stands still: what a scheduler may deliver next. */
class Standstill {
  readonly #world: World;
  #held: Datagram[][] = [];

  constructor(world: World) {
    this.#world = world;
    world.interceptor = (datagram) => {
      const group = this.#held.find(([first]) => first !== undefined && sameMessage(first, datagram));
      if (group === undefined) this.#held.push([datagram]);
      else group.push(datagram);
      return [];
    };
  }

  get choices(): number {
    return this.#held.length;
  }

  take(choice: number, lose: boolean): void {
    const [message = []] = this.#held.splice(choice, 1);
    if (lose) return;
    this.#world.delayOf = () => 0;
    for (const { from, to, bytes } of message) this.#world.inject(from, to, bytes, true);
    this.#world.runFor(0);
    this.#world.delayOf = undefined;
  }
}

/** Fragments of one handshake message travel together here; each other datagram alone. */
function sameMessage(a: Datagram, b: Datagram): boolean {
  const kind = kindOf(a);
  if (kind !== kindOf(b) || a.from !== b.from || (kind !== 'initiation' && kind !== 'response')) return false;
  return a.bytes.subarray(4, 8).join() === b.bytes.subarray(4, 8).join();
}

interface Run {
  readonly two: Two;
  /** How many ways there were to go on after `steps`; 0: all is quiet. */
  readonly choices: number;
}

/** Each step: which message of those under way comes next, and whether it is lost. */
type Steps = readonly { readonly choice: number; readonly lose: boolean }[];

function play(seed: number, kind: Kind, steps: Steps): Run {
  const two = twoWhoKnowEachOther(seed, kind);
  const standstill = new Standstill(two.world);
  two.audit.send(two.gateway, two.hub);
  two.audit.send(two.hub, two.gateway);
  two.world.runFor(0);
  for (const { choice, lose } of steps) standstill.take(choice, lose);
  return { two, choices: standstill.choices };
}

describe.each(kinds)('every order in which the messages of two %s handshakes can arrive', (kind) => {
  it.each([0, 1, 2])('with %i of them lost, leaves a tunnel that works and renews its keys', (losses) => {
    let runs = 0;
    const explore = (steps: Steps): void => {
      const { two, choices } = play(1, kind, steps);
      const lost = steps.filter(({ lose }) => lose).length;
      if (choices === 0) {
        if (lost === losses) settle(two, JSON.stringify(steps));
        return;
      }
      for (let choice = 0; choice < choices; choice++) {
        explore([...steps, { choice, lose: false }]);
        if (lost < losses) explore([...steps, { choice, lose: true }]);
      }
    };
    const settle = (two: Two, what: string): void => {
      runs++;
      const { world, gateway, hub, audit } = two;
      world.interceptor = undefined;
      const confirmed = [gateway, hub].map(confirmations);
      const crossed = confirmed.every(
        ({ initiator, responder }) => initiator.length > 0 && responder.length > 0,
      );
      if (crossed) {
        const [atGateway, atHub] = sessionsInUse(two);
        expect([what, atGateway === atHub]).toEqual([what, true]);
      }
      if (losses === 0) expect([what, crossed]).toEqual([what, true]);
      world.runFor(27 * second);
      const serials = [audit.send(gateway, hub), audit.send(hub, gateway)];
      world.runFor(27 * second);
      expect([what, serials.map((serial) => audit.arrived(serial))]).toEqual([what, [true, true]]);
      expectLife(two, 5 * minute, what);
    };
    explore([]);
    expect(runs).toBeGreaterThan(10);
  });
});
