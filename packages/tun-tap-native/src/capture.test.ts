import { describe, expect, it } from 'vitest';
import { titled, whyNoNamespace } from './testing/namespace.ts';
import { runScenario } from './testing/scenario.ts';

const reason = whyNoNamespace();

function passes(name: string): void {
  const { status, stderr } = runScenario('capture-scenarios.ts', name, { nodeFlags: ['--expose-gc'] });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

describe.skipIf(reason !== undefined)(titled('capture', reason), () => {
  it('sees ICMP over a veth in both directions, and which it is', () => passes('bothDirections'));
  it('sees segments unsplit and uncut', () => passes('unsplitSegments'));
  it('keeps the frames from open to start, in order over several batches', () =>
    passes('keepsFramesUntilStart'));
  it('counts what did not fit the buffer, once', () => passes('fullBuffer'));
  it('goes on when the interface was down', () => passes('downAndUp'));
  it('may be closed in its callback and again, and then says EBADF', () => passes('closeInCallback'));
  it('makes an exception of the callback an uncaught one', () => passes('callbackThrows'));
  it('throws what is wrong with the device, the arguments or the privileges', () => passes('refusals'));
  it('keeps no descriptor over a hundred rounds, nor when it is forgotten', () => passes('descriptors'));
  it('is closed with the worker or process that ends', () => passes('environments'));
});
