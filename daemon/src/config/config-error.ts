/** Why a configuration was refused: problems of one line each, none of which shows the value of a key. */
import { PqtunError } from '@pqtun/core';

export interface Problem {
  /** 1-based; 0 where no single line is at fault. */
  readonly line: number;
  /** `PrivateKey`, `[Peer]`, … or `file`. */
  readonly key: string;
  /** What was found, already fit to print. */
  readonly got: string;
  readonly expected: string;
}

/** More than this helps nobody and lets a hostile file fill a terminal. */
export const maxProblems = 20;

/** `PQTUN_BAD_CONFIG`; the message is one line per problem, `FILE:LINE: KEY: got …, expected …`. */
export class ConfigError extends PqtunError {
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    super('PQTUN_BAD_CONFIG', problems.map((problem) => problemLine(file, problem)).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

function problemLine(file: string, problem: Problem): string {
  const place = problem.line === 0 ? file : `${file}:${problem.line}`;
  return `${place}: ${problem.key}: got ${problem.got}, expected ${problem.expected}`;
}

/**
 * A value in quotes: at most 60 characters, nothing that moves a cursor or breaks the line. Not for key fields; what looks
 * like a key in another field (pasted into the wrong line) is not shown either.
 */
export function quoted(value: string): string {
  if (/[A-Za-z0-9+/]{40}/.test(value)) return 'what looks like a key (not shown)';
  const shown = [...value.slice(0, 60)]
    .map((c) => (/[\p{L}\p{N}\p{P}\p{S} ]/u.test(c) ? c : '\u00b7'))
    .join('');
  return `"${shown}"${value.length > 60 ? '…' : ''}`;
}
