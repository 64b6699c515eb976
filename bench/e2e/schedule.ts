/** Who is measured when: rounds over all, each begun by another one, so that no program always follows the same neighbour's heat. */

/** The same members, begun `by` places later. */
export function rotated<T>(members: readonly T[], by: number): T[] {
  const from = members.length === 0 ? 0 : by % members.length;
  return [...members.slice(from), ...members.slice(0, from)];
}

export interface Turn<Row, Program> {
  /** From 1. */
  readonly round: number;
  readonly row: Row;
  readonly program: Program;
}

/**
 * All turns of a round: a row of all programs, then the next row, so that what is compared lies seconds apart. Rows begin with
 * different programs too.
 */
export function turnsOf<Row, Program>(
  round: number,
  rows: readonly Row[],
  programs: readonly Program[],
): Turn<Row, Program>[] {
  return rows.flatMap((row, i) =>
    rotated(programs, round - 1 + i).map((program) => ({ round, row, program })),
  );
}
