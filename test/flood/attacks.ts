/** The attacks, in the order they are played. */
import { limits } from '@pqtun/core';
import { type Arsenal, forged4, forged6, forgedBoth } from './arsenal.ts';
import type { Field } from './field.ts';
import type { Shots, Source } from './shots.ts';

export interface Attack {
  readonly name: string;
  /** For people: what he sends, and what he hopes for. */
  readonly what: string;
  /** Datagrams a second. */
  readonly rate: number;
  /** How far source ports move on each time the ammunition is fired anew; with 0 they stay. */
  readonly step: number;
  /** Against which row of the plain sink its goodput is judged: one of full-sized datagrams at the full rate, or none at all. */
  readonly reference: 'flood' | 'quiet';
  /** He forges the first gateway's address: the hub's answers go there. */
  readonly answersGoToGateway?: true;
  prepare(arsenal: Arsenal, field: Field): Promise<Shots> | Shots;
}

export interface Setting {
  /** Datagrams a second of the floods. */
  readonly rate: number;
  /** Parts of each limit at which the threshold attacks are played. */
  readonly factors: readonly number[];
  /** Where the recorded initiations are. */
  readonly recording: string;
}

const spoofedSources = 10_000;
/** A farmer with so many true addresses; each may have 50 proven fragments a second answered by key agreements. */
const farms = 64;

export function attacks(setting: Setting): Attack[] {
  return [...floods(setting), ...setting.factors.flatMap(thresholds)];
}

function floods({ rate, recording }: Setting): Attack[] {
  const flood = { rate, reference: 'flood' } as const;
  return [
    {
      ...flood,
      name: 'garbage',
      what: 'any length, any first byte, every type with something wrong',
      step: 1,
      prepare: (arsenal) => arsenal.garbage(spoofedSources, forgedBoth),
    },
    {
      ...flood,
      name: 'wrong mac1',
      what: 'legal fragments, mac1 wrong',
      step: 1,
      prepare: (arsenal) => arsenal.wrongMac1(spoofedSources, forgedBoth),
    },
    ...([4, 6] as const).map(
      (family): Attack => ({
        ...flood,
        name: `right mac1, IPv${family}`,
        what: `whole initiations from ${spoofedSources} forged ${family === 4 ? '/32' : '/64'}, nonsense inside`,
        step: 1,
        prepare: (arsenal) => arsenal.nonsense(spoofedSources, family === 4 ? forged4 : forged6),
      }),
    ),
    {
      ...flood,
      name: 'gateway forged',
      what: 'the same from the very address and port of an honest gateway',
      step: 0,
      answersGoToGateway: true,
      prepare: (arsenal, { gateways: [first] }) => arsenal.nonsense(spoofedSources, always(first?.outer)),
    },
    {
      ...flood,
      name: 'newcomer forged',
      what: 'the same from the very address and port of a peer that has no session yet',
      step: 0,
      prepare: (arsenal, { newcomer }) => arsenal.nonsense(spoofedSources, always(newcomer.outer)),
    },
    {
      ...flood,
      name: 'cookie farm',
      what: `${farms} true addresses that answer cookies, proven initiations, nonsense inside`,
      step: 0,
      prepare: async (arsenal) => arsenal.proven(await arsenal.farm(farms, forgedBoth), 60, 'whole'),
    },
    {
      ...flood,
      name: 'replay',
      what: `recorded initiations of a gateway from ${spoofedSources} forged addresses`,
      step: 1,
      prepare: (arsenal) => arsenal.recorded(recording, spoofedSources, forgedBoth),
    },
    {
      ...flood,
      name: 'halves',
      what: 'first fragments only, each of another initiation, from forged addresses',
      step: 1,
      prepare: (arsenal) => arsenal.halves(spoofedSources, forgedBoth),
    },
  ];
}

/** Just below, at, and just above what protocol.md §6 lets pass. A slot that is never completed is held for 3 s. */
function thresholds(factor: number): Attack[] {
  const slow = { reference: 'quiet', step: 0 } as const;
  const held = limits.reassemblyLifetime / 1000;
  const { poolB, perSource, perPrefix } = limits.reassemblySlots;
  const percent = `${Math.round(factor * 100)} %`;
  return [
    {
      ...slow,
      name: `${percent} of the load`,
      what: `${limits.loadHandshakesPerSecond} whole initiations a second, from 1000 addresses`,
      rate: 2 * limits.loadHandshakesPerSecond * factor,
      prepare: (arsenal) => arsenal.nonsense(1000, forgedBoth),
    },
    {
      ...slow,
      name: `${percent} of the rate`,
      what: `${limits.unprovenRate.perSecond} fragments a second from each of 200 addresses`,
      rate: 200 * limits.unprovenRate.perSecond * factor,
      prepare: (arsenal) => arsenal.nonsense(200, forgedBoth),
    },
    {
      ...slow,
      name: `${percent} of the proven rate`,
      what: `${limits.provenRate.perSecond} proven fragments a second from each of 16 addresses`,
      rate: 16 * limits.provenRate.perSecond * factor,
      prepare: async (arsenal) => arsenal.proven(await arsenal.farm(16, forgedBoth), 200, 'whole'),
    },
    {
      ...slow,
      name: `${percent} of half pool B`,
      what: `first fragments that hold ${poolB / 2} slots`,
      rate: (poolB / 2 / held) * factor,
      prepare: (arsenal) => arsenal.halves(1000, forgedBoth),
    },
    {
      ...slow,
      name: `${percent} of pool B`,
      what: `proven first fragments that hold ${poolB} slots`,
      rate: (poolB / held) * factor,
      prepare: async (arsenal) => arsenal.proven(await arsenal.farm(32, forgedBoth), 40, 'halves'),
    },
    {
      ...slow,
      name: `${percent} of a prefix’s slots`,
      what: `first fragments from the newcomer’s address that hold ${perPrefix} slots`,
      rate: (perPrefix / held) * factor,
      prepare: (arsenal, { newcomer }) => arsenal.halves(200, always(newcomer.outer)),
    },
    {
      ...slow,
      name: `${percent} of a source’s slots`,
      what: `first fragments from a gateway’s address that hold ${perSource} slots of pool A`,
      rate: (perSource / held) * factor,
      answersGoToGateway: true,
      prepare: (arsenal, { gateways: [first] }) => arsenal.halves(200, always(first?.outer)),
    },
  ];
}

function always(source: Source | undefined): () => Source {
  if (source === undefined) throw new Error('there is no such site');
  return () => source;
}
