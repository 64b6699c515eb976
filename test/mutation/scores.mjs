/** Reads what Stryker found (mutation-testing report schema 1) into scores by file, and into a list of what no test noticed. */
import { basename } from 'node:path';

const outcomes = {
  Killed: 'noticed',
  Timeout: 'noticed',
  Survived: 'unnoticed',
  NoCoverage: 'unnoticed',
  Ignored: 'leftOut',
  RuntimeError: 'leftOut',
  CompileError: 'leftOut',
};

/** `{ noticed, unnoticed, leftOut }`: changes that made a test fail or run on, that no test saw, and that were not tried. */
export class Tally {
  noticed = 0;
  unnoticed = 0;
  leftOut = 0;

  static of(mutants) {
    const tally = new Tally();
    for (const { status } of mutants) {
      const outcome = outcomes[status];
      if (outcome === undefined) throw new Error(`a mutant is "${status}": it was not tried to the end`);
      tally[outcome]++;
    }
    return tally;
  }

  static sum(tallies) {
    const total = new Tally();
    for (const { noticed, unnoticed, leftOut } of tallies) {
      total.noticed += noticed;
      total.unnoticed += unnoticed;
      total.leftOut += leftOut;
    }
    return total;
  }

  /** Percent of the changes tried that a test noticed. A file of types alone has nothing to change, and misses nothing. */
  get score() {
    const tried = this.noticed + this.unnoticed;
    return tried === 0 ? 100 : (100 * this.noticed) / tried;
  }
}

/** Tallies of a folder's report: `{ total, files: [[name, tally]…] }`. */
export function scoresOf(report) {
  const files = Object.entries(report.files).map(([path, { mutants }]) => [
    basename(path),
    Tally.of(mutants),
  ]);
  return { total: Tally.sum(files.map(([, tally]) => tally)), files };
}

/** Rows of text: each folder, then its files, then the total. `folders` is a list of `[name, { total, files }]`. */
export function scoreTable(folders) {
  const row = (name, { score, noticed, unnoticed, leftOut }) =>
    [name.padEnd(24), score.toFixed(1).padStart(6), noticed, unnoticed, leftOut]
      .map((cell) => String(cell).padStart(9))
      .join('');
  const heading =
    'folder, file'.padEnd(24) + ['score', 'noticed', 'missed', 'left out'].map((t) => t.padStart(9)).join('');
  return [
    heading,
    ...folders.flatMap(([name, { total, files }]) => [
      row(name, total),
      ...files.map(([file, tally]) => row(`  ${file}`, tally)),
    ]),
    row('all', Tally.sum(folders.map(([, { total }]) => total))),
  ];
}

/** One paragraph for each change that no test noticed: where it stands, what it was and what it became. */
export function unnoticed(report) {
  return Object.entries(report.files).flatMap(([path, { source, mutants }]) =>
    mutants
      .filter(({ status }) => outcomes[status] === 'unnoticed')
      .sort((a, b) => a.location.start.line - b.location.start.line)
      .map(({ location, mutatorName, replacement, status }) => {
        const { start, end } = location;
        const lines = source.split('\n').slice(start.line - 1, end.line);
        const head = lines[0].slice(0, start.column - 1);
        const tail = lines.at(-1).slice(end.column - 1);
        return [
          `${path}:${start.line}:${start.column} ${mutatorName}${status === 'NoCoverage' ? ', not reached' : ''}`,
          ...lines.map((line) => `- ${line}`),
          ...`${head}${replacement}${tail}`.split('\n').map((line) => `+ ${line}`),
        ].join('\n');
      }),
  );
}
