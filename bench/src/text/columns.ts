/** Text in columns for a terminal, and the colours a caller may give it. */

/** The daemon's `paint()` is one of these. */
export interface Paint {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  red(text: string): string;
}

const same = (text: string): string => text;
export const plainPaint: Paint = { bold: same, dim: same, green: same, yellow: same, red: same };

export interface Column {
  readonly align: 'left' | 'right';
}

/** Lines of equal columns, two spaces apart; `paintCell` colours a padded cell. Short lines are lines with empty cells. */
export function inColumns(
  lines: readonly (readonly string[])[],
  columns: readonly Column[],
  paintCell: (cell: string, line: number, column: number) => string = same,
): string[] {
  const widths = columns.map((_, i) => Math.max(0, ...lines.map((line) => widthOf(line[i] ?? ''))));
  return lines.map((line, n) =>
    columns
      .map(({ align }, i) => {
        const cell = line[i] ?? '';
        const space = ' '.repeat((widths[i] ?? 0) - widthOf(cell));
        return paintCell(align === 'left' ? cell + space : space + cell, n, i);
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Characters as a terminal shows them, as far as our own text goes: combining ones stand on the one before. */
function widthOf(text: string): number {
  return [...text.replace(/\p{M}/gu, '')].length;
}

/** Three figures that count, never with an exponent: `4790`, `831`, `12.6`, `0.0042`. */
export function threeFigures(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(digits, 12));
}
