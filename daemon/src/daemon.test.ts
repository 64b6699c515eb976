import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { findingLine } from './commands/doctor.ts';
import { type DoctorWorld, diagnose } from './doctor.ts';
import { eventCatalogue } from './events.ts';
import { FakeSystem } from './link/fake-system.test.kit.ts';
import { runHook } from './link/hooks.ts';
import { eventLog } from './log.ts';
import { paint } from './paint.ts';
import { ensurePrivateDirectory } from './private-files.ts';
import { waitForReport } from './ready-report.ts';

const inDirectory = (test: (directory: string) => void) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-daemon-'));
  try {
    test(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
};

describe('the log', () => {
  const logged = (level: 'debug' | 'warn', readable: boolean) => {
    const lines: string[] = [];
    const log = eventLog({
      interfaceName: 'pq0',
      level,
      readable,
      colours: false,
      write: (line) => lines.push(line),
    });
    log('ready', { peers: 2 });
    log('under-load', { on: true });
    return lines;
  };

  it('is JSON with a stable event id', () => {
    expect(logged('debug', false).map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', interface: 'pq0', event: 'ready', peers: 2, msg: eventCatalogue.ready[1] },
      { level: 'warn', event: 'under-load' },
    ]);
    expect(logged('warn', false)).toHaveLength(1);
  });

  it('is readable on a terminal', () => {
    expect(logged('warn', true)[0]).toMatch(
      /^\d\d:\d\d:\d\d warn {2}pq0 under-load: handshakes come .* on=true\n$/,
    );
  });

  it('has ids in one form, and a text for each', () => {
    for (const [id, [, text]] of Object.entries(eventCatalogue)) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(text.length).toBeGreaterThan(10);
    }
  });
});

describe('the report of a daemon in the background', () => {
  const child = (text: string, exit: [number | null, string | null]) => {
    const fake = Object.assign(new EventEmitter(), {
      stdio: [null, null, null, Readable.from([text])],
      unref() {},
    });
    setImmediate(() => fake.emit('exit', ...exit));
    return fake as unknown as ChildProcess; // what waitForReport uses of it
  };
  it.each([
    ['{"ready":true}\n', { kind: 'ready' }],
    ['{"why":"no","exitCode":4}\n', { kind: 'failed', why: 'no', exitCode: 4 }],
    ['', { kind: 'died', why: 'it ended with exit code 7', exitCode: 1 }],
    ['{"why":"no","exitCode":99}\n', { kind: 'died', why: 'it ended with exit code 7', exitCode: 1 }],
  ])('%j', async (text, expected) => {
    expect(await waitForReport(child(text, [7, null]))).toEqual(expected);
  });

  it('tells a signal', async () => {
    expect(await waitForReport(child('', [null, 'SIGKILL']))).toMatchObject({
      kind: 'died',
      why: 'it was ended by SIGKILL',
    });
  });
});

describe('private directories', () => {
  it('are made, or checked', () => {
    inDirectory((directory) => {
      const at = path.join(directory, 'a/b');
      ensurePrivateDirectory(at);
      expect(fs.statSync(at).mode & 0o777).toBe(0o700);
      ensurePrivateDirectory(at);
      fs.chmodSync(at, 0o711);
      expect(() => ensurePrivateDirectory(at)).toThrow(
        `${at} is open to others (mode 0711); mend it with: chmod 700 ${at}`,
      );
      for (const bit of [0o40, 0o20, 0o10, 0o4, 0o2, 0o1]) {
        fs.chmodSync(at, 0o700 | bit);
        expect(() => ensurePrivateDirectory(at)).toThrow('is open to others');
      }
      fs.symlinkSync(at, path.join(directory, 'link'));
      expect(() => ensurePrivateDirectory(path.join(directory, 'link'))).toThrow(
        'is not a directory of its own',
      );
      fs.writeFileSync(path.join(directory, 'file'), '');
      expect(() => ensurePrivateDirectory(path.join(directory, 'file'))).toThrow(
        'is not a directory of its own',
      );
    });
  });

  const isRoot = process.geteuid?.() === 0;
  if (!isRoot) console.warn('SKIPPED: a directory of another user, because only root can give one away');
  it.skipIf(!isRoot)('are not used when they belong to another user', () => {
    inDirectory((directory) => {
      const at = path.join(directory, 'theirs');
      ensurePrivateDirectory(at);
      fs.chownSync(at, 1, 1);
      expect(() => ensurePrivateDirectory(at)).toThrow(`${at} belongs to user 1`);
    });
  });
});

describe('hooks', () => {
  it('run in a shell with %i replaced and an environment of their own', async () => {
    process.env['PQTUN_TEST_LEAK'] = '1';
    try {
      await runHook('test "%i $PQTUN_INTERFACE $PQTUN_TEST_LEAK" = "pq0 pq0 "', 'pq0');
    } finally {
      delete process.env['PQTUN_TEST_LEAK'];
    }
    await expect(runHook('exit 3', 'pq0')).rejects.toThrow('exit code 3');
    await expect(runHook('kill -9 $$', 'pq0')).rejects.toThrow('ended by SIGKILL');
  });
});

describe('doctor', () => {
  const { netlink } = Object.assign(new FakeSystem(), { routeMtus: { '1.1.1.1': 1300 } });
  const world = (change: Partial<DoctorWorld>): DoctorWorld => ({
    device: '/dev/null',
    configDirectory: '/nonexistent',
    stateDirectory: '/nonexistent',
    probe: () => ({
      tun: true,
      vnetHdr: true,
      multiQueue: false,
      udpGso: true,
      udpGro: false,
      netAdmin: true,
    }),
    offloads: () => [{ name: 'tso', active: true, reason: undefined }],
    aeads: () => [{ name: 'evp', reason: undefined }],
    netlink: () => netlink,
    selfTests: [['node', () => {}]],
    now: Date.UTC(2027, 0, 1),
    nodeVersion: 'v26.0.0',
    hasProgram: () => true,
    ...change,
  });
  const level = (change: Partial<DoctorWorld>, level: string) =>
    diagnose(world(change))
      .filter((finding) => finding.level === level)
      .map(({ what }) => what);

  it('finds a healthy machine healthy, but for a narrow path', () => {
    expect(level({}, 'fail')).toEqual([]);
    expect(level({}, 'warn')).toEqual(['IPv4 leaves by eth0, MTU 1300: the tunnel takes 1220']);
  });

  it.each([
    ['an old Node.js', { nodeVersion: 'v24.14.9' }, 'v24.14.9 is too old'],
    ['no device', { device: '/nonexistent' }, '/nonexistent: ENOENT'],
    [
      'no addon',
      {
        probe: () => {
          throw new Error('not built\nat x');
        },
      },
      'cannot be loaded: not built',
    ],
    [
      'no TUN',
      {
        probe: () => ({
          tun: false,
          reason: 'EPERM',
          vnetHdr: false,
          multiQueue: false,
          udpGso: false,
          udpGro: false,
          netAdmin: true,
        }),
      },
      'no TUN device: EPERM',
    ],
    [
      'no capability',
      {
        probe: () => ({
          tun: true,
          vnetHdr: false,
          multiQueue: false,
          udpGso: false,
          udpGro: false,
          netAdmin: false,
        }),
      },
      'CAP_NET_ADMIN is missing',
    ],
    [
      'a wrong answer',
      {
        selfTests: [
          [
            'noble',
            () => {
              throw new Error('ML-KEM is wrong');
            },
          ],
        ],
      },
      'known answers of noble: ML-KEM is wrong',
    ],
    [
      'no cipher',
      { aeads: () => [{ name: 'evp', reason: 'FIPS mode' }] },
      'nothing to seal packets with: evp: FIPS mode',
    ],
    ['an open state directory', { stateDirectory: '/tmp' }, '/tmp is open to others'],
  ] as [string, Partial<DoctorWorld>, string][])('fails on %s', (_, change, text) => {
    expect(level(change, 'fail').join()).toContain(text);
    for (const finding of diagnose(world(change)))
      if (finding.level === 'fail') expect(finding.advice).toBeTruthy();
  });

  it('names offloads and ciphers of the native plane, and of each that is missing why', () => {
    const change: Partial<DoctorWorld> = {
      offloads: () => [
        { name: 'tso', active: true, reason: undefined },
        { name: 'udp-gso', active: false, reason: 'a train of 3 arrived as 1' },
      ],
      aeads: () => [
        { name: 'multibuffer', reason: 'no AVX2' },
        { name: 'raw', reason: undefined },
        { name: 'evp', reason: undefined },
      ],
    };
    expect(level(change, 'ok')).toEqual(
      expect.arrayContaining([
        'offloads of the native plane: tso',
        'ciphers of the native plane, fastest first: raw, evp',
        'no cipher multibuffer here: no AVX2',
      ]),
    );
    expect(level(change, 'warn')).toContain('without udp-gso: a train of 3 arrived as 1');
    const noAddon = (): never => {
      throw new Error('not built');
    };
    expect(level({ offloads: noAddon, aeads: noAddon }, 'fail')).toEqual([]);
  });

  it('fails on configuration files open to others, and warns of a clock that is past', () => {
    inDirectory((directory) => {
      fs.writeFileSync(path.join(directory, 'pq0.conf'), '');
      fs.chmodSync(path.join(directory, 'pq0.conf'), 0o644);
      expect(level({ configDirectory: directory }, 'fail')).toEqual([
        `${path.join(directory, 'pq0.conf')} is open to others`,
      ]);
    });
    expect(level({ now: 0 }, 'warn').join()).toContain('1970');
  });

  it('prints one line each', () => {
    expect(findingLine({ level: 'fail', what: 'a', advice: 'b' }, paint(false))).toBe('FAIL  a (b)\n');
    expect(findingLine({ level: 'ok', what: 'a' }, paint(false))).toBe('ok    a\n');
  });
});
