import { describe, expect, it } from 'vitest';
import { runScenario, whyNoTun } from './testing/scenario.ts';

// Where there can be a namespace, devices take part as well.
const isolated = whyNoTun() === undefined;
const script = 'lifetime-scenarios.ts';

function passes(name: string, ...nodeFlags: string[]): void {
  const { status, stderr } = runScenario(script, name, { isolated, nodeFlags });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

describe('what is open', () => {
  it('leaves no descriptor after 1,000 rounds', () => passes('manyRounds'));
  it('is closed when it is collected', () => passes('collected', '--expose-gc'));
  it('leaves its memory to the views that are still held', () => passes('viewOutlivesSocket', '--expose-gc'));
  it('is not collected while it is started', () => passes('startedIsKept', '--expose-gc'));
  it('does not keep the process alive when idle', () => passes('idleHandlesDoNotHold'));
  it('does not trouble the exit of the process', () => {
    const { status, stderr } = runScenario(script, 'exitWithOpenHandles', { isolated });
    expect(stderr).toBe('');
    expect(status).toBe(3);
  });
});

describe('a worker', () => {
  it('may be terminated with everything open', () => passes('workerTerminated'));
  it('may exit with everything open, also in a callback, and return when all is idle', () =>
    passes('workerExits'));
  it('ends with the exception a callback threw', () => passes('workerThrows'));
  it('works beside the main thread', () => passes('workerBesideMain'));
});

describe('a callback', () => {
  it('that throws raises an uncaught exception, and reading goes on where that is handled', () =>
    passes('thrownAndCaught'));
  it('that throws ends the process where it is not', () => {
    const { status, stderr } = runScenario(script, 'thrown', { isolated });
    expect(stderr).toContain('Error: thrown in a callback');
    expect(status).toBe(1);
  });
  it('is followed by its ticks and microtasks before the next', () =>
    passes('microtasksRunAfterEachCallback'));
});
