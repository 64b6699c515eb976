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

/** `command`: another build of the daemon. */
export function pqtunContestant(plane: PlaneKind, command = ownPqtun): Contestant {
  const { version } = JSON.parse(
    readFileSync(new URL('../../daemon/package.json', import.meta.url), 'utf8'),
  ) as { version: string }; // test/repo holds every member to have one
  return {
    name: `pqtun ${version}, ${plane} plane`,
    built: 'this tree, ML-KEM-768 and X25519',
    start: (pair) => start(pair, plane, command),
  };
}

async function start(pair: Pair, plane: PlaneKind, command: string): Promise<Tunnel> {
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
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ...inner,
    pids: sites.map(({ pid }) => pid ?? 0),
    offloads: () => offloadsOf(sites[0]?.show()),
    log: () => sites.map(({ log }) => log.slice(-1500)).join('\n'),
    stop,
  };
}

/** `offloads` of the first interface of `pqtun show --json`, where it has them. */
export function offloadsOf(shown: unknown): string {
  const { interfaces } = (shown ?? {}) as { interfaces?: readonly { offloads?: unknown }[] }; // looked at below
  const offloads = interfaces?.[0]?.offloads;
  if (typeof offloads !== 'object' || offloads === null) return 'unknown';
  return Object.entries(offloads)
    .map(([name, state]) => `${name} ${typeof state === 'object' ? JSON.stringify(state) : state}`)
    .join(', ');
}
