import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { available, openTun, probe } from './index.ts';
import { runNode, runScenario, whyNoTun } from './testing/scenario.ts';

let folder = '';

/** A copy of the sources without a build beside them. */
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuntap-'));
  cpSync(dirname(fileURLToPath(import.meta.url)), join(folder, 'src'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

afterEach(() => rmSync(folder, { recursive: true }));

function tryCopy(): { available: boolean; code: string; message: string; cause: boolean } {
  const program = `
    import { available, bootTime } from '${join(folder, 'src', 'index.ts')}';
    try { bootTime(); } catch ({ code, message, cause }) {
      console.log(JSON.stringify({ available: available(), code, message, cause: cause !== undefined }));
    }`;
  const { stdout, stderr } = runNode(['--input-type=module', '--eval', program], { isolated: false });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

function writeAddon(place: string): void {
  mkdirSync(join(folder, place), { recursive: true });
  writeFileSync(join(folder, place, 'tun_tap_native.node'), 'of another machine');
}

describe('the addon', () => {
  it('is available here', () => {
    expect(available()).toBe(true);
  });

  it('is not needed to import the package, and its absence names the remedy', () => {
    const outcome = tryCopy();
    expect(outcome).toMatchObject({ available: false, code: 'ERR_ADDON_UNAVAILABLE', cause: false });
    expect(outcome.message).toMatch(/not built.*npm run setup.*npm run build/);
  });

  it.each([['build/Release'], [`prebuilds/linux-${process.arch}`]])(
    'is refused with the reason when it does not load from %s',
    (place) => {
      writeAddon(place);
      const outcome = tryCopy();
      expect(outcome).toMatchObject({ available: false, code: 'ERR_ADDON_UNAVAILABLE', cause: true });
      expect(outcome.message).toMatch(/does not load.*npm run setup/);
    },
  );

  it('is not looked for among those of other architectures', () => {
    writeAddon('prebuilds/linux-none');
    expect(tryCopy()).toMatchObject({ available: false, cause: false });
  });
});

describe.skipIf(whyNoTun() !== undefined)('the edge', () => {
  function passes(name: string): void {
    const { status, stderr } = runScenario('edge-scenarios.ts', name);
    expect(stderr).toBe('');
    expect(status).toBe(0);
  }

  it('takes no handle but its own, each for its kind', () => passes('foreignHandles'));
  it('survives any sequence of calls with any arguments', () => passes('anyArguments'));
});

describe('probe', () => {
  it('answers for every capability, with a reason where there is no TUN', () => {
    const { tun, reason, ...others } = probe();
    expect(reason === undefined).toBe(tun);
    expect(Object.keys(others).sort()).toEqual(['multiQueue', 'netAdmin', 'udpGro', 'udpGso', 'vnetHdr']);
    expect(Object.values(others).every((value) => typeof value === 'boolean')).toBe(true);
  });

  it('agrees with openTun where there is none', (context) => {
    if (whyNoTun() === undefined) context.skip('there is one here');
    expect(probe().tun).toBe(false);
    expect(() => openTun()).toThrow();
  });
});
