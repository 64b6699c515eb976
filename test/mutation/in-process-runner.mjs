/**
 * A Stryker test runner that loads all test files once and then runs single tests in the same process: a few milliseconds for a
 * mutant. Stryker's own for vitest starts a worker for each test file and mutant, which here costs 600 ms of a processor each.
 *
 * The price is that a mutant can leave the modules damaged (a table filled with nonsense, a buffer not wiped) and so condemn the
 * next. So the test that condemned one is run again without it: if it fails then too, either this mutant or an earlier one did
 * the damage. In a process where none ran before it was this one; in any other the process is given up and the mutant tried
 * again in a new one, which Stryker starts when a run is rejected.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { INSTRUMENTER_CONSTANTS } from '@stryker-mutator/api/core';
import { declareClassPlugin, PluginKind } from '@stryker-mutator/api/plugin';
import {
  DryRunStatus,
  determineHitLimitReached,
  MutantRunStatus,
  TestStatus,
} from '@stryker-mutator/api/test-runner';
import { configureGlobal } from 'fast-check';

/** From the dry run to later processes, at the top of the copy. */
const durationsFile = 'test-durations.json';
const shim = new URL('vitest-shim.mjs', import.meta.url).href;

class InProcessRunner {
  /** The top of Stryker's copy of the tree, where it goes before it makes a runner. */
  #tree = process.cwd();
  /** By id; `undefined` until the test files are loaded. */
  #tests;
  /** A mutant ran here before. */
  #used = false;
  /** Why this process must not run another one. */
  #damaged;

  capabilities() {
    // Said so that Stryker starts no process for a mutant that acts at load and later as well: we run it as any other. For one
    // that is to act at load `mutantRun` asks for a process itself.
    return { reloadEnvironment: true };
  }

  async dryRun() {
    await this.#load();
    const tests = [];
    for (const test of this.#tests.values()) {
      stryker.currentTestId = test.id;
      const { failure, duration } = await attempt(test);
      stryker.currentTestId = undefined;
      test.duration = duration;
      tests.push(resultOf(test, failure));
    }
    const durations = Object.fromEntries([...this.#tests.values()].map(({ id, duration }) => [id, duration]));
    writeFileSync(join(this.#tree, durationsFile), JSON.stringify(durations));
    return { status: DryRunStatus.Complete, tests, mutantCoverage: stryker.mutantCoverage };
  }

  async mutantRun({ activeMutant, mutantActivation, testFilter, hitLimit: generous }) {
    // A hundred times what the unchanged code needs, to leave room for a search for smaller counterexamples; here is none
    const hitLimit = generous === undefined ? undefined : generous / 10;
    if (this.#damaged !== undefined) throw new Error(this.#damaged);
    const isStatic = mutantActivation === 'static';
    if (isStatic && this.#tests !== undefined) throw new Error('the modules are loaded already');
    const pristine = !this.#used;
    this.#used = true;
    if (isStatic) {
      this.#damaged = 'the modules were loaded by a mutant';
      stryker.activeMutant = activeMutant.id;
    }
    try {
      await this.#load();
    } catch (error) {
      return killed([], `the test files did not load: ${error}`, 0);
    }
    stryker.activeMutant = activeMutant.id;
    stryker.hitCount = 0;
    stryker.hitLimit = hitLimit;
    let nrOfTests = 0;
    for (const test of this.#chosen(testFilter)) {
      nrOfTests++;
      const { failure } = await attempt(test);
      const late = determineHitLimitReached(stryker.hitCount, hitLimit);
      if (failure === undefined && late === undefined) continue;
      stryker.activeMutant = undefined;
      if (!isStatic && (await attempt(test)).failure !== undefined) {
        this.#damaged = `damaged by mutant ${activeMutant.id} or one before it`;
        if (!pristine) throw new Error(this.#damaged);
      }
      return late === undefined
        ? killed([test.id], failure, nrOfTests)
        : { status: MutantRunStatus.Timeout, reason: late.reason };
    }
    stryker.activeMutant = undefined;
    return { status: MutantRunStatus.Survived, nrOfTests };
  }

  async #load() {
    if (this.#tests !== undefined) return;
    const tree = this.#tree;
    replaceModules(tree);
    const files = JSON.parse(process.env.PQTUN_MUTATION_TESTS).flatMap((pattern) =>
      globSync(pattern, { cwd: tree }),
    );
    for (const file of files.sort()) await import(pathToFileURL(join(tree, file)).href);
    const { collected } = await import(shim);
    const durations = readDurations(tree);
    const tests = collected
      .filter(({ skipped }) => !skipped)
      .map((test) => {
        const id = relative(tree, test.id);
        return { ...test, id, duration: durations[id] ?? 0 };
      });
    this.#tests = new Map(tests.map((test) => [test.id, test]));
  }

  /** The tests wanted, or all, the quickest first: most mutants die at one of those. */
  #chosen(ids) {
    const all = ids === undefined ? [...this.#tests.values()] : ids.map((id) => this.#tests.get(id));
    return all.sort((a, b) => a.duration - b.duration);
  }
}

/** Stryker's switches, which the instrumented sources look at. */
globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {};
const stryker = globalThis[INSTRUMENTER_CONSTANTS.NAMESPACE];

/** An error that nobody waits for would end the process; here it fails the test that runs. */
let stray;
for (const event of ['unhandledRejection', 'uncaughtException']) {
  process.on(event, (error) => {
    stray = error;
  });
}

/** Runs one test: how long it took in milliseconds, and the message of its failure, if it failed. */
async function attempt(test) {
  const start = performance.now();
  stray = undefined;
  let failure;
  try {
    await test.run();
    failure = stray;
  } catch (error) {
    failure = error;
  }
  return {
    duration: performance.now() - start,
    failure: failure === undefined ? undefined : String(failure?.message ?? failure),
  };
}

function resultOf({ id, name, fileName, line, duration }, failure) {
  const common = { id, name, fileName, startPosition: { line: line - 1, column: 0 }, timeSpentMs: duration };
  return failure === undefined
    ? { ...common, status: TestStatus.Success }
    : { ...common, status: TestStatus.Failed, failureMessage: failure };
}

function killed(killedBy, failureMessage, nrOfTests) {
  return { status: MutantRunStatus.Killed, killedBy, failureMessage, nrOfTests };
}

function readDurations(tree) {
  try {
    return JSON.parse(readFileSync(join(tree, durationsFile), 'utf8'));
  } catch {
    return {}; // the dry run has still to write it
  }
}

/** Within the copy `vitest` is the shim, and core is the copy's: the links in node_modules still lead to the unchanged sources. */
function replaceModules(tree) {
  const core = `${pathToFileURL(tree).href}/packages/core/src`;
  const replaced = new Map([
    ['vitest', shim],
    ['@pqtun/core', `${core}/index.ts`],
    ['@pqtun/core/node', `${core}/crypto/node.ts`],
    ['@pqtun/core/noble', `${core}/crypto/noble.ts`],
  ]);
  registerHooks({
    resolve(specifier, context, next) {
      const url = context.parentURL === shim ? undefined : replaced.get(specifier);
      return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
    },
  });
}

/* A mutant is dead at the first counterexample; to look for the smallest one costs seconds. */
configureGlobal({ endOnFailure: true });

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, 'in-process', InProcessRunner)];
