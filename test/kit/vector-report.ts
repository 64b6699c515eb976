/** Runs vectors and accounts for every one of them: right, wrong, or not run and why. No case is lost in silence. */
import { afterAll, expect } from 'vitest';

/** What a check says of one case: right, wrong, or a reason why this way cannot run it. */
export type Verdict = boolean | NotRun;

export class NotRun {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

interface Row {
  readonly way: string;
  readonly set: string;
  readonly ran: number;
  readonly notRun: ReadonlyMap<string, number>;
}

/** Collects the runs of one test file; prints its totals after the last. */
export class VectorReport {
  readonly #title: string;
  readonly #rows: Row[] = [];

  constructor(title: string) {
    this.#title = title;
    afterAll(() => console.info(this.toString()));
  }

  /**
   * Checks every case, then fails naming those that came out wrong, or when the number run is not `expected`: a file that
   * lost cases, or a reader that skips them, must not pass.
   */
  run<Case>(
    { way, set, expected }: { way: string; set: string; expected: number },
    cases: readonly Case[],
    check: (vector: Case) => Verdict,
  ): void {
    const wrong: string[] = [];
    const notRun = new Map<string, number>();
    let ran = 0;
    for (const [index, vector] of cases.entries()) {
      const verdict = check(vector);
      if (verdict instanceof NotRun) {
        notRun.set(verdict.reason, (notRun.get(verdict.reason) ?? 0) + 1);
        continue;
      }
      ran += 1;
      if (!verdict) wrong.push(nameOf(vector, index));
    }
    this.#rows.push({ way, set, ran, notRun });
    expect(wrong, `${set} through ${way}: wrong cases`).toEqual([]);
    expect(ran, `${set} through ${way}: cases run`).toBe(expected);
  }

  /** Accounts for cases no test runs this way. */
  leaveOut({ way, set }: { way: string; set: string }, cases: readonly unknown[], reason: NotRun): void {
    this.#rows.push({ way, set, ran: 0, notRun: new Map([[reason.reason, cases.length]]) });
  }

  toString(): string {
    const lines = this.#rows.map(({ way, set, ran, notRun }) => {
      const reasons = [...notRun].map(([reason, count]) => `${count} not run: ${reason}`);
      return `  ${way.padEnd(6)} ${set}: ${[...(ran > 0 ? [`${ran} right`] : []), ...reasons].join('; ')}`;
    });
    const total = this.#rows.reduce((sum, row) => sum + row.ran, 0);
    const missed = this.#rows.reduce(
      (sum, row) => sum + [...row.notRun.values()].reduce((a, b) => a + b, 0),
      0,
    );
    return `vectors, ${this.#title}: ${total} run, ${missed} not run\n${lines.join('\n')}`;
  }
}

function nameOf(vector: unknown, index: number): string {
  if (typeof vector === 'object' && vector !== null && 'tcId' in vector) return `tcId ${String(vector.tcId)}`;
  return `number ${index}`;
}
