import { expect, it } from 'vitest';
import { Random } from '../kit/index.ts';
import { type Link, pickScenario } from './scenario.ts';

const scenarios = Array.from({ length: 400 }, (_, seed) => pickScenario(new Random(seed)));
const links = scenarios.flatMap((scenario) => scenario.links);

it('picks every topology and two to eight hosts', () => {
  expect(new Set(scenarios.map(({ topology }) => topology))).toEqual(new Set(['pair', 'star', 'mesh']));
  expect([...new Set(scenarios.map(({ hosts }) => hosts))].sort()).toEqual([2, 3, 4, 5, 6, 8]);
});

it('joins each pair at most once, a star through its hub alone, a mesh fully', () => {
  for (const { topology, hosts, links: joined } of scenarios) {
    const names = joined.map(({ first, second }) => `${first}-${second}`);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(topology === 'mesh' ? (hosts * (hosts - 1)) / 2 : hosts - 1);
    if (topology !== 'mesh') expect(joined.every(({ second }) => second === 0)).toBe(true);
  }
});

it.each<[string, (link: Link) => boolean]>([
  ['classical peers', ({ kind }) => kind === 'classical'],
  ['suite 2', ({ suite }) => suite === 2],
  ['the metered profile', ({ profile }) => profile === 'metered'],
  ['pre-shared keys', ({ hasPsk }) => hasPsk],
  ['keepalives', ({ keepalive }) => keepalive !== undefined],
  ['one end that does not know where the other is', ({ bothKnow }) => !bothKnow],
])('has %s, but not everywhere', (_name, has) => {
  const share = links.filter(has).length / links.length;
  expect(share).toBeGreaterThan(0.04);
  expect(share).toBeLessThan(0.8);
});

it('has classical peers among hybrid ones', () => {
  const mixed = scenarios.filter(({ links: all }) => new Set(all.map(({ kind }) => kind)).size === 2);
  expect(mixed.length).toBeGreaterThan(20);
});

it('never asks for what may not be: no metered classical peer', () => {
  expect(links.filter(({ kind, profile }) => kind === 'classical' && profile === 'metered')).toEqual([]);
});
