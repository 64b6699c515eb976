/** The command line: words in, settings out, or a sentence that says what was expected. */
import { parseArgs } from 'node:util';
import { type ProgramId, programIds, type RowId, rowIds } from './catalog.ts';

export const usage = `npm run bench:e2e -- [options]

Measures tunnels side by side in network namespaces of its own: wireguard-go, Tailscale's fork of it, boringtun, gotatun, OpenVPN,
both our planes, our plane without crypto, and the bare cable. Builds what is missing into the cache first, which takes minutes.
Prints medians with their range and what they say to the targets. Needs root, and a machine that does nothing else.

  --only LIST         programs and rows, with commas:
                      ${programIds.join(' ')}
                      ${rowIds.join(' ')}
  --repetitions N     rounds over all, 1 to 100 (default 5)
  --seconds N         seconds a measurement, 1 to 60 (default 4)
  --json FILE         write every measurement there
  --write-docs        keep this run in docs/benchmarks and write docs/benchmarks.md and its plots anew
  --from FILE         measure nothing: print, and with --write-docs write, what an earlier run put into FILE
  --quick             both our planes, one short repetition: judges only that bytes arrive unharmed and daemons end well
  --help              this text
`;

export interface Settings {
  readonly programs: readonly ProgramId[];
  readonly rows: readonly RowId[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly json: string | undefined;
  readonly writeDocs: boolean;
  readonly from: string | undefined;
  readonly quick: boolean;
}

/** `'help'`, or settings. Throws an error whose message is for the user. */
export function parseOptions(args: readonly string[]): Settings | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: '' },
      repetitions: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      json: { type: 'string' },
      'write-docs': { type: 'boolean', default: false },
      from: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const kept =
    values.json !== undefined || values.from !== undefined || values['write-docs'] || values.only !== '';
  if (values.quick && kept)
    throw new Error('--quick measures nothing worth keeping: it goes with no other option');
  return {
    ...chosen(values.only),
    repetitions: integer('repetitions', values.repetitions, 1, 100),
    seconds: integer('seconds', values.seconds, 1, 60),
    json: values.json,
    writeDocs: values['write-docs'],
    from: values.from,
    quick: values.quick,
  };
}

/** All of a kind of which none is named. */
function chosen(only: string): Pick<Settings, 'programs' | 'rows'> {
  const words = only.split(',').filter((word) => word !== '');
  const unknown = words.find((word) => ![...programIds, ...rowIds].some((id) => id === word));
  if (unknown !== undefined) throw new Error(`--only: no program and no row is called "${unknown}"`);
  const programs = programIds.filter((id) => words.includes(id));
  const rows = rowIds.filter((id) => words.includes(id));
  return {
    programs: programs.length === 0 ? programIds : programs,
    rows: rows.length === 0 ? rowIds : rows,
  };
}

function integer(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new Error(`--${name}: expected a whole number from ${least} to ${most}`);
  return value;
}
