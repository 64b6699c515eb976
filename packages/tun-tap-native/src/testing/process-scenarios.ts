/** What a process gives up cannot be had back: each in a process of its own. Run by process.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { hardenProcess } from '../index.ts';

const status = (): string => readFileSync('/proc/self/status', 'utf8');
const coreLimit = (): string | undefined =>
  /Max core file size\s+(.*\S)/.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];

export const scenarios = {
  nothingAsked() {
    const before = [/NoNewPrivs:\s*(\d)/.exec(status())?.[1], coreLimit()];
    hardenProcess({});
    assert.deepEqual([/NoNewPrivs:\s*(\d)/.exec(status())?.[1], coreLimit()], before);
  },
  everything() {
    hardenProcess({ coreDumps: false, noNewPrivileges: true, dumpable: false });
    assert.match(status(), /NoNewPrivs:\s*1/);
    assert.match(coreLimit() ?? '', /^0\s+0\s+bytes$/);
    // Twice is as good as once.
    hardenProcess({ coreDumps: false, noNewPrivileges: true, dumpable: false });
  },
  /** As an ordinary user: proc(5) gives the files of a process that is not dumpable to root. */
  dumpable() {
    const uid = process.getuid?.();
    assert.notEqual(uid, 0);
    assert.equal(statSync('/proc/self/mem').uid, uid);
    hardenProcess({ dumpable: false });
    assert.equal(statSync('/proc/self/mem').uid, 0);
  },
};
