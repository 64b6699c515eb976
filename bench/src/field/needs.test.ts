import { describe, expect, it } from 'vitest';
import { type Needs, needsHere, whyNot } from './needs.ts';

const all: Needs = {
  platform: 'linux',
  user: 0,
  hasUnshare: true,
  hasDaemon: true,
  addon: undefined,
  tun: undefined,
};

describe('what a whole tunnel needs', () => {
  it('is there, or the one thing to do next is said', () => {
    expect(whyNot(all)).toBeUndefined();
    expect(whyNot({ ...all, platform: 'darwin' })).toMatch(/Linux/);
    expect(whyNot({ ...all, user: 1000 })).toMatch(/sudo/);
    expect(whyNot({ ...all, addon: 'its addon is not built; run "npm run setup"' })).toMatch(/npm run setup/);
    expect(whyNot({ ...all, tun: 'ENOENT: no such file' })).toMatch(/modprobe tun/);
    expect(whyNot({ ...all, hasUnshare: false })).toMatch(/util-linux/);
    expect(whyNot({ ...all, hasDaemon: false })).toMatch(/pqtun/);
  });

  it('is asked of this machine without doing anything to it', () => {
    const needs = needsHere('/nonexistent/pqtun');
    expect(needs).toMatchObject({ platform: process.platform, user: process.getuid?.(), hasDaemon: false });
    expect(needsHere(process.execPath).hasDaemon).toBe(true);
  });
});
