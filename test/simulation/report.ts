/** What a failed seed prints: which invariant, when, what was done until then, and how to see it again. */
import { invariants } from './model/invariants.ts';
import type { Violation } from './model/violation.ts';
import type { Outcome } from './run.ts';

const mostShown = 5;

export function reportOf({ seed, violations, history }: Outcome): string {
  return [
    `seed ${seed}: ${violations.length} violation${violations.length === 1 ? '' : 's'}`,
    ...violations.slice(0, mostShown).map((violation) => `  ${violationText(violation)}`),
    '  what was done:',
    ...history.map((line) => `    ${line}`),
    `  again: node --conditions=pqtun-source test/simulation/cli.ts --seed ${seed} --trace`,
  ].join('\n');
}

export function violationText({ label, at, what }: Violation): string {
  const meaning = label === 'none' ? 'this must never happen' : invariants[label];
  return `${(at / 1000).toFixed(3)} s ${label}: ${what} (${meaning})`;
}
