/** Documents that name tests by file and title, held to the tests there are. */
import { testTitlesOf } from './syntax.ts';
import { exists } from './tree.ts';

export interface NamedTest {
  /** What names the test: a number of a document, a file. */
  readonly by: string;
  /** Path from the root. */
  readonly file: string;
  /** As `testTitlesOf` gives it: `*` for what differs between the runs of a test. */
  readonly title: string;
}

/** A sentence for each that names no file or no test of it; empty when all is well. */
export function missingTests(named: readonly NamedTest[]): string[] {
  return named.flatMap(({ by, file, title }) => {
    if (!exists(file)) return [`${by}: no file ${file}`];
    return testTitlesOf(file).includes(title) ? [] : [`${by}: no test "${title}" in ${file}`];
  });
}

/** The test file that runs the tests of `file`: itself, or for a part of a contract the one named like its folder. */
export function runBy(file: string): string {
  return /\.test\.ts$/.test(file) ? file : `${file.slice(0, file.lastIndexOf('/'))}.test.ts`;
}
