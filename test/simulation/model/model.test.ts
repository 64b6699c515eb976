/** The model can fail: for each invariant a history that breaks it, and beside it the nearest one that does not. */
import { describe, expect, it } from 'vitest';
import { silentAfter } from './constants.ts';
import { invariants } from './invariants.ts';
import type { View } from './observation.ts';
import { initiationOf, packet, places, responseOf, Tale, transportOf } from './tale.ts';

const second = 1000;
const elsewhere = '203.0.113.9:9';
const garbage = Uint8Array.of(4, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, ...new Array<number>(40).fill(1));
const at = (endpoint: string): Partial<View> => ({ endpoints: new Map([[1, endpoint]]) });

it('has a word for each of the fifteen invariants', () => {
  expect(Object.keys(invariants)).toEqual(Array.from({ length: 15 }, (_, i) => `I${i + 1}`));
});

describe('an honest history', () => {
  it('breaks nothing: a handshake, two packets, a replay refused, a move, keys wiped', () => {
    const tale = new Tale();
    const keys = tale.shake();
    const first = tale.seals(keys, 0, packet(1));
    tale.opens(keys, 0, first, packet(1), at(places.a));
    tale.arrives('b', first, () => tale.see({ kind: 'opened', host: 'b', key: keys.b.receive, counter: 0 }), {
      drops: ['replayed'],
      unchanged: true,
      ...at(places.a),
    });
    const second_ = tale.seals(keys, 1, packet(2));
    tale.opens(keys, 1, second_, packet(2), at(elsewhere), elsewhere);
    tale.at = 180 * second;
    for (const host of ['a', 'b'] as const) {
      tale.input(
        host,
        { kind: 'timeout' },
        () => {
          for (const key of Object.values(keys[host])) tale.see({ kind: 'wiped', host, key });
        },
        host === 'b' ? at(elsewhere) : {},
      );
    }
    tale.see({ kind: 'flow', host: 'a', to: 'b', took: 26 * second, bound: 26 * second });
    tale.see({ kind: 'quiet' });
    tale.see({ kind: 'end' });
    expect(tale.model.violations).toEqual([]);
  });
});

describe('I1', () => {
  it.each([[0], [5]])('sees counter %i used twice', (counter) => {
    const tale = new Tale();
    const keys = tale.shake();
    tale.seals(keys, counter, packet(1));
    expect(tale.labels).toEqual([]);
    tale.seals(keys, counter, packet(2));
    expect(tale.labels).toEqual(['I1']);
  });

  it('sees one key that two sessions have', () => {
    const tale = new Tale();
    const keys = tale.shake();
    tale.seals(keys, 0, packet(1));
    const [twin] = tale.keys('b', 'to b', 'other');
    tale.see({ kind: 'sealed', host: 'b', key: twin, counter: 0, plaintext: packet(2) });
    expect(tale.labels).toContain('I1');
  });
});

describe('I2', () => {
  it('sees a packet delivered twice', () => {
    const tale = new Tale();
    const keys = tale.shake();
    const bytes = tale.seals(keys, 0, packet(1));
    tale.opens(keys, 0, bytes, packet(1));
    expect(tale.labels).toEqual([]);
    tale.opens(keys, 0, bytes, packet(1));
    expect(tale.labels).toEqual(['I2']);
  });
});

describe('I3', () => {
  it.each<[string, (tale: Tale) => void]>([
    ['a byte changed', (tale) => deliver(tale, packet(1), packet(9))],
    ['padding delivered', (tale) => deliver(tale, packet(1), Uint8Array.of(...packet(1), 0, 0))],
    ['a packet cut', (tale) => deliver(tale, packet(1), packet(1).subarray(0, 39))],
    [
      'a packet out of nothing',
      (tale) =>
        tale.arrives('b', transportOf(8, 0), () =>
          tale.see({ kind: 'delivered', host: 'b', peer: 1, bytes: packet(1) }),
        ),
    ],
    [
      'a packet of another session',
      (tale) => {
        const keys = tale.shake();
        const bytes = tale.seals(keys, 0, packet(1));
        tale.seals(keys, 1, packet(2));
        tale.opens(keys, 0, bytes, packet(2));
      },
    ],
  ])('sees %s', (_name, play) => {
    const tale = new Tale();
    play(tale);
    expect(tale.labels).toContain('I3');
  });

  function deliver(tale: Tale, sent: Uint8Array, delivered: Uint8Array): void {
    const keys = tale.shake();
    tale.opens(keys, 0, tale.seals(keys, 0, sent), delivered);
  }
});

describe('I4', () => {
  it('sees a source that is nobody’s or another peer’s', () => {
    const tale = new Tale();
    const keys = tale.shake();
    const spoofed = packet(1, [10, 0, 3, 1]);
    tale.opens(keys, 0, tale.seals(keys, 0, spoofed), spoofed);
    expect(tale.labels).toEqual(['I4']);
  });

  it('knows that a longer prefix of another peer takes an address away', () => {
    const tale = new Tale();
    const peer = { peer: 2, remote: 'c', kind: 'hybrid', profile: 'standard', psk: 'none' } as const;
    tale.see({ kind: 'peer', host: 'b', peer: { ...peer, allowed: ['10.0.1.1/32'], keepalive: undefined } });
    const keys = tale.shake();
    tale.opens(keys, 0, tale.seals(keys, 0, packet(1)), packet(1));
    expect(tale.labels).toEqual(['I4']);
  });
});

describe('I5', () => {
  it('sees a state that garbage has changed', () => {
    const tale = new Tale();
    tale.arrives('b', garbage, undefined, { drops: ['unknown-index'], unchanged: true });
    expect(tale.labels).toEqual([]);
    tale.arrives('b', garbage, undefined, { drops: ['unknown-index'], unchanged: false });
    expect(tale.labels).toEqual(['I5']);
  });

  it.each([
    ['replayed'],
    ['stale-timestamp'],
    ['bad-tag'],
    ['copy-refused'],
    ['profile-mismatch'],
    ['stale-confirm'],
  ])('sees a state that a genuine datagram has changed and that was refused as %s', (reason) => {
    const tale = new Tale();
    const bytes = tale.seals(tale.shake(), 0, packet(1));
    tale.arrives('b', bytes, undefined, { drops: [reason], unchanged: false });
    expect(tale.labels).toEqual(['I5']);
  });

  it('lets authentic packets count that are dropped afterwards', () => {
    const tale = new Tale();
    const keys = tale.shake();
    const bytes = tale.seals(keys, 0, packet(1));
    tale.opens(keys, 0, bytes, undefined, { drops: ['source-not-allowed'], unchanged: false });
    expect(tale.labels).toEqual([]);
  });
});

describe('I6', () => {
  const moved = (play: (tale: Tale, view: Partial<View>) => void): string[] => {
    const tale = new Tale();
    tale.input('b', { kind: 'act' }, undefined, at(places.a));
    play(tale, at(elsewhere));
    return tale.labels;
  };

  it('sees an endpoint that a timer moves', () => {
    expect(moved((tale, view) => tale.input('b', { kind: 'timeout' }, undefined, view))).toEqual(['I6']);
  });

  it('sees one that a handshake message moves', () => {
    expect(
      moved((tale, view) => {
        const [part = garbage] = initiationOf(9);
        tale.sends('a', part);
        tale.arrives('b', part, undefined, view, elsewhere);
      }),
    ).toEqual(['I6']);
  });

  it.each<[string, number[], number, string, Uint8Array | undefined]>([
    ['a replay', [0], 0, elsewhere, undefined],
    ['a packet that is not the highest', [1], 0, elsewhere, undefined],
    ['an answer, 0x02', [], 0, elsewhere, Uint8Array.of(2, ...new Array<number>(15).fill(0))],
    ['a path probe, 0x03', [], 0, elsewhere, Uint8Array.of(3, ...new Array<number>(15).fill(0))],
    ['a packet that came from elsewhere', [], 0, '203.0.113.10:9', undefined],
  ])('sees one that %s moves', (_name, before, counter, from, payload) => {
    const labels = moved((tale, view) => {
      const keys = tale.shake();
      const sent = new Map<number, Uint8Array>();
      for (const number of new Set([...before, counter]))
        sent.set(number, tale.seals(keys, number, payload ?? packet(number)));
      for (const number of before)
        tale.opens(keys, number, sent.get(number) ?? garbage, undefined, at(places.a));
      tale.opens(keys, counter, sent.get(counter) ?? garbage, undefined, view, from);
    });
    expect(labels).toEqual(['I6']);
  });

  it('lets the highest packet move it, a probe too, and the operator', () => {
    const labels = moved((tale, view) => {
      const keys = tale.shake();
      const bytes = tale.seals(keys, 3, Uint8Array.of(1, ...new Array<number>(15).fill(0)));
      tale.opens(keys, 3, bytes, undefined, view, elsewhere);
      tale.input('b', { kind: 'act' }, undefined, at(places.b));
    });
    expect(labels).toEqual([]);
  });
});

describe('I7', () => {
  it.each<[string, 'standard' | 'metered', number]>([
    ['180 s', 'standard', 180 * second],
    ['5400 s', 'metered', 5400 * second],
  ])('sees a key used past %s', (_name, profile, age) => {
    const tale = new Tale();
    for (const host of ['a', 'b'] as const) tale.peer(host, { profile });
    const keys = tale.shake();
    const seal = (counter: number): void =>
      tale.see({ kind: 'sealed', host: 'a', key: keys.a.send, counter, plaintext: packet(counter) });
    tale.at = age;
    seal(0);
    expect(tale.labels).toEqual([]);
    tale.at = age + 1;
    seal(1);
    expect(tale.labels).toEqual(['I7']);
  });

  it('sees an old key open', () => {
    const tale = new Tale();
    const keys = tale.shake();
    tale.at = 181 * second;
    tale.see({ kind: 'opened', host: 'b', key: keys.b.receive, counter: 0 });
    expect(tale.labels).toEqual(['I7']);
  });

  it('sees a counter at REJECT_AFTER_MESSAGES', () => {
    const tale = new Tale();
    const keys = tale.shake();
    tale.seals(keys, 2 ** 53 - 2 ** 13 - 2, packet(1));
    expect(tale.labels).toEqual([]);
    tale.seals(keys, 2 ** 53 - 2 ** 13 - 1, packet(2));
    expect(tale.labels).toEqual(['I7']);
  });
});

describe('I8', () => {
  it('sees a key that is kept', () => {
    const tale = new Tale();
    tale.shake();
    tale.at = 180 * second + 1;
    tale.input('a', { kind: 'timeout' });
    expect(tale.labels).toEqual(['I8']);
  });

  it('sees a key used after it was wiped', () => {
    const tale = new Tale();
    const keys = tale.shake();
    tale.see({ kind: 'wiped', host: 'a', key: keys.a.send });
    tale.see({ kind: 'sealed', host: 'a', key: keys.a.send, counter: 0, plaintext: packet(1) });
    expect(tale.labels).toEqual(['I8']);
  });

  it('sees ephemeral keys pile up', () => {
    const tale = new Tale();
    tale.input('a', { kind: 'timeout' }, undefined, { ephemerals: 2 });
    expect(tale.labels).toEqual([]);
    tale.input('a', { kind: 'timeout' }, undefined, { ephemerals: 3 });
    expect(tale.labels).toEqual(['I8']);
  });

  it('sees keys that are left when all has stopped', () => {
    const tale = new Tale();
    tale.shake();
    tale.see({ kind: 'end' });
    expect(tale.labels).toEqual(['I8']);
  });
});

describe('I9', () => {
  const labels = (play: (tale: Tale) => void): string[] => {
    const tale = new Tale();
    play(tale);
    return tale.labels;
  };

  it('sees two ends with unlike keys', () => {
    expect(labels((tale) => tale.shake({ receiveAtA: 'something else' }))).toEqual(['I9']);
  });

  it('sees a session of half an initiation', () => {
    expect(labels((tale) => tale.shake({ skip: 0 }))).toContain('I9');
  });

  it('sees a session of an initiation nobody sent', () => {
    expect(
      labels((tale) => tale.arrives('b', initiationOf(9)[0] ?? garbage, () => tale.keys('b', 'x', 'y'))),
    ).toEqual(['I9']);
  });

  it('sees a session out of nothing', () => {
    expect(labels((tale) => tale.input('b', { kind: 'timeout' }, () => tale.keys('b', 'x', 'y')))).toEqual([
      'I9',
    ]);
  });

  it('sees a session under unlike pre-shared keys', () => {
    expect(
      labels((tale) => {
        tale.peer('b', { psk: 'another' });
        tale.shake();
      }),
    ).toEqual(['I9']);
  });

  it('sees a responder that sends before its initiator has confirmed', () => {
    const tale = new Tale();
    const keys = tale.shake();
    const seal = (counter: number): void =>
      tale.see({ kind: 'sealed', host: 'b', key: keys.b.send, counter, plaintext: packet(counter) });
    tale.opens(keys, 0, tale.seals(keys, 0, packet(1)), packet(1));
    seal(0);
    expect(tale.labels).toEqual([]);
    const early = new Tale();
    const { b } = early.shake();
    early.see({ kind: 'sealed', host: 'b', key: b.send, counter: 0, plaintext: packet(1) });
    expect(early.labels).toEqual(['I9']);
  });

  it('sees a hybrid peer with a classical session', () => {
    const classical = new Uint8Array(148);
    classical[0] = 1;
    expect(
      labels((tale) => {
        tale.sends('a', classical);
        tale.arrives('b', classical, () => tale.keys('b', 'x', 'y'));
      }),
    ).toEqual(['I9']);
  });
});

describe('I10', () => {
  it.each([[undefined], [26 * second + 1]])('sees data that took %s ms', (took) => {
    const tale = new Tale();
    tale.see({ kind: 'flow', host: 'a', to: 'b', took, bound: 26 * second });
    expect(tale.labels).toEqual(['I10']);
  });
});

describe('I11', () => {
  it('sees an answer to garbage', () => {
    const tale = new Tale();
    tale.arrives('b', garbage, () => tale.sends('b', new Uint8Array(64).fill(3, 0, 1)));
    expect(tale.labels).toContain('I11');
  });

  it('sees more than a cookie in answer to a right mac1 alone', () => {
    const tale = new Tale();
    const [forged = garbage] = initiationOf(9);
    const [response = garbage] = responseOf(8, 9);
    tale.see({ kind: 'forged', bytes: forged });
    tale.arrives('b', forged, () => tale.sends('b', Uint8Array.of(3, ...new Array<number>(63).fill(0))));
    expect(tale.labels).toEqual([]);
    tale.arrives('b', forged, () => tale.sends('b', response));
    expect(tale.labels).toEqual(['I11']);
  });

  it('sees who speaks into the silence, unless keepalives are wanted', () => {
    const tale = new Tale();
    tale.see({ kind: 'quiet' });
    tale.at = silentAfter;
    tale.sends('a', transportOf(1, 1));
    expect(tale.labels).toEqual([]);
    tale.at += 1;
    tale.sends('a', transportOf(1, 2));
    expect(tale.labels).toEqual(['I11']);
    const kept = new Tale();
    kept.peer('b', { keepalive: 10 * second });
    kept.see({ kind: 'quiet' });
    kept.at = silentAfter + 1;
    kept.sends('a', transportOf(1, 1));
    expect(kept.labels).toEqual([]);
    for (let i = 0; i < 100; i++) kept.sends('a', transportOf(1, i + 2));
    expect(kept.labels).toEqual(['I11']);
  });
});

describe('I12', () => {
  it('sees more answered than was received, by address and port', () => {
    const tale = new Tale();
    const parts = initiationOf(9);
    const [response = garbage, rest = garbage] = responseOf(8, 9);
    for (const part of parts) tale.sends('a', part);
    for (const part of parts) tale.arrives('b', part);
    tale.sends('b', response);
    tale.sends('b', rest);
    expect(tale.labels).toEqual([]);
    tale.sends('b', response);
    expect(tale.labels).toEqual(['I12']);
    const other = new Tale();
    other.arrives('b', garbage);
    other.sends('b', Uint8Array.of(3, ...new Array<number>(63).fill(0)), '192.0.2.1:2');
    expect(other.labels).toEqual(['I12']);
  });
});

describe('I13', () => {
  it.each<[keyof View, number]>([
    ['indices', 7],
    ['answered', 12],
    ['slots', 256],
    ['sources', 1],
    ['stagedBytes', 262_144],
  ])('sees more %s than %i with one peer', (what, bound) => {
    const tale = new Tale();
    tale.input('a', { kind: 'timeout' }, undefined, { [what]: bound });
    expect(tale.labels).toEqual([]);
    tale.input('a', { kind: 'timeout' }, undefined, { [what]: bound + 1 });
    expect(tale.labels).toEqual(['I13']);
  });

  it('sees more keys than sessions may be', () => {
    const tale = new Tale();
    for (let i = 0; i < 7; i++) tale.keys('a', `send ${i}`, `receive ${i}`);
    tale.input('a', { kind: 'timeout' });
    expect(tale.labels).toContain('I13');
  });
});

describe('I14', () => {
  it('sees an index that a live session has', () => {
    const tale = new Tale();
    tale.shake();
    tale.sends('a', (initiationOf(7)[0] ?? garbage).fill(0x77, 100), elsewhere);
    expect(tale.labels).toEqual(['I14']);
  });

  it('sees an index that an initiation in flight has', () => {
    const tale = new Tale();
    for (const part of initiationOf(7)) tale.sends('a', part);
    const [other = garbage] = initiationOf(7);
    tale.sends('a', other.fill(0x77, 100), elsewhere);
    expect(tale.labels).toEqual(['I14']);
  });

  it('lets an index be used again when its session is gone', () => {
    const tale = new Tale();
    const keys = tale.shake();
    for (const key of Object.values(keys.a)) tale.see({ kind: 'wiped', host: 'a', key });
    tale.sends('a', (initiationOf(7)[0] ?? garbage).fill(0x77, 100), elsewhere);
    expect(tale.labels).toEqual([]);
  });
});

describe('I15', () => {
  const change = {
    verb: 'something',
    before: new Map([
      [1, 'x'],
      [2, 'y'],
    ]),
    touched: [1],
  };
  it.each<[string, { legal: boolean; threw: string | undefined; after: Map<number, string> }, boolean]>([
    [
      'a refusal that changed something',
      {
        legal: false,
        threw: 'NO',
        after: new Map([
          [1, 'z'],
          [2, 'y'],
        ]),
      },
      false,
    ],
    [
      'a refusal that changed nothing',
      {
        legal: false,
        threw: 'NO',
        after: new Map([
          [1, 'x'],
          [2, 'y'],
        ]),
      },
      true,
    ],
    [
      'nonsense accepted',
      {
        legal: false,
        threw: undefined,
        after: new Map([
          [1, 'x'],
          [2, 'y'],
        ]),
      },
      false,
    ],
    [
      'a change refused',
      {
        legal: true,
        threw: 'NO',
        after: new Map([
          [1, 'x'],
          [2, 'y'],
        ]),
      },
      false,
    ],
    [
      'a change of the peer it names',
      {
        legal: true,
        threw: undefined,
        after: new Map([
          [1, 'z'],
          [2, 'y'],
        ]),
      },
      true,
    ],
    [
      'a change of another peer',
      {
        legal: true,
        threw: undefined,
        after: new Map([
          [1, 'z'],
          [2, 'z'],
        ]),
      },
      false,
    ],
    ['a removal of another peer', { legal: true, threw: undefined, after: new Map([[1, 'x']]) }, false],
  ])('judges %s', (_name, rest, fine) => {
    const tale = new Tale();
    tale.see({ kind: 'reconfigured', host: 'a', change: { ...change, ...rest } });
    expect(tale.labels).toEqual(fine ? [] : ['I15']);
  });
});
