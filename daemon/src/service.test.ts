import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Secret } from '@pqtun/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from './config/config-file.ts';
import { type DaemonConfig, emptyConfig, secretsOf } from './config/model.ts';
import { publicKeyCheck } from './config/public-key-check.ts';
import {
  bytesOf,
  classicalLines,
  interfaceLines,
  noSources,
  peerLines,
  samples,
} from './config/sample.test.kit.ts';
import { call } from './control/client.ts';
import type { RequestInput } from './control/protocol.ts';
import { placeholder } from './control/secret-fields.ts';
import { status } from './control/status.ts';
import { FakeTunnel } from './fake-tunnel.test.kit.ts';
import { FakeSystem } from './link/fake-system.test.kit.ts';
import { fileJournal } from './link/journal.ts';
import { Service } from './service.ts';
import type { UapiChoice } from './service-world.ts';
import { hexOf } from './uapi/uapi.test.kit.ts';

type SetInput = (RequestInput & { op: 'set' })['peers'][number];
const keys = publicKeyCheck();
const base = [...interfaceLines, ...peerLines];
const shortKey = (text: string) => text.slice(0, 6);
const hub = samples.hub.publicKey;

let directory: string;
let lines: string[];
let log: string[];
let notes: string[];
let hooks: string[];
let system: FakeSystem;
let tunnel: FakeTunnel;
let service: Service;
let read: DaemonConfig[];
let openFails: boolean;
let offloads: FakeTunnel['offloads'];
let failingHook: string;
/** What the next hook does. */
let inHook: () => Promise<unknown>;
const at = {
  get runtimeDirectory() {
    return path.join(directory, 'run');
  },
  interfaceName: 'pq0',
};

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-service-'));
  [lines, log, notes, hooks, read, openFails, failingHook] = [base, [], [], [], [], false, 'none'];
  inHook = async () => {};
  offloads = [];
  system = new FakeSystem();
  service = create();
});
afterEach(async () => {
  await service.stop();
  await service.closeControl(0);
  fs.rmSync(directory, { recursive: true, force: true });
});

/** What the UAPI socket answers to `lines`. */
async function uapi(...lines: string[]): Promise<string> {
  const socket = net.connect({ path: path.join(directory, 'uapi', 'pq0.sock'), allowHalfOpen: true });
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.end(`${lines.join('\n')}\n\n`);
  await new Promise((resolve, reject) => socket.once('close', resolve).once('error', reject));
  return got;
}

function create(more: { uapi?: UapiChoice; configFile?: undefined } = {}): Service {
  const self = process.geteuid?.() ?? 0;
  return new Service(
    {
      interfaceName: 'pq0',
      ...('configFile' in more ? {} : { configFile: path.join(directory, 'pq0.conf') }),
      runtimeDirectory: path.join(directory, 'run'),
      stateDirectory: path.join(directory, 'state'),
      crypto: 'node',
      version: '0.0.0',
      uapi: more.uapi ?? { kind: 'directory', directory: path.join(directory, 'uapi'), required: true },
    },
    {
      openTunnel: async (config, options) => {
        if (openFails) throw new Error('no device');
        tunnel = new FakeTunnel(config, options);
        tunnel.offloads = offloads;
        return tunnel;
      },
      system,
      keys,
      readConfig: () => {
        if ('configFile' in more) return emptyConfig('classical', undefined);
        const config = parseConfig(bytesOf(lines.join('\n')), {
          file: 'pq0.conf',
          sources: noSources,
          allowHooks: true,
          keys,
        });
        read.push(config);
        return config;
      },
      runHook: async (command, name) => {
        hooks.push(`${command} ${name}`);
        await inHook();
        if (command === failingHook) throw new Error('exit code 1');
      },
      credentials: () => ({ pid: 1, uid: self, gid: 0 }),
      notify: (state) => notes.push(state),
      log: (id) => log.push(id),
      now: () => 0,
      wallClock: () => 1_800_000_000_000,
    },
  );
}

const left = () => [...fs.readdirSync(at.runtimeDirectory), ...system.there];
const allWiped = (config: DaemonConfig | undefined) =>
  config !== undefined && secretsOf(config.tunnel).every((secret) => secret.destroyed);

describe('start and stop', () => {
  it('logs once what the native plane has to do without, but not what it was told to', async () => {
    offloads = [
      { name: 'tso', active: true, reason: undefined },
      { name: 'uso', active: false, reason: 'switched off' },
      { name: 'udp-gso', active: false, reason: 'EINVAL' },
    ];
    lines = [...base.slice(0, 5), 'Offloads = -uso', ...base.slice(5)];
    await service.start();
    expect(log.filter((id) => id === 'offload-off')).toHaveLength(1);
    expect(log.indexOf('offload-off')).toBeLessThan(log.indexOf('ready'));
  });

  it('looks at all peers once a second for its status, not with every handshake of a hub', async () => {
    await service.start();
    let looks = 0;
    const { stats } = tunnel;
    tunnel.stats = () => {
      looks += 1;
      return stats.call(tunnel);
    };
    notes.length = 0;
    const publicKey = new Uint8Array(32);
    for (let n = 0; n < 100; n++) {
      tunnel.emit({ id: 'peer-established', publicKey, suite: 1, role: 'responder', duration: undefined });
      tunnel.emit({ id: 'peer-expired', publicKey });
    }
    expect(looks).toBe(0);
    service.sweep();
    service.sweep();
    expect(looks).toBe(1);
    expect(notes).toEqual(['STATUS=0 of 1 peers have a session']);
  });

  it('brings everything up in order, answers, and takes everything down', async () => {
    lines = [...base.slice(0, 5), 'PreUp = a', 'PostUp = b', 'PreDown = c', 'PostDown = d', ...base.slice(5)];
    await service.start();
    expect(tunnel.options).toMatchObject({
      device: { kind: 'tun', name: 'pq0', mtu: 1420 },
      crypto: 'node',
      plane: 'auto',
      aead: 'auto',
      offloads: {},
      clampMss: true,
    });
    expect([...system.there]).toHaveLength(3);
    expect(status.parse(await call({ v: 1, op: 'status' }, at))).toMatchObject({
      interface: 'pq0',
      since: 1_800_000_000_000,
      addresses: ['10.88.0.2/24', 'fd00:88::2/64'],
    });
    expect(notes).toEqual(['READY=1', 'STATUS=0 of 1 peers have a session']);
    await call({ v: 1, op: 'stop' }, at);
    expect(await service.finished).toBe(true);
    await service.closeControl();
    expect(hooks).toEqual(['a pq0', 'b pq0', 'c pq0', 'd pq0']);
    expect(tunnel.closed).toBe(true);
    expect(left()).toEqual([]);
    expect(allWiped(read[0])).toBe(true);
    expect(log).toEqual([
      'starting',
      'uapi-listening',
      'ready',
      'control-request',
      'control-request',
      'stopping',
      'stopped',
    ]);
  });

  it('does nothing at all when the configuration is refused', async () => {
    lines = [...base, 'Wrong = 1'];
    await expect(service.start()).rejects.toThrow('pq0.conf:11: Wrong');
    expect(fs.readdirSync(directory)).toEqual([]);
    expect(system.calls).toEqual([]);
    expect(log).toEqual(['starting', 'start-failed']);
  });

  it.each(['PreUp', 'PostUp', 'open', 'link'])('leaves nothing behind when %s fails', async (step) => {
    lines = [...base.slice(0, 5), 'PreUp = PreUp', 'PostUp = PostUp', ...base.slice(5)];
    failingHook = step;
    openFails = step === 'open';
    if (step === 'link') system.failAt = 3;
    await expect(service.start()).rejects.toThrow();
    expect(left()).toEqual([]);
    expect(step === 'PreUp' || step === 'open' || tunnel.closed).toBe(true);
    expect(allWiped(read[0])).toBe(true);
  });

  it('refuses to start beside a daemon that answers, and leaves it alone', async () => {
    await service.start();
    const second = create();
    await expect(second.start()).rejects.toMatchObject({ exitCode: 6 });
    expect(await call({ v: 1, op: 'ping' }, at)).toEqual({ phase: 'running' });
    expect(system.there.size).toBe(3);
  });

  it('takes back what a killed predecessor left', async () => {
    fs.mkdirSync(at.runtimeDirectory, { mode: 0o700 });
    const rule = { kind: 'rule', family: 4, priority: 1, table: 7 } as const;
    system.netlink.addRule({ family: 4, priority: 1, table: 7 });
    fileJournal(path.join(at.runtimeDirectory, 'pq0.journal')).save([rule]);
    await service.start();
    expect(log).toContain('leftovers-undone');
    expect([...system.there].some((thing) => thing.startsWith('rule'))).toBe(false);
  });

  it('marks its own datagrams in a full tunnel', async () => {
    lines = [...base, 'AllowedIPs = 0.0.0.0/0'];
    await service.start();
    expect(tunnel.config.fwMark).toBe(51820);
    expect([...system.there]).toContain('rule 4 32765 table 51820 not 51820');
  });

  it('stops, and not in order, when the device is lost', async () => {
    await service.start();
    tunnel.emit({ id: 'device-lost', reason: 'gone' });
    expect(await service.finished).toBe(false);
    expect(system.there.size).toBe(0);
  });

  it('writes the configuration back where SaveConfig asks for it', async () => {
    lines = [...base.slice(0, 5), 'SaveConfig = true', ...base.slice(5)];
    await service.start();
    await call({ v: 1, op: 'set', peers: [{ publicKey: hub, persistentKeepalive: 7 }] }, at);
    await service.stop();
    const file = path.join(directory, 'pq0.conf');
    expect(fs.readFileSync(file, 'utf8')).toContain('PersistentKeepalive = 7');
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe('reload', () => {
  beforeEach(() => service.start());

  it('applies the whole file: peers, addresses and routes by difference', async () => {
    lines = [
      ...interfaceLines.map((line) => line.replace('10.88.0.2/24', '10.88.0.3/24')),
      ...peerLines,
      ...classicalLines,
    ];
    system.calls.length = 0;
    await call({ v: 1, op: 'reload' }, at);
    expect(tunnel.calls.at(-1)).toBe('reconfigure 2');
    expect(system.calls.filter((text) => !text.startsWith('set'))).toEqual([
      '+ address pq0 10.88.0.3/24',
      '+ route 10.99.0.0/16',
      '- address pq0 10.88.0.2/24',
    ]);
    expect([allWiped(read[0]), allWiped(read[1])]).toEqual([true, false]);
    expect(notes.slice(2).map((note) => note.split('\n')[0])).toEqual([
      'RELOADING=1',
      'READY=1',
      'STATUS=0 of 2 peers have a session',
    ]);
  });

  it.each([
    ['a file that is refused', [...base, 'X = 1'], 'pq0.conf:11: X'],
    [
      'a change that takes a restart',
      [...base.slice(0, 5), 'MTU = 1300', ...base.slice(5)],
      'MTU: a change takes a restart; nothing was applied',
    ],
    [
      'another data path',
      [...base.slice(0, 5), 'Offloads = -uso', 'Plane = portable', ...base.slice(5)],
      'Plane, Offloads: a change takes a restart; nothing was applied',
    ],
  ])('applies nothing of %s', async (_, text, message) => {
    lines = text;
    const before = system.calls.length;
    await expect(call({ v: 1, op: 'reload' }, at)).rejects.toMatchObject({
      exitCode: 4,
      message: expect.stringContaining(message),
    });
    expect(system.calls.length).toBe(before);
    expect(tunnel.calls).toEqual(['open']);
    expect(allWiped(read[0])).toBe(false);
    expect(notes.at(-1)).toContain('STATUS');
  });

  it.each(['tunnel', 'link'])(
    'goes back to the old configuration when the %s refuses the new one',
    async (who) => {
      lines = [...base, ...classicalLines];
      const before = [...system.there];
      if (who === 'link') system.failAt = system.calls.length + 1;
      else tunnel.failing = 'reconfigure 2';
      await expect(call({ v: 1, op: 'reload' }, at)).rejects.toMatchObject({ exitCode: 4 });
      expect(tunnel.calls.at(-1)).toBe('reconfigure 1');
      expect([...system.there].sort()).toEqual(before.sort());
      expect(service.status().peers).toHaveLength(1);
      expect([allWiped(read[0]), allWiped(read[1])]).toEqual([false, true]);
    },
  );
});

describe('set', () => {
  const other = samples.classical.publicKey;
  beforeEach(() => service.start());

  it('adds, changes and removes peers, and routes follow', async () => {
    await call(
      { v: 1, op: 'set', peers: [{ publicKey: other, mode: 'classical', allowedIps: ['10.99.0.1/16'] }] },
      at,
    );
    expect(tunnel.calls.at(-1)).toBe(`add ${shortKey(other)}`);
    expect([...system.there]).toContain('route 10.99.0.0/16');
    const psk = new Secret(new Uint8Array(32).fill(9));
    await call(
      {
        v: 1,
        op: 'set',
        peers: [
          {
            publicKey: other,
            presharedKey: placeholder(0),
            endpoint: '192.0.2.9:9',
            persistentKeepalive: 25,
            resetTimestamp: true,
          },
        ],
      },
      { ...at, secrets: [psk] },
    );
    expect(tunnel.calls.slice(-2)).toEqual([
      `change ${shortKey(other)} presharedKey=secret 9 endpoint={"host":"192.0.2.9","port":9} persistentKeepalive=25`,
      `reset ${shortKey(other)}`,
    ]);
    await call({ v: 1, op: 'set', peers: [{ publicKey: other, remove: true }] }, at);
    expect(tunnel.calls.at(-1)).toBe(`remove ${shortKey(other)}`);
    expect([...system.there]).not.toContain('route 10.99.0.0/16');
    expect(log.filter((id) => id === 'peers-changed')).toHaveLength(3);
  });

  it('gives a prefix to the last who asks for it', async () => {
    await call(
      { v: 1, op: 'set', peers: [{ publicKey: other, mode: 'classical', allowedIps: ['10.88.0.0/24'] }] },
      at,
    );
    expect(tunnel.calls.slice(-2)).toEqual([
      `change ${shortKey(hub)} allowedIps=[]`,
      `add ${shortKey(other)}`,
    ]);
  });

  it('leaves an endpoint alone that it was not asked to change', async () => {
    await call({ v: 1, op: 'set', peers: [{ publicKey: hub, persistentKeepalive: null }] }, at);
    expect(tunnel.calls.at(-1)).toBe(`change ${shortKey(hub)} persistentKeepalive=null`);
  });

  it.each([
    ['a new peer without keys', { publicKey: other }, 'a KemPublicKey'],
    [
      'a classical peer with a profile',
      { publicKey: other, mode: 'classical', rekeyProfile: 'metered' },
      'RekeyProfile',
    ],
    ['a mode for a peer there is', { publicKey: hub, mode: 'classical' }, 'remove this one first'],
    ['an ill-formed prefix', { publicKey: hub, allowedIps: ['x'] }, 'AllowedIPs'],
    ['an ill-formed endpoint', { publicKey: hub, endpoint: '1.2.3.4' }, 'Endpoint'],
    [
      'a KEM key that fails its check',
      { publicKey: other, kemPublicKey: Buffer.alloc(1184, 0xff).toString('base64') },
      'FIPS 203',
    ],
    [
      'a key of low order',
      { publicKey: Buffer.alloc(32).toString('base64'), mode: 'classical' },
      'low order',
    ],
  ] as [string, SetInput, string][])(
    'refuses %s, and applies nothing of the request',
    async (_, peer, message) => {
      const first = { publicKey: hub, persistentKeepalive: 3 };
      await expect(call({ v: 1, op: 'set', peers: [first, peer] }, at)).rejects.toMatchObject({
        exitCode: 4,
        message: expect.stringContaining(message),
      });
      expect(tunnel.calls).toEqual(['open']);
    },
  );

  it('goes back when a step fails', async () => {
    tunnel.failing = 'add';
    await expect(
      call(
        {
          v: 1,
          op: 'set',
          peers: [
            { publicKey: hub, persistentKeepalive: 3 },
            { publicKey: other, mode: 'classical' },
          ],
        },
        at,
      ),
    ).rejects.toMatchObject({ exitCode: 1 });
    expect(tunnel.calls.at(-1)).toBe('reconfigure 1');
    expect(service.status().peers).toHaveLength(1);
  });

  it('does nothing with update-only for a peer that is not there, and removes nobody twice', async () => {
    await call(
      {
        v: 1,
        op: 'set',
        peers: [
          { publicKey: other, updateOnly: true, persistentKeepalive: 1 },
          { publicKey: other, remove: true },
        ],
      },
      at,
    );
    expect(tunnel.calls).toEqual(['open']);
  });

  it('begins a handshake with a peer there is', async () => {
    expect(await call({ v: 1, op: 'rekey', publicKey: hub }, at)).toBeNull();
    expect(tunnel.calls.at(-1)).toBe(`rekey ${hub.slice(0, 6)}`);
    await expect(call({ v: 1, op: 'rekey', publicKey: other }, at)).rejects.toThrow('no peer has the key');
  });

  it('pings a peer there is', async () => {
    expect(await call({ v: 1, op: 'ping-peer', publicKey: hub }, at)).toEqual({ roundTrip: 1.5 });
    await expect(call({ v: 1, op: 'ping-peer', publicKey: other }, at)).rejects.toThrow(
      'no peer has the key',
    );
  });
});

describe('the UAPI socket', () => {
  const ok = 'errno=0\n\n';
  const peerLine = `public_key=${hexOf(hub)}`;
  const zeros = '00'.repeat(32);

  it('shows and changes the interface, and routes follow', async () => {
    await service.start();
    expect(await uapi('get=1')).toContain(
      `private_key=${hexOf(samples.privateKey)}\nlisten_port=51820\npq_suite=1\npq_id=aaaa-bbbb\npublic_key=${hexOf(hub)}\n`,
    );
    expect(await uapi('set=1', 'listen_port=7', 'fwmark=8', peerLine, 'allowed_ip=10.5.0.0/16')).toBe(ok);
    expect(tunnel.config).toMatchObject({ listenPort: 7, fwMark: 8 });
    expect([...system.there]).toContain('route 10.5.0.0/16');
    expect(await uapi('get=1')).toMatch(
      /fwmark=8\n[\s\S]*allowed_ip=10.88.0.0\/24\nallowed_ip=10.5.0.0\/16\n/,
    );
  });

  it('goes back when the tunnel refuses, and says so', async () => {
    await service.start();
    tunnel.failing = 'reconfigure 1';
    expect(await uapi('set=1', 'listen_port=7', peerLine, `preshared_key=${'11'.repeat(32)}`)).toBe(
      'errno=-5\n\n',
    );
    tunnel.failing = undefined;
    expect(log).toContain('uapi-refused');
    expect(await uapi('get=1')).toContain(`preshared_key=${zeros}`);
    expect(allWiped(read[0])).toBe(false);
  });

  it('takes the private key away and gives another: no peers in between, and none forgotten', async () => {
    await service.start();
    expect(await uapi('set=1', `private_key=${zeros}`)).toBe(ok);
    expect(tunnel.config.peers).toEqual([]);
    expect(tunnel.config.privateKey.borrow()).not.toEqual(new Uint8Array(32));
    expect(service.status()).toMatchObject({ publicKey: null, fingerprints: {} });
    const without = await uapi('get=1');
    expect(without).toContain(`${peerLine}\npreshared_key`);
    expect(without).not.toMatch(/private_key|pq_id/);
    const stand = tunnel.config.privateKey;
    expect(await uapi('set=1', peerLine, 'persistent_keepalive_interval=5')).toBe(ok);
    expect(tunnel.config.privateKey).toBe(stand); // no change of identity
    expect(await uapi('set=1', `private_key=${'40'.repeat(32)}`)).toBe(ok);
    expect(tunnel.config.peers).toMatchObject([{ mode: 'require', persistentKeepalive: 5 }]);
    expect(await uapi('get=1')).toContain(`private_key=${'40'.repeat(32)}`);
  });

  it('remembers a KEM key over removal', async () => {
    await service.start();
    expect(await uapi('set=1', peerLine, 'remove=true')).toBe(ok);
    expect(tunnel.config.peers).toEqual([]);
    expect(await uapi('set=1', peerLine)).toBe(ok);
    expect(tunnel.config.peers).toMatchObject([{ mode: 'require' }]);
    expect(await uapi('set=1', `public_key=${hexOf(samples.strong.publicKey)}`)).toBe('errno=-95\n\n');
  });

  it('sets a mark that a reload takes back', async () => {
    await service.start();
    expect(await uapi('set=1', 'fwmark=9')).toBe(ok);
    await service.reload();
    expect(tunnel.config).not.toHaveProperty('fwMark');
  });

  it('moves the rules of a full tunnel to another mark, and keeps them when the mark is cleared', async () => {
    lines = [...base, 'AllowedIPs = 0.0.0.0/0'];
    await service.start();
    expect(await uapi('set=1', 'fwmark=0')).toBe(ok);
    expect(tunnel.config.fwMark).toBe(51820);
    expect(await uapi('set=1', 'fwmark=9')).toBe(ok);
    expect(tunnel.config.fwMark).toBe(9);
    const rules = [...system.there].filter((thing) => thing.startsWith('rule'));
    expect(rules.filter((rule) => rule.includes('table 9 not 9'))).toHaveLength(1);
    expect(rules.filter((rule) => rule.includes('51820'))).toEqual([]);
    expect(await uapi('get=1')).toContain('fwmark=9\n');
  });

  it('is there for PostUp and to be read for PreDown, and neither waits for the other', async () => {
    lines = [...base.slice(0, 5), 'PostUp = up', 'PreDown = down', ...base.slice(5)];
    const answers: string[] = [];
    inHook = async () => {
      answers.push(await uapi('set=1', peerLine, 'persistent_keepalive_interval=5'));
      answers.push((await uapi('get=1')).slice(-9));
      const change = { publicKey: hub, persistentKeepalive: 6 };
      await call({ v: 1, op: 'set', peers: [change] }, at).then(
        () => answers.push('set'),
        () => answers.push('refused'),
      );
    };
    await service.start();
    expect(answers.splice(0)).toEqual([ok, ok, 'set'].map((text) => text.slice(-9)));
    await service.stop();
    expect(answers).toEqual(['errno=-16\n\n', ok, 'refused']);
  });

  it('is gone as soon as the stop begins to undo', async () => {
    await service.start();
    await service.stop();
    expect(fs.readdirSync(path.join(directory, 'uapi'))).toEqual([]);
  });

  it('does not keep the tunnel down unless it is required', async () => {
    fs.mkdirSync(path.join(directory, 'uapi'), { mode: 0o777 });
    fs.chmodSync(path.join(directory, 'uapi'), 0o777); // somebody else could put a socket there
    await expect(service.start()).rejects.toMatchObject({ exitCode: 5 });
    const place = path.join(directory, 'uapi');
    service = create({ uapi: { kind: 'directory', directory: place, required: false } });
    await service.start();
    expect(log.slice(-2)).toEqual(['uapi-unavailable', 'ready']);
    expect(fs.readdirSync(place)).toEqual([]);
  });

  it('is not there when it is off', async () => {
    service = create({ uapi: { kind: 'off' } });
    await service.start();
    expect(fs.existsSync(path.join(directory, 'uapi'))).toBe(false);
  });
});

describe('an interface that wg configures', () => {
  const place = () => path.join(directory, 'uapi');
  const create1 = () =>
    create({
      configFile: undefined,
      uapi: { kind: 'directory', directory: place(), required: true, stopWithSocket: true },
    });

  it('starts without key and peers, touches nothing of the system, and takes all of it from wg', async () => {
    service = create1();
    await service.start();
    expect(system.calls).toEqual([]);
    expect(await uapi('get=1')).toBe('listen_port=40000\nerrno=0\n\n');
    const key = `private_key=${'40'.repeat(32)}`;
    const peer = [`public_key=${hexOf(hub)}`, 'endpoint=192.0.2.1:9', 'allowed_ip=0.0.0.0/0'];
    expect(await uapi('set=1', key, 'listen_port=7', 'replace_peers=true', ...peer)).toBe('errno=0\n\n');
    expect(tunnel.config).toMatchObject({ listenPort: 7, peers: [{ mode: 'classical' }] });
    expect(system.calls).toEqual([]);
  });

  it('has no file to reload, and writes none', async () => {
    service = create1();
    await service.start();
    await expect(service.reload()).rejects.toThrow('there is no file to read');
    await service.stop();
    expect(fs.readdirSync(directory)).not.toContain('pq0.conf');
  });

  it('ends in order when its device is removed', async () => {
    service = create1();
    await service.start();
    tunnel.emit({ id: 'device-lost', reason: 'gone' });
    expect(await service.finished).toBe(true);
  });

  it('ends when its socket is removed', async () => {
    service = create1();
    await service.start();
    service.sweep();
    expect(service.isUp).toBe(true);
    fs.rmSync(path.join(place(), 'pq0.sock'));
    service.sweep();
    expect(await service.finished).toBe(true);
  });
});
