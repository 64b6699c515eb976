/**
 * Counts for `npm test`: after the run it prints every skipped test with its reason and writes `{passed, failed, skipped}` to
 * the file PQTUN_TEST_COUNTS names. What never became a test counts as failed: a file that did not load, a hook that threw,
 * an error outside of any test.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

export default class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += failedOutsideTests(module);
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed') counts.passed++;
        else if (state === 'skipped') {
          counts.skipped++;
          console.log(`skipped: ${module.relativeModuleId} › ${test.fullName}: ${reasonOf(test)}`);
        } else counts.failed++; // failed, or still pending when the run ended
      }
    }
    const file = process.env['PQTUN_TEST_COUNTS'];
    if (file !== undefined) writeFileSync(file, JSON.stringify(counts));
  }
}

function failedOutsideTests(module: TestModule): number {
  let failed = module.errors().length;
  for (const suite of module.children.allSuites()) failed += suite.errors().length;
  return failed;
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return note ?? `no reason given (${test.options.mode})`;
}
