/** Pieces of a document. What stands in a cell or a line is text: nothing of it can be a link, a tag or the end of its cell. */

/** A page, and the plots it shows, by name, for docs/benchmarks/. */
export interface Documents {
  readonly text: string;
  readonly plots: ReadonlyMap<string, string>;
}

/** The first line is the head. Columns behind the first are aligned to the right where `figures` says so. */
export function markdownTable(cells: readonly (readonly string[])[], figures = false): string {
  const line = (row: readonly string[]): string => `| ${row.map(cell).join(' | ')} |`;
  const [head = [], ...rest] = cells;
  const rule = head.map((_, i) => (figures && i > 0 ? '--:' : '---'));
  return [line(head), `|${rule.join('|')}|`, ...rest.map(line)].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Text of a machine, for a line of ours: `ARM Cortex-A72 <rev 3>`. */
export function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#]/g, '\\$&');
}
