/** The operator's bench, shortened, on arm64: that it runs to its end there, and says of itself that an emulator measures nothing. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Of what bench/src/result.ts states, that which is looked at here. */
interface Result {
  readonly machine: {
    readonly arch: string;
    readonly engines: readonly {
      readonly name: string;
      readonly active: boolean;
      readonly reason?: string;
    }[];
  };
  readonly remarks: readonly { readonly kind: string; readonly text: string }[];
  readonly rows: readonly { readonly id: string }[];
}

/** What was seen, in a line. Throws when something is not as it should be. `launcher`: pqtun on arm64. */
export function benchOnArm64(launcher: string, isEmulated: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'pqtun-arm64-bench-'));
  try {
    const file = join(folder, 'result.json');
    const words = ['bench', '--quick', '--only', 'records,handshake', '--json', file];
    const { status, stdout, stderr, error } = spawnSync(launcher, words, {
      encoding: 'utf8',
      timeout: 5 * 60_000,
    });
    if (status !== 0) throw new Error(`${error?.message ?? `exit code ${status}`}\n${stdout}${stderr}`);
    const { machine, remarks, rows } = JSON.parse(readFileSync(file, 'utf8')) as Result; // `pqtun bench` has written it
    if (machine.arch !== 'arm64') throw new Error(`it says that it ran on ${machine.arch}`);
    const emulated = remarks.find(({ kind }) => kind === 'emulated')?.text;
    if (isEmulated && emulated?.startsWith('emulated: not a measurement') !== true)
      throw new Error('it does not say that it is no measurement');
    const isThere = (id: string): boolean => rows.some((row) => row.id.startsWith(id));
    const absent = ['records/seal/raw/', 'records/seal/evp/', 'records/open/noble/', 'handshake/'].filter(
      (id) => !isThere(id),
    );
    if (absent.length > 0) throw new Error(`there are no rows ${absent.join(', ')}`);
    const refused = machine.engines.find(({ name }) => name === 'multibuffer');
    if (refused?.active !== false) throw new Error('it does not refuse multibuffer');
    return `${rows.length} rows; "${emulated ?? 'measured'}"`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
