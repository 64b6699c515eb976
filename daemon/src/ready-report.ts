/** How a daemon in the background tells `up` that it is ready, or why not: one JSON line on an inherited pipe. */
import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export type Report = (
  outcome: { readonly ready: true } | { readonly why: string; readonly exitCode: ExitCode },
) => void;

export type ReceivedReport =
  | { readonly kind: 'ready' }
  /** It said why. */
  | { readonly kind: 'failed'; readonly why: string; readonly exitCode: ExitCode }
  /** It ended without a word. */
  | { readonly kind: 'died'; readonly why: string; readonly exitCode: ExitCode };

const line = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ why: z.string(), exitCode: z.literal(Object.values(exitCodes)) }),
]);
const maxReportLength = 64 * 1024;

/** Writes the report to `fd` once and closes it; without `fd` does nothing. */
export function reportTo(fd: number | undefined): Report {
  let open = fd;
  return (outcome) => {
    if (open === undefined) return;
    try {
      fs.writeSync(open, `${JSON.stringify(outcome)}\n`);
      fs.closeSync(open);
    } catch {
      // `up` went away: the daemon goes on without it
    }
    open = undefined;
  };
}

/** Waits until the child has reported on descriptor 3 or is gone, then lets go of it. */
export async function waitForReport(child: ChildProcess): Promise<ReceivedReport> {
  const pipe = child.stdio[3];
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`),
    );
  });
  const text = pipe instanceof Readable ? await readAll(pipe) : '';
  const parsed = line.safeParse(parseJson(text));
  child.unref();
  if (!parsed.success) return { kind: 'died', why: await ended, exitCode: exitCodes.failure };
  return 'ready' in parsed.data ? { kind: 'ready' } : { kind: 'failed', ...parsed.data };
}

async function readAll(pipe: Readable): Promise<string> {
  let text = '';
  for await (const chunk of pipe) {
    text += chunk;
    if (text.includes('\n') || text.length > maxReportLength) break;
  }
  pipe.destroy();
  return text;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
