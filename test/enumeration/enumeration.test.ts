/** Every order in which what may happen to two ends can happen, five choices deep. Deeper: `cli.ts --depth 7`. */
import { describe, expect, it, vi } from 'vitest';
import { canonicalText } from './canonical.ts';
import { type Exploration, explore, replay } from './explore.ts';
import type { Choice, Model } from './model.ts';
import { livenessBound, settle } from './settle.ts';
import { type Start, starts } from './starts.ts';
import { describeViolation, narrate, readTrace, writeTrace } from './trace.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in choices; how fast the machine is must not matter

function startNamed(name: string): Start {
  const start = starts.find((each) => each.name === name);
  if (start === undefined) throw new Error(`no start ${name}`);
  return start;
}

/** What an enumeration found, in the words of a failure. */
function explored(start: Start, exploration: Exploration) {
  const found = explore(start, exploration);
  return { ...found, violations: found.violations.flatMap(describeViolation) };
}

/** States met at least: so many there were, and a change that makes them fewer has to say why. */
const atLeast: Readonly<Record<string, number>> = {
  rest: 3649,
  hub: 1110,
  'both-begin-a': 457,
  'both-begin-b': 457,
  'rekey-a': 883,
  'rekey-b': 883,
  late: 569,
  loaded: 1461,
  'loaded-both': 689,
  fragments: 1816,
  'fragments-both': 998,
  classical: 3757,
  'classical-both-a': 457,
  'classical-both-b': 457,
  'classical-rekey': 883,
  'classical-loaded': 689,
};

describe('every order of what may happen, 5 choices deep', () => {
  it.each(starts.map((start) => [start.name, start.what, start] as const))(
    'I1–I6, I9, I10, I12–I14 hold from %s: %s',
    (name, _what, start) => {
      const found = explored(start, { depth: 5 });
      expect(found.violations).toEqual([]);
      expect(found.states).toBeGreaterThanOrEqual(atLeast[name] ?? Number.POSITIVE_INFINITY);
      expect(found.runs).toBeGreaterThanOrEqual(found.leaves);
      expect(found.slowest).toBeLessThanOrEqual(livenessBound);
      expect(found.longestApart).toBeLessThan(livenessBound); // deeper it is longer: see the next test
    },
  );

  it('N4: sessions whose first packets took longer than REKEY_TIMEOUT do not cross: data flows, the next rekey joins the ends', () => {
    const model = replay(startNamed('both-begin-a'), ['d0', 'd0', 'd0', 'd0', 'ta']);
    const { problems, flowedAfter, agreedAfter } = settle(model, 'arrives');
    expect(problems).toEqual([]);
    expect(flowedAfter).toBeLessThan(100);
    expect(agreedAfter).toBeGreaterThan(150_000);
    expect(agreedAfter).toBeLessThan(170_000);
  });

  it('and 6 choices deep where both have begun', () => {
    const found = explored(startNamed('both-begin-a'), { depth: 6 });
    expect(found.violations).toEqual([]);
    expect(found.states).toBeGreaterThanOrEqual(2400);
  });
});

describe('what the enumeration rests on', () => {
  it.each(['rest', 'both-begin-b', 'loaded', 'classical'])(
    'the real primitives lead to the same states, from %s',
    (name) => {
      const start = startNamed(name);
      const depth = start.begun + 2;
      const { states, transitions, leaves, violations } = explored(start, { depth, cryptography: 'node' });
      const paper = explored(start, { depth });
      expect({ states, transitions, leaves, violations }).toEqual({
        states: paper.states,
        transitions: paper.transitions,
        leaves: paper.leaves,
        violations: [],
      });
    },
  );

  it.each(['rest', 'both-begin-a', 'rekey-b', 'loaded', 'fragments'])(
    'states with one text go on alike, wherever two ways meet in one: %s',
    (name) => {
      const start = startNamed(name);
      let met = 0;
      explore(start, {
        depth: start.begun + 2,
        onMeeting(choices, first) {
          met++;
          expect(futureOf(start, choices), `${choices.join('.')} and ${first.join('.')}`).toEqual(
            futureOf(start, first),
          );
        },
      });
      expect(met).toBeGreaterThan(5);
    },
  );

  it('one way leads to one state', () => {
    const start = startNamed('both-begin-a');
    const way: Choice[] = ['d0', 'k0', 'ta', 'x1', 'd1'];
    expect(canonicalText(replay(start, way))).toBe(canonicalText(replay(start, way)));
  });
});

/** Texts of all states one choice further on, as a set, and how a fault-free run ends. */
function futureOf(start: Start, choices: readonly Choice[]) {
  const next = replay(start, choices)
    .choices()
    .map((choice) => canonicalText(replay(start, [...choices, choice])));
  return { next: next.sort(), settled: settle(replay(start, choices), 'arrives') };
}

describe('a fault of the product is found', () => {
  /** `start`, with something broken in it. */
  const broken = (name: string, breakIt: (model: Model) => void): Start => {
    const start = startNamed(name);
    return {
      ...start,
      prepare(model) {
        breakIt(model);
        start.prepare(model);
      },
    };
  };

  const problemsOf = (start: Start, depth: number) =>
    explore(start, { depth, maxViolations: 1 }).violations.map(({ problem }) => problem);

  it('N4: each end takes the session for current that it confirmed last', () => {
    const start = broken('both-begin-a', ({ parties }) => {
      for (const { tunnel } of parties) {
        const install = tunnel.plane.install.bind(tunnel.plane);
        tunnel.plane.install = (now, session) => install(now, { ...session, winsCrossing: true });
      }
    });
    expect(problemsOf(start, 4).join()).toContain('I9: the ends send under different sessions');
  });

  it('I10: a confirm that never gets through', () => {
    const start = broken('rest', (model) => {
      const deliver = model.deliverDatagram.bind(model);
      model.deliverDatagram = (from, bytes) => {
        if (bytes[0] !== 4 || from === 1) deliver(from, bytes);
      };
    });
    expect(problemsOf(start, 1).join()).toContain('I10: no data both ways');
  });

  it('I5: a replayed packet that counts for something', () => {
    const start = broken('rekey-a', ({ parties: [, b] }) => {
      const handle = b.tunnel.handleDatagram.bind(b.tunnel);
      b.tunnel.handleDatagram = (now, from, local, bytes) => {
        const before = b.tunnel.engine.drops.of('replayed');
        handle(now, from, local, bytes);
        if (b.tunnel.engine.drops.of('replayed') > before && b.peer !== undefined)
          b.tunnel.engine.updatePeer(now, b.peer, { endpoint: null });
      };
    });
    expect(problemsOf(start, 4).join()).toContain('I5: a datagram that b refused has changed it');
  });

  it('I1: a key that begins to count anew', () => {
    const start = broken('rest', ({ parties: [a], log }) => {
      const recordKey = a.suite.recordKey.bind(a.suite);
      a.suite.recordKey = (key) => {
        const made = recordKey(key);
        return {
          ...made,
          seal: (counter, plaintext, out) => {
            made.seal(counter, plaintext, out);
            log.onSeal('again', 0);
          },
        };
      };
    });
    expect(problemsOf(start, 1).join()).toContain('I1: one key sealed counter 0 twice');
  });
});

describe('a trace', () => {
  it('is read as it is written, and tells a reader what happens', () => {
    const text = writeTrace({ start: 'loaded', choices: ['d0', 'd0', 'd0'] });
    const trace = readTrace(text);
    if (typeof trace === 'string') throw new Error(trace);
    expect(trace.choices).toEqual(['d0', 'd0', 'd0']);
    const told = narrate(trace).join('\n');
    expect(told).toContain('delivered: cookie for a0, b to a');
    expect(told).toContain('sent: initiation a0 [01/2] with mac2 in 2 datagrams, a to b');
    expect(told).toContain('b holds next b0/a0');
  });

  it.each([
    ['nowhere:d0', 'no start is called nowhere'],
    ['rest:d0.q1', 'q1 is no choice'],
  ])('that makes no sense is refused in words: %s', (text, words) => {
    expect(readTrace(text)).toContain(words);
  });

  it('whose choice is not offered is refused where it stands', () => {
    expect(() => replay(startNamed('rest'), ['d0'])).toThrow(RangeError);
    expect(() => replay(startNamed('both-begin-a'), ['k0', 'x0'])).toThrow('x0 is not offered');
    expect(() => replay(startNamed('both-begin-a'), ['la'])).toThrow('la is not offered');
  });
});
