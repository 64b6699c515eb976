import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { available } from 'tun-tap-native';
import { describe, expect, it } from 'vitest';

const child = fileURLToPath(new URL('./tun.test.child.ts', import.meta.url));

function whySkipped(): string | undefined {
  if (!available()) return 'the addon is not built';
  if (process.getuid?.() !== 0) return 'they need root for a network namespace';
  const tried = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' });
  return tried.status === 0
    ? undefined
    : `unshare --net does not work: ${tried.error?.message ?? tried.stderr}`;
}

/** The scenario must also end by itself: a handle that is left keeps its process, and fails it here. */
function passes(scenario: string, plane: 'portable' | 'native' = 'portable'): void {
  const words = ['--net', process.execPath, '--conditions=pqtun-source', child, scenario, plane];
  const { status, signal, stderr } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 40_000 });
  expect(stderr).toBe('');
  expect([status, signal]).toEqual([0, null]);
}

const reason = whySkipped();
if (reason !== undefined) console.warn(`SKIPPED: tunnels in a network namespace, because ${reason}`);

describe.skipIf(reason !== undefined).each(['portable', 'native'] as const)(
  'over the %s plane a tunnel',
  (plane) => {
    it('carries what goes into its TUN to the peer and the answer back', () => passes('bothWays', plane));
    it('takes packets from one TUN to another', () => passes('twoTuns', plane));
    it('keeps packets that wait for a session intact while the TUN goes on', () => passes('staged', plane));
    it('ends in order when its TUN is deleted', () => passes('deleted', plane));
    it('takes another port, mark and identity over the same TUN', () => passes('reconfigured', plane));
    it('tells senders inside when the path takes less, and passes what fits', () =>
      passes('narrowedTun', plane));
    it('leaves no device, descriptor or thread behind', () => passes('reopened', plane));
  },
);

describe.skipIf(reason !== undefined)('in a network namespace of its own, a tunnel', () => {
  it('answers from the address that was asked, until that is gone', () => passes('sourceLost'));
  it('tells senders inside when an interface takes less than the tunnel', () => passes('narrowed'));
  it('N3: begins anew when the route to a peer changes', () => passes('networkChanged'));
});
