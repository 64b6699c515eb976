/** What is fuzzed: a function of bytes that throws when something is wrong, and what helps to find inputs for it. */

export interface FuzzTarget {
  readonly name: string;
  /** One line for `--list`. */
  readonly about: string;
  /** Inputs are at most this long, in bytes. */
  readonly maxLength: number;
  /** Executions of the short form that CI runs: some ten seconds. */
  readonly executions: number;
  /** Inputs to begin with beside those in `corpus/`. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces that inputs are likely to need. */
  readonly dictionary: readonly Uint8Array[];
  /**
   * Runs one input. Throws when the product threw where it must not, or when an oracle does not hold; every input is legal.
   * The same input does the same every time. `input` stays the caller's and may not be changed.
   */
  run(input: Uint8Array): void;
}

/** What a target must find true. */
export class OracleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OracleError';
  }
}

/** Throws `OracleError` unless `condition` holds. The message is a constant: equal faults have equal messages. */
export function must(condition: boolean, message: string): asserts condition {
  if (!condition) throw new OracleError(message);
}

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
