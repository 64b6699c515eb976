import { describe, expect, it } from 'vitest';
import { titled, whyNoNamespace } from './testing/namespace.ts';
import { planeEdge } from './testing/plane-edge.ts';
import { runScenario } from './testing/scenario.ts';

type Verb = 'turnOn' | 'turnOff' | 'settle' | 'wanted' | 'active' | 'reason' | 'name';
const edge = planeEdge<{
  create(allowed: number): object;
  act(offloads: object, verb: Verb, offload: number, reason: string): unknown;
  takeChanges(offloads: object): number;
}>('offloads');

const names = ['vnet-header', 'checksum', 'tso', 'uso', 'udp-gso', 'udp-gro'] as const;
type Name = (typeof names)[number];
const all = (1 << names.length) - 1;
const bit = (name: Name): number => 1 << names.indexOf(name);

class Offloads {
  readonly #handle: object;

  constructor(allowed: number = all) {
    this.#handle = edge.create(allowed);
  }

  act(verb: Verb, name: Name, reason = ''): unknown {
    return edge.act(this.#handle, verb, names.indexOf(name), reason);
  }

  allOn(): this {
    for (const name of names) this.act('turnOn', name);
    return this;
  }

  get active(): Name[] {
    return names.filter((name) => this.act('active', name) === true);
  }

  get changes(): Name[] {
    const bits = edge.takeChanges(this.#handle);
    return names.filter((name) => (bits & bit(name)) !== 0);
  }
}

describe('the offloads of a loop', () => {
  it('are off until they have been tried, and have the names of src/data-plane.ts', () => {
    const offloads = new Offloads();
    expect(offloads.active).toEqual([]);
    expect(names.map((name) => offloads.act('name', name))).toEqual(names);
    expect(names.filter((name) => offloads.act('wanted', name) === true)).toEqual([
      'vnet-header',
      'udp-gso',
      'udp-gro',
    ]);
    expect(offloads.allOn().active).toEqual(names);
  });

  it.each(names)('never use %s where the operator has switched it off, and say so', (name) => {
    const offloads = new Offloads(all & ~bit(name)).allOn();
    expect(offloads.act('active', name)).toBe(false);
    expect(offloads.act('wanted', name)).toBe(false);
    expect(offloads.act('reason', name)).toBe('switched off by configuration');
  });

  it('say of each that was switched off that it was, and of the others what they lack', () => {
    const reasons = (allowed: number): unknown[] => {
      const offloads = new Offloads(allowed);
      return names.map((name) => offloads.act('reason', name));
    };
    const off = 'switched off by configuration';
    expect(reasons(0)).toEqual(names.map(() => off));
    expect(reasons(all & ~bit('vnet-header') & ~bit('uso'))).toEqual([
      off,
      'needs vnet-header',
      'needs checksum',
      off,
      '',
      '',
    ]);
  });

  it('go with what they need, and say what that is', () => {
    const offloads = new Offloads().allOn();
    expect(offloads.act('turnOff', 'vnet-header', 'gone')).toBe(true);
    expect(offloads.active).toEqual(['udp-gso', 'udp-gro']);
    expect(names.map((name) => offloads.act('reason', name))).toEqual([
      'gone',
      'needs vnet-header',
      'needs checksum',
      'needs checksum',
      '',
      '',
    ]);
    offloads.allOn();
    expect(offloads.active).toEqual(['udp-gso', 'udp-gro']);
  });

  it('stay off with the first reason', () => {
    const offloads = new Offloads().allOn();
    expect(offloads.act('turnOff', 'tso', 'first')).toBe(true);
    expect(offloads.act('turnOff', 'tso', 'second')).toBe(false);
    offloads.act('turnOn', 'tso');
    expect(offloads.act('active', 'tso')).toBe(false);
    expect(offloads.act('reason', 'tso')).toBe('first');
    expect(offloads.active).toEqual(['vnet-header', 'checksum', 'uso', 'udp-gso', 'udp-gro']);
  });

  it('tell each change once', () => {
    const offloads = new Offloads().allOn();
    expect(offloads.changes).toEqual(names);
    expect(offloads.changes).toEqual([]);
    offloads.act('turnOff', 'udp-gso', 'EIO');
    offloads.act('turnOff', 'udp-gso', 'EIO');
    expect(offloads.changes).toEqual(['udp-gso']);
    offloads.act('turnOff', 'checksum', '');
    expect(offloads.changes).toEqual(['checksum', 'tso', 'uso']);
    expect(offloads.changes).toEqual([]);
  });

  it('are given up when they were tried in vain, and not when they work', () => {
    const offloads = new Offloads();
    offloads.act('turnOn', 'udp-gro', 'not tested');
    offloads.act('settle', 'udp-gro', 'fails');
    offloads.act('settle', 'udp-gso', 'fails');
    expect(offloads.active).toEqual(['udp-gro']);
    expect(offloads.act('reason', 'udp-gro')).toBe('not tested');
    expect(offloads.act('reason', 'udp-gso')).toBe('fails');
    expect(offloads.act('wanted', 'udp-gso')).toBe(false);
  });
});

const reason = whyNoNamespace();

describe.skipIf(reason !== undefined)(titled('the self-test of UDP offloads', reason), () => {
  const passes = (name: string): void => {
    const { status, stderr } = runScenario('train-scenarios.ts', name);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  };

  it('finds both good over the loopback', () => passes('selfTest'));
  it('believes the kernel where the loopback is down, and says so', () => passes('selfTestWithoutLoopback'));
  it('tries nothing the operator has switched off', () => passes('selfTestOfNothing'));
});
