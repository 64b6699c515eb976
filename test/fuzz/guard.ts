/** Ends what does not end by itself: loops in code that is not instrumented, regular expressions that backtrack for ever. */
import { Script } from 'node:vm';

const script = new Script('globalThis[Symbol.for("pqtun.fuzz.act")]()');
const key = Symbol.for('pqtun.fuzz.act');

/** Runs `act` for at most `milliseconds`; `false` when it was ended. What `act` throws passes through. */
export function within(milliseconds: number, act: () => void): boolean {
  const slot = globalThis as { [key]?: () => void }; // nobody else uses this symbol
  const outer = slot[key];
  slot[key] = act;
  try {
    script.runInThisContext({ timeout: milliseconds, breakOnSigint: true });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT')
      return false;
    throw error;
  } finally {
    if (outer === undefined) delete slot[key];
    else slot[key] = outer;
  }
}
