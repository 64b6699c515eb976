/**
 * The field: real daemons in namespaces of their own, and an attacker with a cable to the hub.
 *
 *   gateway 1 … 4 ── 192.0.2.0/30, .4/30, … ──┐
 *   newcomer ─────── 192.0.2.16/30 ───────────┤ hub 10.88.0.1, port 51820
 *   attacker ─────── 198.51.100.0/24 ─────────┘     2001:db8:ff::1
 *
 * All of 198.18.0.0/15 and 2001:db8:a000::/36 lie behind the attacker, who forges addresses there, so that what the hub answers
 * comes to him and can be counted; when he forges that of a gateway, the answers go to the gateway.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Identity, Secret } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { Namespace } from '../kit/lab/namespace.ts';
import { Site } from '../kit/lab/site.ts';
import { ip } from '../kit/packets.ts';
import type { CableStep } from './cables.ts';
import { buildTraffic } from './program.ts';
import type { Source } from './shots.ts';

export const hubPort = 51820;
export const sitePort = 51821;
/** Where the plain sink of the reference listens, and honest users' traffic goes. */
export const referencePort = 51899;
export const userPort = 5001;
export const innerHub = '10.88.0.1';
export const attackedAt = { 4: '198.51.100.1', 6: '2001:db8:ff::1' } as const;

const gatewayCount = 4;
const cablesScript = fileURLToPath(new URL('./cables.ts', import.meta.url));

export interface Party {
  readonly identity: Identity;
  /** Base64. */
  readonly publicKey: string;
  readonly kemPublicKey: string;
  readonly secretLines: string;
}

export interface Outpost {
  readonly site: Site;
  readonly party: Party;
  /** As the hub sees it. */
  readonly outer: Source;
  readonly outerText: string;
  readonly hubText: string;
  readonly inner: string;
}

export class Field {
  readonly folder: string;
  /** The built `traffic.c`. */
  readonly traffic: string;
  readonly hub: Site;
  readonly hubParty: Party;
  readonly gateways: readonly Outpost[];
  readonly newcomer: Outpost;
  readonly attacker: Namespace;
  readonly cpus: Cpus | undefined;
  readonly #namespaces: readonly Namespace[];

  private constructor(parts: Omit<Field, 'close' | 'start' | 'pinToHub'>, namespaces: readonly Namespace[]) {
    this.folder = parts.folder;
    this.traffic = parts.traffic;
    this.hub = parts.hub;
    this.hubParty = parts.hubParty;
    this.gateways = parts.gateways;
    this.newcomer = parts.newcomer;
    this.attacker = parts.attacker;
    this.cpus = parts.cpus;
    this.#namespaces = namespaces;
  }

  /** Namespaces, cables, keys, configurations, and the traffic program; no daemon yet. Leaves nothing behind when it throws. */
  static async create(): Promise<Field> {
    const folder = mkdtempSync(join(tmpdir(), 'pqtun-flood-'));
    const namespaces: Namespace[] = [];
    try {
      const cpus = splitCpus();
      const traffic = buildTraffic(folder);
      const names = [
        'hub',
        ...Array.from({ length: gatewayCount }, (_, i) => `gateway-${i + 1}`),
        'newcomer',
        'attacker',
      ];
      const made = await Promise.allSettled(names.map((name) => Namespace.create(name)));
      for (const each of made) if (each.status === 'fulfilled') namespaces.push(each.value);
      for (const each of made) if (each.status === 'rejected') throw each.reason;
      const [hubSpace, ...others] = namespaces;
      const attacker = others.pop();
      if (hubSpace === undefined || attacker === undefined) throw new Error('no namespaces');
      await layCables(hubSpace, others, attacker);
      const hubParty = makeParty();
      const outposts = others.map((namespace, i) => makeOutpost(namespace, i, folder, hubParty));
      const newcomer = outposts.pop();
      if (newcomer === undefined) throw new Error('no newcomer');
      const hub = new Site(hubSpace, 'pq0', join(folder, 'hub'));
      hub.configure(
        [
          '[Interface]',
          hubParty.secretLines,
          `Address = ${innerHub}/24`,
          `ListenPort = ${hubPort}`,
          ...outposts.map(({ party, inner }) => peerLines(party, `AllowedIPs = ${inner}/32`)),
          '',
        ].join('\n'),
      );
      const parts = { folder, traffic, hub, hubParty, gateways: outposts, newcomer, attacker, cpus };
      return new Field(parts, namespaces);
    } catch (error) {
      await Promise.all(namespaces.map((namespace) => namespace.close()));
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts every daemon over this plane; the hub's threads go to its own CPU. */
  async start(plane: string): Promise<void> {
    const options = ['--uapi', 'off', '--log-level', 'info', '--plane', plane];
    await this.hub.start(...options);
    this.pinToHub(this.hub.pid);
    await Promise.all([...this.gateways, this.newcomer].map(({ site }) => site.start(...options)));
  }

  /** Lets all threads of a process run on the hub's CPU alone, where there is more than one. */
  pinToHub(pid: number | undefined): void {
    if (this.cpus !== undefined && pid !== undefined) pin(this.cpus.hub, pid);
  }

  /** Ends every daemon and program, removes namespaces and files. Harmless when repeated. */
  async close(): Promise<void> {
    const sites = [this.hub, this.newcomer.site, ...this.gateways.map(({ site }) => site)];
    await Promise.all(sites.map((site) => site.stop()));
    await Promise.all(this.#namespaces.map((namespace) => namespace.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The CPU of the hub (and of the plain sink it is compared with), and those of everybody else. */
export interface Cpus {
  readonly hub: string;
  readonly others: string;
}

/** Gives the first CPU we may use to the hub and moves ourselves, so all we start, to the others; `undefined` on one CPU. */
function splitCpus(): Cpus | undefined {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const [hub, ...others] = allowed.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  if (hub === undefined || others.length === 0) return undefined;
  const cpus = { hub: String(hub), others: others.join(',') };
  return pin(cpus.others, process.pid) ? cpus : undefined;
}

function pin(cpus: string, pid: number): boolean {
  return spawnSync('taskset', ['-acp', cpus, String(pid)], { stdio: 'ignore' }).status === 0;
}

async function layCables(hub: Namespace, sites: readonly Namespace[], attacker: Namespace): Promise<void> {
  const quiet: CableStep[] = ['all', 'default'].map((scope) => ({
    kind: 'setting',
    path: `ipv4/conf/${scope}/rp_filter`,
    value: '0', // forged addresses of a gateway come in by the attacker's cable, and are to reach the daemon
  }));
  await within(hub, [
    ...quiet,
    ...sites.flatMap((site, i): CableStep[] => [
      { kind: 'cable', name: `to-${i}`, pid: site.pid },
      { kind: 'up', name: `to-${i}`, addresses: [`${outerHub(i)}/30`] },
    ]),
    { kind: 'cable', name: 'to-attacker', pid: attacker.pid },
    { kind: 'up', name: 'to-attacker', addresses: [`${attackedAt[4]}/24`, `${attackedAt[6]}/64`] },
  ]);
  await Promise.all([
    ...sites.map((site, i) =>
      within(site, [{ kind: 'up', name: 'eth0', addresses: [`${outerSite(i)}/30`] }]),
    ),
    within(attacker, [{ kind: 'up', name: 'eth0', addresses: ['198.51.100.2/24', '2001:db8:ff::2/64'] }]),
  ]);
  await within(hub, [
    { kind: 'route', to: '198.18.0.0/15', via: '198.51.100.2' },
    { kind: 'route', to: '2001:db8:a000::/36', via: '2001:db8:ff::2' },
  ]);
}

async function within(namespace: Namespace, steps: readonly CableStep[]): Promise<void> {
  const args = ['--conditions=pqtun-source', '--no-warnings', cablesScript, JSON.stringify(steps)];
  await namespace.run(process.execPath, args);
}

const outerHub = (i: number): string => `192.0.2.${4 * i + 1}`;
const outerSite = (i: number): string => `192.0.2.${4 * i + 2}`;

function makeParty(): Party {
  const crypto = nodeSuite();
  const [dh, kem] = [Buffer.from(crypto.random(32)), Buffer.from(crypto.random(64))];
  const identity = new Identity(crypto, new Secret(new Uint8Array(dh)), new Secret(new Uint8Array(kem)));
  return {
    identity,
    publicKey: Buffer.from(identity.dh.publicKey).toString('base64'),
    kemPublicKey: Buffer.from(identity.kem(1)?.publicKey ?? []).toString('base64'),
    secretLines: `PrivateKey = ${dh.toString('base64')}\nKemSeed = ${kem.toString('base64')}`,
  };
}

function makeOutpost(namespace: Namespace, i: number, folder: string, hub: Party): Outpost {
  const site = new Site(namespace, 'pq0', join(folder, namespace.name));
  const party = makeParty();
  const inner = `10.88.0.${i + 2}`;
  site.configure(
    [
      '[Interface]',
      party.secretLines,
      `Address = ${inner}/24`,
      `ListenPort = ${sitePort}`,
      ...(namespace.name === 'newcomer'
        ? []
        : [peerLines(hub, `AllowedIPs = ${innerHub}/32`, `Endpoint = ${outerHub(i)}:${hubPort}`)]),
      '',
    ].join('\n'),
  );
  const outer = { ip: ip(outerSite(i)), port: sitePort };
  return {
    site,
    party,
    inner,
    outer,
    outerText: `${outerSite(i)}:${sitePort}`,
    hubText: `${outerHub(i)}:${hubPort}`,
  };
}

function peerLines(party: Party, ...more: readonly string[]): string {
  return ['[Peer]', `PublicKey = ${party.publicKey}`, `KemPublicKey = ${party.kemPublicKey}`, ...more].join(
    '\n',
  );
}
