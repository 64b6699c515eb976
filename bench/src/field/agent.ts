/**
 * A child process in a network namespace of its own, which does what it is asked to over its pipe (`acts.ts`). It ends when that pipe
 * does, whatever ended the bench, and takes its daemons and the bench's secret files with it: `agent.ts FOLDER`.
 */
import { acts, killDaemons } from './acts.ts';
import { removeFolder } from './private-folder.ts';

/** What a bench sends. */
export interface Request {
  readonly number: number;
  readonly act: string;
  readonly args: readonly unknown[];
}

export type Reply =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: string };

const folder = process.argv[2];

process.once('exit', killDaemons);
process.once('disconnect', () => {
  killDaemons();
  if (folder !== undefined) removeFolder(folder); // whoever made it may have been killed
  process.exit(0);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

process.on('message', async (request: Request) => {
  const { number, act, args } = request;
  const reply = await answerTo(act, args).then(
    (value): Reply => ({ number, value }),
    (error: unknown): Reply => ({ number, error: error instanceof Error ? error.message : String(error) }),
  );
  if (process.connected) process.send?.(reply);
});
process.send?.({ number: 0, value: 'ready' } satisfies Reply);

async function answerTo(act: string, args: readonly unknown[]): Promise<unknown> {
  if (!Object.hasOwn(acts, act)) throw new Error(`no act "${act}"`);
  const doIt = acts[act as keyof typeof acts] as (...given: readonly unknown[]) => unknown; // `Namespace.call` types both ends
  return doIt(...args);
}
