import { describe, expect, it } from 'vitest';
import { openTun } from './index.ts';
import { runScenario, whyNoTun } from './testing/scenario.ts';

const reason = whyNoTun();

function passes(name: string): void {
  const { status, stderr } = runScenario('tun-scenarios.ts', name);
  expect(stderr).toBe('');
  expect(status).toBe(0);
}

describe.skipIf(reason !== undefined)(reason === undefined ? 'a TUN' : `a TUN (skipped: ${reason})`, () => {
  it('carries a ping in and its answer out', () => passes('bothWays'));
  it('leaves the promised room around each packet, and to each its own', () => passes('rooms'));
  it('hands over more packets than a batch holds in order, and lets the loop run in between', () =>
    passes('manyBatches'));
  it('takes a batch of one', () => passes('smallBatch'));
  it('never cuts a packet short, also when the MTU was raised after the start', () => passes('raisedMtu'));
  it('writes what the kernel takes and counts what it refuses', () => passes('refusedWrites'));
  it('may be closed in its own callback, and the packets stay readable', () => passes('closeInCallback'));
  it('may be closed twice, and then says EBADF', () => passes('closed'));
  it('loses nothing between stop and start', () => passes('stopAndStart'));
  it('reports a deleted device once', () => passes('deleted'));
  it('is a TAP when asked, with Ethernet frames', () => passes('tap'));
  it('adopts a descriptor', () => passes('adopted'));
  it('leaves a descriptor that is no TUN to its owner', () => passes('adoptedRefused'));
  it('has the name that was asked for, and refuses one in use', () => passes('names'));
  it('is reached by link-local addresses with a scope', () => passes('linkLocalScope'));
  it('gets what the mark of a socket routes to it', () => passes('marks'));
  it('gets whole packets with DF, or fragments, as the path MTU discovery of a socket says', () =>
    passes('pathMtu'));
  it('leaves no descriptor and no interface after 250 rounds', () => passes('manyRounds'));
});

describe('openTun refuses', () => {
  const cases: [string, unknown, typeof TypeError | typeof RangeError, string][] = [
    ['an option that is no object', 7, TypeError, 'options must be an object'],
    ['an unknown kind', { kind: 'tan' }, RangeError, 'options.kind'],
    ['a name that is no string', { name: 5 }, TypeError, 'options.name'],
    ['an empty name', { name: '' }, RangeError, 'options.name'],
    ['a name of 16 letters', { name: 'sixteen_letters_' }, RangeError, 'options.name'],
    ['a name with a slash', { name: 'a/b' }, RangeError, 'options.name'],
    ['a name with another format than %d', { name: 'a%s' }, RangeError, 'options.name'],
    ['a name with two %d', { name: 'a%d%d' }, RangeError, 'options.name'],
    ['a negative descriptor', { fd: -2 }, RangeError, 'options.fd'],
    ['a fraction of a descriptor', { fd: 1.5 }, RangeError, 'options.fd'],
    ['a headroom of 257', { headroom: 257 }, RangeError, 'options.headroom'],
    ['a tailroom below 0', { tailroom: -1 }, RangeError, 'options.tailroom'],
    ['a tailroom as text', { tailroom: '16' }, TypeError, 'options.tailroom'],
    ['a batch of 0', { batch: 0 }, RangeError, 'options.batch'],
    ['a batch of 257', { batch: 257 }, RangeError, 'options.batch'],
    ['a batch that is no number', { batch: Number.NaN }, RangeError, 'options.batch'],
  ];
  it.each(cases)('%s', (_, options, type, name) => {
    // The cast gives wrong types to the checks, which is what is tested.
    const open = () => openTun(options as never);
    expect(open).toThrow(type);
    expect(open).toThrow(name);
  });
});
