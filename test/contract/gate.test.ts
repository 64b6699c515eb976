/**
 * protocol.md §6 in front of the engine: a gate admits exactly what the engine alone admits, for the same reasons, with the same cookie
 * replies; the twin written from the text, and the native one.
 */
import { dropReasons, type GateSettings, type Suite } from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { NativeGate } from 'tun-tap-native/testing/plane-gate';
import { describe, expect, it } from 'vitest';
import { Random } from '../kit/random.ts';
import { seededRandom, seededSuite } from '../kit/seeded-suite.ts';
import { freshIdentity } from '../kit/target.ts';
import { gateContract } from './data-plane/gate.ts';
import { drain, portableUnderTest } from './data-plane/plane-under-test.ts';
import { FrontedPlane } from './gate/fronted-plane.ts';
import { deploymentKeys, Strangers } from './gate/strangers.ts';
import { type Decision, type FrontGate, TwinGate } from './gate/twin-gate.ts';
import { GateWorld, others } from './gate/worlds.ts';

const crypto = nodeSuite();

/** The native gate, with core's names of reasons. */
class NativeFront implements FrontGate {
  readonly #gate = new NativeGate();

  set(settings: Parameters<FrontGate['set']>[0]): void {
    this.#gate.set(settings);
  }

  decide(...[now, from, bytes]: Parameters<FrontGate['decide']>): Decision {
    const decision = this.#gate.decide(now, from, bytes);
    if (decision.kind === 'unchecked' || decision.kind === 'passed') return decision;
    const reason = dropReasons[decision.reason];
    if (reason === undefined) throw new Error(`no reason ${decision.reason}`);
    return { ...decision, reason };
  }
}

/** Runs the same steps through both; what was seen of each reason and kind of answer. */
function compare(seed: number, steps: number, front: FrontGate): Map<string, number> {
  const random = new Random(seed);
  const suite = seededSuite(seed, 'node');
  const identity = freshIdentity(suite);
  const known = others(suite);
  const alone = new GateWorld(steadySuite(seed), identity, known);
  const fronted = new GateWorld(steadySuite(seed), identity, known, front);
  const strangers = new Strangers(random, crypto, identity);
  for (const { engine } of [alone, fronted]) engine.setDeploymentKeys(deploymentKeys);
  const counts = new Map<string, number>();
  const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1);
  for (let i = 0; i < steps; i++) {
    const step = strangers.next();
    const [expected, found] = [alone, fronted].map((world) => {
      const outcome = world.take(step, strangers);
      // What goes up unchecked is charged by the engine, not by the gate: so after a pause of two turns of R the two would differ
      if (step.kind === 'wait') world.wake();
      return outcome;
    });
    // A quick look first: an assertion that shows a difference well is slow where there is none
    if (JSON.stringify(expected) !== JSON.stringify(found))
      expect({ seed, i, step, ...found }).toEqual({ seed, i, step, ...expected });
    if (i % 16 === 0) {
      const state = JSON.stringify(alone.strangers());
      if (state !== JSON.stringify(fronted.strangers()))
        expect({ i, ...fronted.strangers() }).toEqual({ i, ...alone.strangers() });
    }
    for (const reason of Object.keys(expected?.drops ?? {})) count(reason);
    for (const sent of expected?.sent ?? [])
      count(sent.includes('cookie right') ? 'a good cookie' : `type ${sent[0]}`);
    if (step.kind === 'datagram' && Object.keys(expected?.drops ?? {}).length === 0) count('taken');
  }
  return counts;
}

/** A stream of chance for each length: two engines draw the same indices and jitters, though one draws nonces and the other does not. */
function steadySuite(seed: number): Suite {
  const streams = new Map<number, (length: number) => Uint8Array>();
  return nodeSuite({
    random(length) {
      const stream = streams.get(length) ?? seededRandom(`${seed}/${length}`);
      streams.set(length, stream);
      return stream(length);
    },
  });
}

/** Every way in which a gate can refuse, and each kind of answer, was met often. */
function expectAllMet(counts: ReadonlyMap<string, number>, least: number): void {
  const wanted = [
    ...['bad-length', 'unknown-type', 'reserved-bytes', 'bad-geometry', 'suite-disabled', 'bad-mac1'],
    ...['classical-disabled', 'downgrade-refused', 'rate-limited', 'proven-rate-limited', 'under-load'],
    ...['no-slot', 'duplicate-fragment', 'unexpected-response', 'unexpected-cookie', 'bad-cookie'],
    ...['a good cookie', 'taken'],
  ];
  expect(wanted.filter((what) => (counts.get(what) ?? 0) < least)).toEqual([]);
}

describe('§6 an engine behind a gate', () => {
  it('does what the engine does alone: the gate written from the text, 10,000 random datagrams', () => {
    expectAllMet(compare(1, 12_000, new TwinGate(crypto)), 5);
  }, 240_000);

  it('does what the engine does alone: the native gate, 10,000 random datagrams', () => {
    expectAllMet(compare(2, 12_000, new NativeFront()), 5);
  }, 240_000);
});

gateContract({
  name: 'portable plane behind the gate written from the text',
  hasGate: true,
  farSuite: nobleSuite(),
  make() {
    const plane = new FrontedPlane({ suite: crypto }, new TwinGate(crypto));
    return {
      ...portableUnderTest(crypto),
      plane,
      onUdp(now, from, localAddress, datagram) {
        if (datagram[0] === 4) plane.handleTransport(now, from, localAddress, datagram);
        else plane.handleStranger(now, from, localAddress, datagram);
      },
      drain: () => drain(plane),
    };
  },
});

describe('§6 the native gate', () => {
  it.each([3, 4, 5, 6])(
    'decides as the one written from the text, about 25,000 random datagrams of seed %i',
    (seed) => {
      const suite = seededSuite(seed, 'node');
      const identity = freshIdentity(suite);
      // An engine that tells its settings, and is asked nothing
      const teller = new GateWorld(crypto, identity, others(suite));
      const [twin, native] = [new TwinGate(crypto), new NativeFront()];
      const strangers = new Strangers(new Random(seed), crypto, identity);
      const seen = new Map<string, number>();
      for (let datagrams = 0; datagrams < 25_000; ) {
        const step = strangers.next();
        if (step.kind !== 'datagram') {
          teller.take(step, strangers);
          for (const gate of [twin, native]) gate.set(teller.settings);
          continue;
        }
        datagrams++;
        const { now, settings } = teller;
        const bytes = strangers.bytesFor(now, settings, step);
        const [expected, found] = [twin, native].map((gate) => gate.decide(now, step.from, bytes));
        const [a, b] = [expected, found].map((decision) => inWords(decision, settings, bytes));
        if (a !== b)
          expect({ datagrams, step, now, decision: b }).toEqual({ datagrams, step, now, decision: a });
        const kind = expected?.kind === 'dropped' ? expected.reason : (expected?.kind ?? '');
        seen.set(kind, (seen.get(kind) ?? 0) + 1);
      }
      const wanted = [
        ...['bad-length', 'unknown-type', 'reserved-bytes', 'bad-geometry', 'suite-disabled', 'bad-mac1'],
        ...['classical-disabled', 'downgrade-refused', 'rate-limited', 'proven-rate-limited', 'under-load'],
        ...['unexpected-response', 'unexpected-cookie', 'answered', 'unchecked', 'passed'],
      ];
      expect(wanted.filter((kind) => (seen.get(kind) ?? 0) < 20)).toEqual([]);
    },
    240_000,
  );
});

/** A decision, and the cookie in its reply: two replies to one datagram have nothing else in common. */
function inWords(decision: Decision | undefined, settings: GateSettings, datagram: Uint8Array): string {
  if (decision?.kind !== 'answered') return JSON.stringify(decision);
  const { reply, reason } = decision;
  const keys = [...settings.suites.values()].flat().concat(settings.classical);
  const opened = keys.map(({ cookie }) =>
    crypto.xopen(cookie, reply.subarray(8, 32), datagram.subarray(-32, -16), reply.subarray(32)),
  );
  return `${reason} ${reply.length} ${reply.subarray(0, 8).join()} ${opened.map((cookie) => cookie?.join()).join(' / ')}`;
}
