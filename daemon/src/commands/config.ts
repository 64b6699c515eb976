/** check and strip: what a configuration says, without running it. */
import { loadConfig } from '../config/load.ts';
import { type DaemonConfig, destroyConfig } from '../config/model.ts';
import { publicKeyCheck } from '../config/public-key-check.ts';
import { jsonSchema, modelOf } from '../config/schema.ts';
import { writeStripped } from '../config/write.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { type CommandSpec, flag, hooksOption, type Io, printSecret, targetOf } from './command.ts';

export const configCommands: readonly CommandSpec[] = [
  {
    name: 'check',
    args: '[file]',
    summary: 'check a configuration without applying it',
    options: [
      hooksOption,
      ['--json', 'print what it says, secrets hidden'],
      ['--schema', 'print the JSON Schema of the model and exit'],
    ],
    examples: [
      'pqtun check pq0',
      'pqtun check ./pq0.conf --json',
      'pqtun check --schema > pqtun.schema.json',
    ],
    async run(io, [name], options) {
      if (flag(options, 'schema')) {
        await io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
        return undefined;
      }
      if (name === undefined)
        throw new CommandError(exitCodes.usage, 'check: expected a file or an interface');
      await withConfig(io, name, flag(options, 'allowHooks'), async (config, file) => {
        const model = flag(options, 'json')
          ? JSON.stringify(modelOf(config), null, 2)
          : `${file}: ok, ${summary(config)}`;
        await io.out(`${model}\n`);
      });
      return undefined;
    },
  },
  {
    name: 'strip',
    args: '<interface>',
    summary: 'print the part of a configuration `wg setconf` understands',
    details:
      'Holds the private key. Hybrid peers are left out: given to WireGuard they would be spoken to without post-quantum keys. ' +
      'An interface of pqtun keeps the KEM keys of its peers and refuses new peers without one, so it takes --hybrid; without it ' +
      '`wg setconf` and `wg syncconf` would remove the hybrid peers.',
    options: [['--hybrid', 'with hybrid peers, without their KEM keys: for interfaces of pqtun only']],
    examples: [
      'pqtun strip wg0 | wg setconf wg0 /dev/stdin',
      'pqtun strip --hybrid pq0 | wg syncconf pq0 /dev/stdin',
    ],
    async run(io, [name = ''], options) {
      const hybrid = flag(options, 'hybrid');
      await withConfig(io, name, true, async (config, file) => {
        const left = hybrid ? 0 : config.tunnel.peers.filter(({ mode }) => mode === 'require').length;
        if (left > 0)
          io.error(`pqtun strip: ${file}: left out ${left} hybrid peer${left === 1 ? '' : 's'}\n`);
        await printSecret(io, writeStripped(config, { hybrid }));
      });
      return undefined;
    },
  },
];

async function withConfig(
  io: Io,
  name: string,
  allowHooks: boolean,
  use: (config: DaemonConfig, file: string) => Promise<void>,
): Promise<void> {
  const { file } = targetOf(name);
  const config = loadConfig(file, {
    allowHooks,
    credentials: io.env['CREDENTIALS_DIRECTORY'],
    keys: publicKeyCheck(),
  });
  try {
    await use(config, file);
  } finally {
    destroyConfig(config);
  }
}

function summary({ tunnel: { peers } }: DaemonConfig): string {
  const classical = peers.filter(({ mode }) => mode === 'classical').length;
  const hybrid = peers.length - classical;
  return `${hybrid} hybrid peer${hybrid === 1 ? '' : 's'}${classical > 0 ? `, ${classical} classical (not post-quantum)` : ''}`;
}
