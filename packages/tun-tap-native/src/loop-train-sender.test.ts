import { describe, expect, it } from 'vitest';
import { titled, whyNoNamespace } from './testing/namespace.ts';
import { runScenario } from './testing/scenario.ts';

const reason = whyNoNamespace();

function passes(name: string): void {
  const { status, stderr } = runScenario('train-scenarios.ts', name);
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

describe.skipIf(reason !== undefined)(titled('a train', reason), () => {
  it('leaves as one, over IPv4 and IPv6, and arrives datagram by datagram', () => passes('asOne'));
  it('leaves as a list where there is no segmentation', () => passes('asList'));
  it('that the kernel refuses while it takes the datagrams ends segmentation, and arrives', () =>
    passes('refusedTrain'));
  it('with datagrams longer than the path ends nothing, and says how long they were', () =>
    passes('tooLong'));
  it('from an address that is not ours leaves from another, and says so', () => passes('sourceLost'));
  it('that has no way is counted once for each datagram', () => passes('unreachable'));
  it('of a family without socket or with a full one is lost without a spin', () => passes('fullSocket'));
  it('to 200 places that refuse leaves a short list', () => passes('boundedFailures'));
});
