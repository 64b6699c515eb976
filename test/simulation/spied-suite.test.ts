import { nodeSuite } from '@pqtun/core/node';
import { expect, it } from 'vitest';
import { spiedSuite } from './spied-suite.ts';

const base = nodeSuite();

function spied() {
  const heard: unknown[][] = [];
  const made = spiedSuite(
    base,
    {
      onKey: (key, print) => heard.push(['key', key, print]),
      onSealed: (key, counter, plaintext) => heard.push(['sealed', key, counter, [...plaintext]]),
      onOpened: (key, counter) => heard.push(['opened', key, counter]),
      onWiped: (key) => heard.push(['wiped', key]),
    },
    { next: 1 },
  );
  return { ...made, heard };
}

it('tells of keys, of what they seal and open, and when they are wiped; equal keys have equal prints', () => {
  const { suite, heard } = spied();
  const secret = new Uint8Array(32).fill(7);
  const [one, two, other] = [secret, secret, new Uint8Array(32)].map((key) => suite.recordKey(key));
  const prints = heard.map(([, , print]) => print);
  expect(prints[0]).toBe(prints[1]);
  expect(prints[0]).not.toBe(prints[2]);
  heard.length = 0;
  const record = new Uint8Array(18).fill(5, 0, 2);
  one?.seal(4, record.subarray(0, 2), record);
  expect(other?.open(4, record.slice(), new Uint8Array(2))).toBe(false);
  const plaintext = new Uint8Array(2);
  expect(two?.open(4, record, plaintext)).toBe(true);
  expect(plaintext).toEqual(Uint8Array.of(5, 5));
  two?.destroy();
  expect(heard).toEqual([
    ['sealed', 1, 4, [5, 5]],
    ['opened', 2, 4],
    ['wiped', 2],
  ]);
});

it('shows nothing of a key', () => {
  const { suite, heard } = spied();
  suite.recordKey(new Uint8Array(32).fill(65));
  expect(JSON.stringify(heard)).not.toMatch(/A{8}|65,65|QUFB/);
});

it('counts ephemeral keys that live, and not the static ones', () => {
  const { suite, ephemerals } = spied();
  suite.dhPrivate(new Uint8Array(32).fill(1));
  suite.kemPrivate(1, new Uint8Array(64));
  expect(ephemerals.alive).toBe(0);
  const [dh, kem] = [suite.dhPrivate(), suite.kemPrivate(1)];
  expect(ephemerals.alive).toBe(2);
  dh.destroy();
  dh.destroy();
  expect(ephemerals.alive).toBe(1);
  kem.destroy();
  expect(ephemerals.alive).toBe(0);
});

it('draws indices where it is told to, and all else from the base', () => {
  const { suite } = spiedSuite(
    base,
    { onKey() {}, onSealed() {}, onOpened() {}, onWiped() {} },
    { next: 1 },
    () => Uint8Array.of(1, 2, 3, 4),
  );
  expect(suite.random(4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  expect(suite.random(32)).not.toEqual(suite.random(32));
});
