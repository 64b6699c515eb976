/** Counting: every check ends as passed, failed or skipped, and a run ends with one line that says how many of each. */

export class Counts {
  passed = 0;
  failed = 0;
  skipped = 0;

  /** Adds a check that is one test: it passed iff `code` is 0. */
  addExitCode(name, code) {
    if (code === 0) {
      this.passed++;
      console.log(`✓ ${name}`);
    } else {
      this.failed++;
      console.log(`✗ ${name} (exit code ${code}${code === 124 ? ', out of time' : ''})`);
    }
  }

  add({ passed, failed, skipped }) {
    this.passed += passed;
    this.failed += failed;
    this.skipped += skipped;
  }

  /** The last line of a run, as CI reads it. */
  toString() {
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped`;
  }

  /** A run in which nothing ran has failed. */
  get exitCode() {
    return this.failed === 0 && this.passed > 0 ? 0 : 1;
  }
}
