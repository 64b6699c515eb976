/** The command line of `npm run test:arm64`. */
import { parseArgs } from 'node:util';

export const help = `Usage: npm run test:arm64 -- [--quick]

Runs pqtun on arm64 on a machine that is none: the addon is cross-built, and the tests run in an arm64 Node under an emulator.
What it shows is that things work, not how fast they are.

  --quick   the short form, 3 minutes at most: addon, some vectors, the planes' contract, one tunnel
  --help    this text

Needs g++-aarch64-linux-gnu and qemu-user, which as root on Debian are installed, and fetches the pinned Node for arm64 (55 MiB).
Where these cannot be had everything is skipped, and the exit code is 1, but 0 with --quick. The tunnels need root.`;

export interface Options {
  readonly quick: boolean;
  readonly help: boolean;
}

/** The options, or a line that says what is wrong. */
export function parseOptions(words: readonly string[]): Options | string {
  const flag = { type: 'boolean', default: false } as const;
  try {
    const { values } = parseArgs({ args: [...words], options: { quick: flag, help: flag } });
    return values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
