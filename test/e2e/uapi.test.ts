/** The real `wg` at real daemons: what it shows, what it changes, and what it must not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { addresses, gatewayPort, hubPort, type Lab } from '../kit/lab/lab.ts';
import { Namespace } from '../kit/lab/namespace.ts';
import { runPqtun, type Site } from '../kit/lab/site.ts';
import { parseDump, pqtunDaemon, type WgDevice, wg, wgUnavailable } from '../kit/lab/wg.ts';
import { echoPort, eventually, inLab, ping, planes, untilEcho } from './lab.ts';

interface Shown {
  readonly publicKey: string | null;
  readonly peers: readonly {
    readonly pqState: string;
    readonly handshakesCompleted: number;
    readonly mode: string;
  }[];
}

function needWg(context: TestContext): void {
  const reason = wgUnavailable();
  if (reason !== undefined) context.skip(reason);
}

const at = (site: Site, ...args: readonly string[]) => wg(site.namespace, site.uapiDir, ...args);
/** What a change must leave as it is when it leaves a session as it is. */
function show(site: Site): Shown {
  const { interfaces } = site.show() as { interfaces: Shown[] }; // documented shape of `show --json`
  const [only] = interfaces;
  if (only === undefined) throw new Error('no interface is shown');
  const { publicKey, peers } = only;
  return {
    publicKey,
    peers: peers.map(({ pqState, handshakesCompleted, mode }) => ({ pqState, handshakesCompleted, mode })),
  };
}

async function device(site: Site): Promise<WgDevice> {
  const found = parseDump(await at(site, 'show', 'all', 'dump')).get(site.interfaceName);
  if (found === undefined) throw new Error('wg shows no such interface');
  return found;
}

async function stillWorks(lab: Lab): Promise<void> {
  expect((await ping(lab, 10, 200)).answered).toBeGreaterThanOrEqual(8);
}

/** A file for `wg`, gone when the test is done. */
function scratch(context: TestContext): (name: string, text: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-wg-'));
  context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return (name, text) => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
}

it.for(planes)('shows a hybrid tunnel as exporters read it, over the %s plane', async (plane, context) => {
  needWg(context);
  await inLab({ plane, gatewayPeer: ['PersistentKeepalive = 25'] }, async (lab) => {
    await untilEcho(lab);
    await ping(lab, 20, 1000);
    const { peers, ...own } = await device(lab.gateway);
    expect(own).toMatchObject({
      publicKey: lab.gatewayKeys.publicKey,
      listenPort: gatewayPort,
      fwmark: 'off',
    });
    expect(peers).toMatchObject([
      {
        publicKey: lab.hubKeys.publicKey,
        presharedKey: '(none)',
        endpoint: `${addresses.hub.outer4}:${hubPort}`,
        allowedIps: '10.88.0.0/24,fd00:88::/64',
        keepalive: '25',
      },
    ]);
    const [peer] = peers;
    expect(Math.abs((peer?.latestHandshake ?? 0) - Date.now() / 1000)).toBeLessThan(120);
    expect(peer?.received).toBeGreaterThan(15_000);
    expect(peer?.sent).toBeGreaterThan(15_000);
    expect((await at(lab.gateway, 'show', 'interfaces')).trim()).toBe('pq0');
    expect(await at(lab.gateway, 'show', 'pq0')).toContain(`peer: ${lab.hubKeys.publicKey}`);
  });
});

describe.each(planes)('over the %s plane', (plane) => {
  it('changes a hybrid peer, which stays hybrid and keeps its session', async (context) => {
    needWg(context);
    const file = scratch(context);
    await inLab({ plane }, async (lab) => {
      await untilEcho(lab);
      const { gateway } = lab;
      const peer = ['set', 'pq0', 'peer', lab.hubKeys.publicKey];
      const before = show(gateway).peers[0];
      await at(gateway, ...peer, 'persistent-keepalive', '11', 'allowed-ips', '10.88.0.0/24,10.89.0.0/16');
      await at(gateway, ...peer, 'endpoint', `${addresses.hub.outer4}:${hubPort}`);
      const confFile = file('conf', await at(gateway, 'showconf', 'pq0'));
      for (const command of ['setconf', 'syncconf', 'addconf']) await at(gateway, command, 'pq0', confFile);
      const stripped = file('stripped', runPqtun(['strip', '--hybrid', gateway.configFile]));
      await at(gateway, 'syncconf', 'pq0', stripped);
      expect(show(gateway).peers[0]).toEqual(before);
      await stillWorks(lab);
      expect((await device(gateway)).peers[0]).toMatchObject({
        keepalive: '11', // wg leaves what a file does not say
        allowedIps: '10.88.0.0/24,fd00:88::/64',
      });
      // a pre-shared key counts from the next handshake on, and a port at once
      const psk = file('psk', runPqtun(['genpsk']));
      await at(gateway, ...peer, 'preshared-key', psk);
      await at(lab.hub, 'set', 'pq0', 'peer', lab.gatewayKeys.publicKey, 'preshared-key', psk);
      await at(gateway, 'set', 'pq0', 'listen-port', '40404', 'fwmark', '0x77');
      await stillWorks(lab);
      expect(show(gateway).peers[0]).toEqual(before);
      expect(await device(gateway)).toMatchObject({ listenPort: 40404, fwmark: '0x77' });
      await expect(at(gateway, 'set', 'pq0', 'fwmark', '0', 'listen-port', '0')).resolves.toBe('');
      expect(await device(gateway)).toMatchObject({ listenPort: 40404, fwmark: 'off' });
    });
  });

  it('takes the private key away and gives it back', async (context) => {
    needWg(context);
    const file = scratch(context);
    await inLab({ plane }, async (lab) => {
      await untilEcho(lab);
      const conf = await at(lab.gateway, 'showconf', 'pq0');
      const keyless = file('keyless', conf.replace(/^PrivateKey.*$/m, ''));
      await at(lab.gateway, 'syncconf', 'pq0', keyless);
      expect(await device(lab.gateway)).toMatchObject({
        privateKey: '(none)',
        listenPort: gatewayPort,
        peers: [{}],
      });
      expect((await ping(lab, 5, 200)).answered).toBe(0);
      expect(show(lab.gateway).publicKey).toBeNull();
      await at(lab.gateway, 'setconf', 'pq0', file('conf', conf));
      await untilEcho(lab);
      expect(show(lab.gateway).peers).toMatchObject([{ pqState: 'hybrid', mode: 'require' }]);
    });
  });
});

it.for(planes)(
  'never makes a hybrid peer classical, and adds classical ones only where that is allowed, over the %s plane',
  async (plane, context) => {
    needWg(context);
    await inLab({ plane, hubInterface: ['UapiPeers = classical'] }, async (lab) => {
      await untilEcho(lab);
      const stranger = runPqtun(['pubkey'], runPqtun(['genkey', '--wg']));
      const key = /^PublicKey = (\S+)/m.exec(stranger)?.[1] ?? '';
      const add = ['set', 'pq0', 'peer', key, 'allowed-ips', '10.99.0.0/16'];
      await expect(at(lab.gateway, ...add)).rejects.toThrow('Operation not supported');
      expect(show(lab.gateway).peers).toHaveLength(1);
      expect(lab.gateway.log).toContain('UapiPeers = classical');
      await at(lab.hub, ...add);
      expect(show(lab.hub).peers).toMatchObject([{ mode: 'require' }, { mode: 'classical' }]);
      // a peer that is removed and added again, as dashboards do to switch it off and on
      const peer = ['set', 'pq0', 'peer', lab.gatewayKeys.publicKey];
      await at(lab.hub, ...peer, 'remove');
      await at(lab.hub, ...peer, 'allowed-ips', `${addresses.gateway.inner4}/32`);
      expect(show(lab.hub).peers.map(({ mode }) => mode)).toEqual(['classical', 'require']);
      await at(lab.gateway, 'set', 'pq0', 'peer', lab.hubKeys.publicKey, 'remove');
      const back = ['endpoint', `${addresses.hub.outer4}:${hubPort}`, 'allowed-ips', '10.88.0.0/24'];
      await at(lab.gateway, 'set', 'pq0', 'peer', lab.hubKeys.publicKey, ...back);
      await untilEcho(lab);
      expect(show(lab.gateway).peers).toMatchObject([{ pqState: 'hybrid' }]);
    });
  },
);

it.for(planes)(
  'is started as wireguard-go is, and filled as wg-quick does, over the %s plane',
  async (plane, context) => {
    needWg(context);
    const file = scratch(context);
    const folder = mkdtempSync(join(tmpdir(), 'pqtun-daemon-'));
    context.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const spaces = [await Namespace.create('left'), await Namespace.create('right')] as const;
    context.onTestFinished(async () => {
      for (const space of spaces) await space.close();
    });
    const [left, right] = spaces;
    await left.help('veth', 'eth0', 'eth0', right.pid);
    const ends = [
      {
        space: left,
        name: 'wgl',
        outer: '192.0.2.1',
        inner: '10.77.0.1',
        key: runPqtun(['genkey', '--wg']).trim(),
      },
      {
        space: right,
        name: 'wgr',
        outer: '192.0.2.2',
        inner: '10.77.0.2',
        key: runPqtun(['genkey', '--wg']).trim(),
      },
    ] as const;
    const publicOf = (key: string) => /(?:^PublicKey = )?(\S+)$/m.exec(runPqtun(['pubkey'], key))?.[1] ?? '';
    for (const [n, end] of ends.entries()) {
      const other = ends[1 - n];
      if (other === undefined) throw new Error('two ends');
      const { space, name, outer, inner, key } = end;
      await space.help('configure', 'eth0', [`${outer}/24`], 1500);
      const home = join(folder, name);
      const dirs = ['run', 'state', 'uapi'].flatMap((dir) => [
        `--${dir === 'run' ? 'runtime' : dir}-dir`,
        `${home}-${dir}`,
      ]);
      // returns when device and socket are there: what follows needs both at once
      await space.run('env', ['PQTUN_UAPI_PEERS=classical', pqtunDaemon, name, ...dirs, '--plane', plane]);
      const uapi = `${home}-uapi`;
      expect(parseDump(await wg(space, uapi, 'show', 'all', 'dump')).get(name)).toMatchObject({
        ...{ privateKey: '(none)', peers: [] },
      });
      const conf = [
        ...['[Interface]', `PrivateKey = ${key}`, 'ListenPort = 51820'],
        ...['[Peer]', `PublicKey = ${publicOf(other.key)}`, `AllowedIPs = ${other.inner}/32`],
        `Endpoint = ${other.outer}:51820`,
      ];
      await wg(space, uapi, 'setconf', name, file(name, conf.join('\n')));
      await wg(space, uapi, 'set', name, 'fwmark', '51820');
      expect((await wg(space, uapi, 'show', name, 'fwmark')).trim()).toBe('0xca6c');
      expect((await wg(space, uapi, 'show', name, 'allowed-ips')).trim()).toBe(
        `${publicOf(other.key)}\t${other.inner}/32`,
      );
      expect(await wg(space, uapi, 'show', name, 'endpoints')).toContain(`${other.outer}:51820`);
      expect(await wg(space, uapi, 'showconf', name)).toContain(`PrivateKey = ${key}`);
      await space.help('configure', name, [`${inner}/24`], 1420);
    }
    await right.startHelper('echo', ends[1].inner, echoPort);
    expect(await left.help('untilEcho', ends[1].inner, echoPort, 30_000)).toBeTypeOf('number');
    expect(await wg(left, join(folder, 'wgl-uapi'), 'show', 'wgl', 'latest-handshakes')).toMatch(
      /\t1\d{9}\n/,
    );
    // ends with its device, as wg-quick ends it, and leaves no socket
    await left.help('deleteLink', 'wgl');
    const gone = () => runShow(join(folder, 'wgl-run'));
    await eventually('the daemon ends with its device', gone);
    expect(await wg(left, join(folder, 'wgl-uapi'), 'show', 'interfaces')).toBe('');
    // and with its socket
    rmSync(join(folder, 'wgr-uapi', 'wgr.sock'));
    await eventually('the daemon ends with its socket', () => runShow(join(folder, 'wgr-run')));
  },
);

/** Whether no daemon is left in a runtime directory. */
function runShow(runtimeDir: string): boolean {
  return runPqtun(['show', '--runtime-dir', runtimeDir]) === '';
}
