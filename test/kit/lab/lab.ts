/**
 * Two sites joined by a cable:
 *
 *   ┌ gateway ───────────┐          ┌ soc-hub ───────────┐
 *   │ tunnel 10.88.0.2   │   veth   │ tunnel 10.88.0.1   │
 *   │ eth0   192.0.2.2   ├──────────┤ eth0   192.0.2.1   │
 *   │        2001:db8::2 │          │        2001:db8::1 │
 *   └────────────────────┘          └────────────────────┘
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Namespace } from './namespace.ts';
import { type Keys, makeKeys, Site } from './site.ts';

export const hubPort = 51820;
export const gatewayPort = 51821;
export const addresses = {
  hub: { outer4: '192.0.2.1', outer6: '2001:db8::1', inner4: '10.88.0.1', inner6: 'fd00:88::1' },
  gateway: { outer4: '192.0.2.2', outer6: '2001:db8::2', inner4: '10.88.0.2', inner6: 'fd00:88::2' },
} as const;

export interface LabOptions {
  readonly underlayMtu?: number;
  /** Of the hub's end alone: what is longer is lost on its way there without a word. Default: as the other end's. */
  readonly hubUnderlayMtu?: number;
  /** Outer family of the tunnel. Default 4. */
  readonly family?: 4 | 6;
  readonly suite?: 1 | 2;
  /** More lines of the gateway's `[Peer]`, of the hub's, and of each `[Interface]`. */
  readonly gatewayPeer?: readonly string[];
  readonly hubPeer?: readonly string[];
  readonly gatewayInterface?: readonly string[];
  readonly hubInterface?: readonly string[];
  /** Instead of 10.88.0.0/24 and fd00:88::/64. */
  readonly gatewayAllowedIps?: string;
  readonly interfaceName?: string;
  /** What moves packets at both ends. Default: the daemon's. */
  readonly plane?: 'native' | 'portable';
}

export class Lab implements AsyncDisposable {
  readonly gateway: Site;
  readonly hub: Site;
  readonly gatewayKeys: Keys;
  readonly hubKeys: Keys;
  readonly #folder: string;

  private constructor(folder: string, sites: { gateway: Site; hub: Site; gatewayKeys: Keys; hubKeys: Keys }) {
    this.#folder = folder;
    this.gateway = sites.gateway;
    this.hub = sites.hub;
    this.gatewayKeys = sites.gatewayKeys;
    this.hubKeys = sites.hubKeys;
  }

  /** Namespaces, cable, keys and configuration; no daemon yet. */
  static async create(options: LabOptions = {}): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), 'pqtun-lab-'));
    const made: Namespace[] = [];
    try {
      const gatewaySpace = await Namespace.create('gateway');
      made.push(gatewaySpace);
      const hubSpace = await Namespace.create('soc-hub');
      made.push(hubSpace);
      await gatewaySpace.help('veth', 'eth0', 'eth0', hubSpace.pid);
      const { hub, gateway } = addresses;
      const mtu = options.underlayMtu ?? 1500;
      // Below 1280 there is no IPv6, and the kernel refuses its addresses
      const outer = (end: typeof hub | typeof gateway) => [
        `${end.outer4}/24`,
        ...(mtu >= 1280 ? [`${end.outer6}/64`] : []),
      ];
      await hubSpace.help('configure', 'eth0', outer(hub), options.hubUnderlayMtu ?? mtu);
      await gatewaySpace.help('configure', 'eth0', outer(gateway), mtu);
      const name = options.interfaceName ?? 'pq0';
      const lab = new Lab(folder, {
        gateway: new Site(gatewaySpace, name, join(folder, 'gateway')),
        hub: new Site(hubSpace, name, join(folder, 'hub')),
        gatewayKeys: makeKeys(options.suite),
        hubKeys: makeKeys(options.suite),
      });
      lab.configure(options);
      return lab;
    } catch (error) {
      for (const namespace of made) await namespace.close();
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Writes both configuration files. */
  configure(options: LabOptions = {}): void {
    const { hub, gateway } = addresses;
    const inner6 = (options.underlayMtu ?? 1500) >= 1380; // the tunnel must carry 1280 B for IPv6 inside
    const inner = (end: typeof hub | typeof gateway): string =>
      [`${end.inner4}/24`, ...(inner6 ? [`${end.inner6}/64`] : [])].join(', ');
    const endpoint = options.family === 6 ? `[${hub.outer6}]:${hubPort}` : `${hub.outer4}:${hubPort}`;
    const allowed =
      options.gatewayAllowedIps ?? ['10.88.0.0/24', ...(inner6 ? ['fd00:88::/64'] : [])].join(', ');
    const common = options.plane === undefined ? [] : [`Plane = ${options.plane}`];
    this.hub.configure(
      lines(
        '[Interface]',
        this.hubKeys.secretLines,
        `Address = ${inner(hub)}`,
        `ListenPort = ${hubPort}`,
        ...common,
        ...(options.hubInterface ?? []),
        '[Peer]',
        this.gatewayKeys.publicLines,
        `AllowedIPs = ${gateway.inner4}/32${inner6 ? `, ${gateway.inner6}/128` : ''}`,
        ...(options.hubPeer ?? []),
      ),
    );
    this.gateway.configure(
      lines(
        '[Interface]',
        this.gatewayKeys.secretLines,
        `Address = ${inner(gateway)}`,
        `ListenPort = ${gatewayPort}`,
        ...common,
        ...(options.gatewayInterface ?? []),
        '[Peer]',
        this.hubKeys.publicLines,
        `Endpoint = ${endpoint}`,
        `AllowedIPs = ${allowed}`,
        ...(options.gatewayPeer ?? []),
      ),
    );
  }

  /** The gateway's configuration as written. */
  gatewayText(): string {
    return readFileSync(this.gateway.configFile, 'utf8');
  }

  /** Ends daemons and namespaces, removes the folder. Harmless when repeated. */
  async close(): Promise<void> {
    await Promise.all([this.gateway.stop(), this.hub.stop()]);
    await Promise.all([this.gateway.namespace.close(), this.hub.namespace.close()]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function lines(...parts: readonly string[]): string {
  return `${parts.map((part) => part.trimEnd()).join('\n')}\n`;
}
