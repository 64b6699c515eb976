import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { endpointDelay, endpointRest, FileState } from './state.ts';

let directory: string;
let file: string;
let alarms: string[];
let scheduled: (() => void)[];

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-state-'));
  file = path.join(directory, 'pq0.state');
  alarms = [];
  scheduled = [];
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const open = (afterStep?: (step: string) => void) =>
  new FileState({
    file,
    onAlarm: (event) => alarms.push(event),
    schedule: (run, delay) => {
      expect([endpointDelay, endpointRest]).toContain(delay);
      scheduled.push(run);
    },
    ...(afterStep && { afterStep }),
  });
const ceiling = (n: number) => new Uint8Array(12).fill(n);
const key = (n: number) => new Uint8Array(32).fill(n);
const home = { ip: Uint8Array.of(192, 0, 2, 1), port: 51820, scope: 0 };
const away = { ip: new Uint8Array(16).fill(0xfe), port: 1, scope: 7 };

describe('state on disk', () => {
  it('keeps the ceiling before it returns, in a file only we can read (C6)', () => {
    expect(open().loadTimestampCeiling()).toBeUndefined();
    expect(open().saveTimestampCeiling(ceiling(5))).toBe(true);
    expect(open().loadTimestampCeiling()).toEqual(ceiling(5));
    expect(fs.statSync(file).mode & 0o777).toBe(0o600);
    expect(fs.readdirSync(directory)).toEqual(['pq0.state']);
  });

  it('writes endpoints together, later, or with the next ceiling, or when flushed', () => {
    const state = open();
    expect(state.saveEndpoint(key(1), home)).toBe(true);
    expect(state.saveEndpoint(key(2), away)).toBe(true);
    expect(fs.existsSync(file)).toBe(false);
    expect(scheduled).toHaveLength(1);
    scheduled[0]?.();
    expect(open().loadEndpoint(key(1))).toEqual(home);
    expect(open().loadEndpoint(key(2))).toEqual(away);
    state.saveEndpoint(key(1), away);
    state.saveTimestampCeiling(ceiling(1));
    expect(open().loadEndpoint(key(1))).toEqual(away);
    state.saveEndpoint(key(3), home);
    state.flush();
    expect(open().loadEndpoint(key(3))).toEqual(home);
    expect(open().loadEndpoint(key(4))).toBeUndefined();
  });

  it('rests after a write, and then writes what has moved meanwhile', () => {
    const state = open();
    state.saveEndpoint(key(1), home);
    scheduled.shift()?.();
    expect(open().loadEndpoint(key(1))).toEqual(home);
    state.saveEndpoint(key(1), away);
    expect(open().loadEndpoint(key(1))).toEqual(home);
    expect(scheduled).toHaveLength(1); // the end of the rest
    scheduled.shift()?.();
    scheduled.shift()?.();
    expect(open().loadEndpoint(key(1))).toEqual(away);
  });

  it('forgets endpoints of peers that are configured no more', () => {
    const state = open();
    state.saveEndpoint(key(1), home);
    state.saveEndpoint(key(2), home);
    state.retain([key(2)]);
    state.flush();
    expect(open().loadEndpoint(key(1))).toBeUndefined();
    expect(open().loadEndpoint(key(2))).toEqual(home);
  });

  it('starts without a damaged file, with an alarm, whichever byte is wrong', () => {
    const state = open();
    state.saveEndpoint(key(1), home);
    state.saveTimestampCeiling(ceiling(9));
    const good = fs.readFileSync(file);
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ 1;
      fs.writeFileSync(file, bad);
      alarms = [];
      expect(open().loadTimestampCeiling()).toBeUndefined();
      expect(alarms).toEqual(['state-damaged']);
    }
    for (const cut of [0, 1, 14, good.length - 1]) {
      fs.writeFileSync(file, good.subarray(0, cut));
      alarms = [];
      expect(open().loadEndpoint(key(1))).toBeUndefined();
      expect(alarms).toEqual(['state-damaged']);
    }
  });

  it('never throws for any contents', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        fs.writeFileSync(file, bytes);
        expect(open().loadTimestampCeiling()).toBeUndefined();
      }),
    );
  });

  it('goes on in memory where it cannot write, raises one alarm, and recovers', () => {
    let broken = true;
    const state = open(() => {
      if (broken) throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    });
    expect(state.saveTimestampCeiling(ceiling(1))).toBe(false);
    expect(state.saveTimestampCeiling(ceiling(2))).toBe(false);
    expect(state.saveEndpoint(key(1), home)).toBe(false);
    expect(state.loadTimestampCeiling()).toEqual(ceiling(2));
    expect(alarms).toEqual(['state-not-saved']);
    expect(fs.readdirSync(directory)).toEqual([]);
    broken = false;
    expect(state.flush()).toBe(true);
    expect(open().loadTimestampCeiling()).toEqual(ceiling(2));
    expect(open().loadEndpoint(key(1))).toEqual(home);
  });
});

describe('a process killed in the middle', () => {
  const module = fileURLToPath(new URL('./state.ts', import.meta.url));
  const node = [process.execPath, '--conditions=pqtun-source', '--input-type=module', '-e'];

  /** Saves ceiling 2 over ceiling 1 in a child that dies by SIGKILL behind `step`. */
  const killedAfter = (step: string) => {
    const program = `
      import { FileState } from ${JSON.stringify(module)};
      const afterStep = (step) => { if (step === ${JSON.stringify(step)}) process.kill(process.pid, 'SIGKILL'); };
      new FileState({ file: ${JSON.stringify(file)}, onAlarm() {}, afterStep }).saveTimestampCeiling(new Uint8Array(12).fill(2));`;
    return spawnSync(node[0] ?? '', [...node.slice(1), program], { env: {} });
  };

  it.each([
    ['opened', 1],
    ['written', 1],
    ['synced', 1],
    ['renamed', 2],
  ] as const)('leaves the old or the new state, never less (%s)', (step, expected) => {
    open().saveTimestampCeiling(ceiling(1));
    const child = killedAfter(step);
    expect(child.signal, child.stderr.toString()).toBe('SIGKILL');
    expect(open().loadTimestampCeiling()).toEqual(ceiling(expected));
    expect(alarms).toEqual([]);
    expect(open().saveTimestampCeiling(ceiling(3))).toBe(true); // what the dead one left is no obstacle
    expect(fs.readdirSync(directory)).toEqual(['pq0.state']);
  });

  // A process that is killed loses nothing that was written; only a machine that stops shows whether it was synced.
  it('is synced before it takes the place of the old state, and its directory afterwards', () => {
    const done: string[] = [];
    const spies = [
      vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
        done.push(`sync ${path.basename(fs.readlinkSync(`/proc/self/fd/${fd}`))}`);
      }),
      vi.spyOn(fs, 'renameSync').mockImplementation(() => {
        done.push('rename');
      }),
    ];
    try {
      open().saveTimestampCeiling(ceiling(1));
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect(done).toEqual(['sync pq0.state.new', 'rename', `sync ${path.basename(directory)}`]);
  });

  const unshare = spawnSync('unshare', ['-m', 'true']).status === 0;
  const inMount = (options: string, prepare: string) => {
    const program = `
      import fs from 'node:fs';
      import { FileState } from ${JSON.stringify(module)};
      const alarms = [];
      const state = new FileState({ file: ${JSON.stringify(file)}, onAlarm: (event) => alarms.push(event) });
      const saved = state.saveTimestampCeiling(new Uint8Array(12).fill(2));
      console.log(JSON.stringify({ saved, alarms, kept: state.loadTimestampCeiling()?.[0] }));`;
    const script = `mount -t tmpfs -o ${options} tmpfs "$1" && ${prepare} && shift 1 && exec "$@"`;
    const child = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', directory, ...node, program], {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    expect(child.status, child.stderr.toString()).toBe(0);
    return JSON.parse(child.stdout.toString());
  };

  it.skipIf(!unshare)('goes on with a full disk', () => {
    expect(inMount('size=8k', 'dd if=/dev/zero of="$1/fill" bs=1k 2>/dev/null; true')).toEqual({
      saved: false,
      alarms: ['state-not-saved'],
      kept: 2,
    });
  });

  it.skipIf(!unshare)('goes on with a read-only directory', () => {
    expect(inMount('size=8k', 'mount -o remount,ro "$1"')).toEqual({
      saved: false,
      alarms: ['state-not-saved'],
      kept: 2,
    });
  });
});
