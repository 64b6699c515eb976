/** Our daemon, hybrid peers of each other, on the plane that is asked for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeKeys, pqtun as ownPqtun, Site } from '../../test/kit/lab/site.ts';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import { type Contestant, inner, outer, type Pair, type Tunnel, tunnelMtu } from './pair.ts';

const port = 51820;
const sides = ['left', 'right'] as const;
const other = { left: 'right', right: 'left' } as const;

export type PlaneKind = 'portable' | 'native';

/** Which daemon, and whether its addon is one with a cipher. */
export interface Build {
  readonly command: string;
  readonly hasCipher: boolean;
}

const ownBuild: Build = { command: ownPqtun, hasCipher: true };

export function pqtunContestant(plane: PlaneKind, build: Build = ownBuild): Contestant {
  const { version } = JSON.parse(
    readFileSync(new URL('../../daemon/package.json', import.meta.url), 'utf8'),
  ) as { version: string }; // test/repo holds every member to have one
  return {
    name: `pqtun ${version}, ${plane} plane`,
    built: 'this tree, ML-KEM-768 and X25519',
    start: (pair) => start(pair, plane, build),
  };
}

async function start(pair: Pair, plane: PlaneKind, { command, hasCipher }: Build): Promise<Tunnel> {
  const folder = temporaryFolder('bench-pqtun');
  const keys = { left: makeKeys(), right: makeKeys() };
  const sites = sides.map((side) => {
    const site = new Site(pair[side], 'pq0', join(folder, side), command);
    site.configure(
      [
        '[Interface]',
        keys[side].secretLines,
        `Address = ${inner[side]}/24`,
        `ListenPort = ${port}`,
        `MTU = ${tunnelMtu}`,
        '[Peer]',
        keys[other[side]].publicLines,
        `Endpoint = ${outer[other[side]]}:${port}`,
        `AllowedIPs = ${inner[other[side]]}/32`,
        '',
      ].join('\n'),
    );
    return site;
  });
  const stop = async (): Promise<string | undefined> => {
    const codes = await Promise.all(sites.map((site) => site.stop()));
    removeNow(folder);
    return codes.every((code) => code === 0)
      ? undefined
      : `daemons ended with exit codes ${codes.join(' and ')}`;
  };
  try {
    for (const site of sites) await site.start('--plane', plane, '--uapi', 'off', '--log-level', 'warn');
    const found = dataPathOf(sites[0]?.show());
    if (found.plane !== plane)
      throw new Error(`the daemon runs the ${found.plane} plane, not the ${plane} one`);
    if (hasCipher === (found.aead === 'none')) throw new Error(`the daemon seals with "${found.aead}"`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...inner,
    pids: sites.map(({ pid }) => pid ?? 0),
    offloads: () => dataPathOf(sites[0]?.show()).text,
    log: () => sites.map(({ log }) => log.slice(-1500)).join('\n'),
    stop,
  };
}

/** What the run reads of `pqtun show --json`; docs/operations.md. */
interface Shown {
  readonly interfaces?: readonly {
    readonly plane?: string;
    readonly aead?: { readonly name: string };
    readonly offloads?: readonly {
      readonly name: string;
      readonly active: boolean;
      readonly reason?: string | null;
    }[];
  }[];
}

/** Plane, cipher and offloads as the daemon says they are: what was asked for is not always what there is. */
export function dataPathOf(shown: unknown): { plane: string; aead: string; text: string } {
  const [first] = (shown as Shown).interfaces ?? []; // documented; every field may be missing in an older daemon
  const { plane = 'unknown', aead, offloads = [] } = first ?? {};
  const words = offloads.map(({ name, active, reason }) =>
    active ? name : `no ${name}${reason ? ` (${reason})` : ''}`,
  );
  const name = aead?.name ?? 'unknown';
  return {
    plane,
    aead: name,
    text: [`AEAD ${name}`, ...(words.length === 0 ? ['offloads unknown'] : words)].join(', '),
  };
}
