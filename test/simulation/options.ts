/** The command line of the simulation. */
import { parseArgs } from 'node:util';

export const usage = `Usage: node --conditions=pqtun-source test/simulation/cli.ts [options]

  --seed S          play one seed
  --trace           with --seed: print all that happens, line by line
  --seeds N         play N seeds (default 300), after those that failed once
  --from S          the first of them (default 1)
  --jobs N          threads (default 1)
  --failed          play only the seeds that failed once
  --help            this text

Exit code 0: nothing was violated, 1: something was, 2: wrong options.`;

export type Options =
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly why: string }
  | { readonly kind: 'one'; readonly seed: number; readonly trace: boolean }
  | { readonly kind: 'many'; readonly from: number; readonly seeds: number; readonly jobs: number };

export function readOptions(args: readonly string[]): Options {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        trace: { type: 'boolean' },
        seeds: { type: 'string' },
        from: { type: 'string' },
        jobs: { type: 'string' },
        failed: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error));
  }
  if (values['help'] === true) return { kind: 'help' };
  const seed = count(values['seed'], 0);
  const seeds = count(values['seeds'], 1);
  const from = count(values['from'], 0);
  const jobs = count(values['jobs'], 1);
  for (const [name, value] of Object.entries({ seed, seeds, from, jobs }))
    if (value === 'bad') return wrong(`--${name} wants a number, as in --${name} 12`);
  if (typeof seed === 'number') {
    if (seeds !== undefined || from !== undefined || jobs !== undefined || values['failed'] === true)
      return wrong('--seed plays one seed; leave the others away');
    return { kind: 'one', seed, trace: values['trace'] === true };
  }
  if (values['trace'] === true) return wrong('--trace wants one seed: add --seed S');
  return {
    kind: 'many',
    from: typeof from === 'number' ? from : 1,
    seeds: values['failed'] === true ? 0 : typeof seeds === 'number' ? seeds : 300,
    jobs: typeof jobs === 'number' ? jobs : 1,
  };
}

function count(value: string | boolean | undefined, least: number): number | 'bad' | undefined {
  if (value === undefined) return undefined;
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  return number >= least && number <= 0xffff_ffff ? number : 'bad';
}

function wrong(why: string): Options {
  return { kind: 'wrong', why: `${why}. Try --help` };
}
