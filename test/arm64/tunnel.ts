/**
 * Two daemons in two namespaces, one or both of them on arm64: echoes and a file through the tunnel. Namespaces, the cable and the
 * programs that send and receive are this machine's; what is on arm64 is everything from the TUN device to the UDP socket.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addresses, gatewayPort, hubPort } from '../kit/lab/lab.ts';
import { Namespace } from '../kit/lab/namespace.ts';
import { payloadHash } from '../kit/lab/payload.ts';
import { makeKeys, pqtun, Site } from '../kit/lab/site.ts';

export type Architecture = 'arm64' | 'x64';

export interface TunnelCase {
  readonly gateway: Architecture;
  readonly hub: Architecture;
  readonly plane: 'native' | 'portable';
}

const fileSize = 2 ** 20;
const echoPort = 7;
const webPort = 8080;
const patience = 60_000;

/** What was seen, in a line. Throws, with both logs, when something did not get through. `launcher`: pqtun on arm64. */
export async function throughTunnel(launcher: string, { gateway, hub, plane }: TunnelCase): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-arm64-'));
  const spaces: Namespace[] = [];
  const sites: Site[] = [];
  try {
    const space = async (name: string): Promise<Namespace> => {
      const made = await Namespace.create(name);
      spaces.push(made);
      return made;
    };
    const near = await space('gateway');
    const far = await space('hub');
    await near.help('veth', 'eth0', 'eth0', far.pid);
    await near.help('configure', 'eth0', [`${addresses.gateway.outer4}/24`], 1500);
    await far.help('configure', 'eth0', [`${addresses.hub.outer4}/24`], 1500);
    const programOf = (architecture: Architecture): string => (architecture === 'arm64' ? launcher : pqtun);
    const nearSite = new Site(near, 'pq0', join(folder, 'gateway'), programOf(gateway));
    const farSite = new Site(far, 'pq0', join(folder, 'hub'), programOf(hub));
    sites.push(nearSite, farSite);
    configure(nearSite, farSite, plane);
    await farSite.start();
    await nearSite.start();
    return await use(near, far, nearSite);
  } catch (error) {
    const logs = sites.map((site) => `--- log of the ${site.namespace.name}\n${site.log}`);
    throw new Error([error instanceof Error ? error.message : String(error), ...logs].join('\n'), {
      cause: error,
    });
  } finally {
    for (const site of sites) await site.stop();
    for (const space of spaces) await space.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function configure(gateway: Site, hub: Site, plane: string): void {
  const keys = { gateway: makeKeys(), hub: makeKeys() };
  hub.configure(`[Interface]
${keys.hub.secretLines}
Address = ${addresses.hub.inner4}/24
ListenPort = ${hubPort}
Plane = ${plane}
[Peer]
${keys.gateway.publicLines}
AllowedIPs = ${addresses.gateway.inner4}/32
`);
  gateway.configure(`[Interface]
${keys.gateway.secretLines}
Address = ${addresses.gateway.inner4}/24
ListenPort = ${gatewayPort}
Plane = ${plane}
[Peer]
${keys.hub.publicLines}
Endpoint = ${addresses.hub.outer4}:${hubPort}
AllowedIPs = ${addresses.hub.inner4}/32
`);
}

async function use(near: Namespace, far: Namespace, gateway: Site): Promise<string> {
  const { inner4 } = addresses.hub;
  await far.startHelper('echo', inner4, echoPort);
  const first = await near.help('untilEcho', inner4, echoPort, patience);
  if (typeof first !== 'number')
    throw new Error(`no echo came through the tunnel within ${patience / 1000} s`);
  // The casts state what these acts of kit/lab/helper.ts print.
  const pings = (await near.help('pings', inner4, echoPort, 20, 1200, 20)) as {
    sent: number;
    answered: number;
  };
  if (pings.answered < pings.sent * 0.9)
    throw new Error(`of ${pings.sent} echoes only ${pings.answered} were answered`);
  await far.startHelper('serve', inner4, webPort, fileSize);
  const file = (await near.help('fetch', inner4, webPort)) as { bytes: number; sha256: string };
  if (file.bytes !== fileSize || file.sha256 !== payloadHash(fileSize))
    throw new Error(`a file of ${fileSize} B arrived as ${file.bytes} B, and is not the same`);
  return `${pings.answered} of ${pings.sent} echoes, 1 MiB by TCP; ${pathOf(gateway.show())}`;
}

/** What moved the packets, as `pqtun show --json` says it. */
function pathOf(shown: unknown): string {
  const status = JSON.stringify(shown);
  const plane = /"plane":"(\w+)"/.exec(status)?.[1] ?? 'unknown';
  const aead = /"aead":\{"name":"(\w+)"/.exec(status)?.[1] ?? 'node';
  const offloads = [...status.matchAll(/\{"name":"([\w-]+)","active":(true|false)/g)];
  const active = offloads.filter(([, , on]) => on === 'true').map(([, name]) => name);
  return `plane ${plane}, AEAD ${aead}, offloads ${active.join(' ') || 'none'}`;
}
