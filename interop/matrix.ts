/** Cells of the matrix, and how they are run: each in bounded time, several at once where they mostly wait. */

export interface Cell {
  /** Row: who talks with whom. */
  readonly peer: string;
  /** Column. */
  readonly scenario: string;
  /** Seconds until it counts as failed. */
  readonly limit: number;
  /** Why it cannot be run here; then it is skipped, loudly. */
  readonly skip?: string;
  readonly run: () => Promise<void>;
}

export interface Result {
  readonly cell: Cell;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Seconds. */
  readonly time: number;
  readonly reason?: string;
}

/** Runs all, at most `width` at a time, in order; `onResult` hears of each as it ends. */
export async function runCells(
  cells: readonly Cell[],
  width: number,
  onResult: (result: Result) => void,
): Promise<Result[]> {
  const waiting = [...cells];
  const results: Result[] = [];
  const worker = async (): Promise<void> => {
    for (let cell = waiting.shift(); cell !== undefined; cell = waiting.shift()) {
      const result = await runCell(cell);
      results.push(result);
      onResult(result);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

async function runCell(cell: Cell): Promise<Result> {
  if (cell.skip !== undefined) return { cell, outcome: 'skipped', time: 0, reason: cell.skip };
  const begin = performance.now();
  const time = (): number => (performance.now() - begin) / 1000;
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${cell.limit} s`)), cell.limit * 1000);
  try {
    await Promise.race([cell.run(), late]);
    return { cell, outcome: 'passed', time: time() };
  } catch (error) {
    return {
      cell,
      outcome: 'failed',
      time: time(),
      reason: error instanceof Error ? error.message : String(error),
    };
  } finally {
    clearTimeout(timer);
  }
}
