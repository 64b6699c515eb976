/** For `vitest-outcome.ts`: writes what became of each test, and the kind of each error, to the file PQTUN_TEST_OUTCOMES names. */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export interface ErrorSummary {
  readonly name: string;
  /** Its first line. */
  readonly message: string;
}

/** What came of a run. */
export interface VitestReport {
  /** Files that did not load, hooks that threw, errors outside of any test. */
  readonly errors: readonly ErrorSummary[];
  readonly tests: readonly {
    /** Path of the file from the root. */
    readonly file: string;
    readonly title: string;
    readonly state: 'passed' | 'failed' | 'skipped' | 'pending';
    readonly errors: readonly ErrorSummary[];
  }[];
}

export default class OutcomeReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const report: VitestReport = {
      errors: [...unhandled, ...modules.flatMap(errorsOutsideTests)].map(summary),
      tests: modules.flatMap((module) =>
        [...module.children.allTests()].map((test) => {
          const { state, errors = [] } = test.result();
          return { file: module.relativeModuleId, title: test.name, state, errors: errors.map(summary) };
        }),
      ),
    };
    const file = process.env['PQTUN_TEST_OUTCOMES'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(report));
  }
}

function errorsOutsideTests(module: TestModule): SerializedError[] {
  return [...module.errors(), ...[...module.children.allSuites()].flatMap((suite) => suite.errors())];
}

function summary({ name = 'Error', message }: SerializedError): ErrorSummary {
  return { name, message: message.split('\n', 1)[0] ?? '' };
}
