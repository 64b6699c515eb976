/** Calls the addon as the package never would: whatever comes, it throws or works, and is there afterwards. Run by binding.test.ts. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { loadBinding } from '../binding.ts';
import { udpRecordLayout } from '../udp-record.ts';

const binding = loadBinding();
// The cast forgets the types on purpose: wrong arguments are the point.
const calls = binding as unknown as Record<string, (...values: unknown[]) => unknown>;
/** All of addon.cc, but what would harden this very process. */
const names = Object.keys(binding).filter(
  (name) => typeof calls[name] === 'function' && !/^forbid|Capture$/.test(name),
);

export const scenarios = {
  foreignHandles() {
    const timer = binding.openBootTimer();
    for (const handle of [{}, timer, undefined, null, 7, 'handle', () => {}, Object.create(timer)]) {
      assert.throws(() => calls['udpClose']?.(handle), { name: 'TypeError', message: /^handle must be/ });
      assert.throws(() => calls['udpSend']?.(handle, new Uint8Array(0), []), TypeError);
    }
    binding.bootTimerClose(timer);
  },

  async anyArguments() {
    const ip = new Uint8Array(0);
    const handles = [
      binding.openTun('fuzz%d', false, -1, 0, 0, 4),
      binding.openUdp(4, ip, 0, 0, -1, 0, 0, 0, 0, 3, 4, 100),
      binding.openUdp(6, ip, 0, 0, -1, 0, 0, 0, 0, 3, 4, 100),
      binding.openBootTimer(),
      binding.openRecordCipher('evp', new Uint8Array(32)),
    ];
    const records = fc.uint8Array({ minLength: 0, maxLength: 4 * udpRecordLayout.size });
    const bytes = fc.uint8Array({ maxLength: 200 });
    const number = fc.oneof(
      fc.integer({ min: -3, max: 300 }),
      fc.double(),
      fc.constantFrom(2 ** 31, 2 ** 32, -(2 ** 31)),
    );
    const argument = fc.oneof(
      fc.constantFrom(...handles),
      number,
      bytes,
      records,
      fc.array(bytes, { maxLength: 6 }),
      fc.constantFrom<unknown>(
        undefined,
        null,
        true,
        'name',
        () => {},
        {},
        new Float64Array(3),
        new DataView(new ArrayBuffer(4)),
      ),
    );
    const anything = fc.record({
      name: fc.constantFrom(...names),
      values: fc.array(argument, { maxLength: 13 }),
    });
    // Shaped well enough to reach the kernel, with records that say anything.
    const views = fc.array(bytes, { maxLength: 5 });
    const shaped = fc.oneof(
      fc.record({
        name: fc.constant('udpSend'),
        values: fc.tuple(fc.constantFrom(...handles), sensible(records), views),
      }),
      fc.record({
        name: fc.constantFrom('sealRecords', 'openRecords'),
        values: fc.tuple(
          fc.constantFrom(...handles),
          fc.uint8Array({ maxLength: 300 }),
          somePlaces,
          fc.uint8Array({ minLength: 2, maxLength: 2 }),
        ),
      }),
      fc.record({ name: fc.constant('tunWrite'), values: fc.tuple(fc.constantFrom(...handles), views) }),
    );
    const call: fc.Arbitrary<{ name: string; values: unknown[] }> = fc.oneof(anything, shaped);
    let thrown = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (sequence) => {
        for (const { name, values } of sequence) {
          try {
            calls[name]?.(...values);
          } catch (error) {
            assert.ok(error instanceof Error, name);
            thrown += 1;
          }
        }
        await new Promise(setImmediate);
      }),
      { numRuns: 300, seed: 20_261_125 },
    );
    assert.ok(thrown > 100);
    assert.ok(binding.bootTime() > 0);
    // A started one would keep the process.
    setImmediate(() => process.exit());
  },
};

/** Two places, some of which lie in a memory of 300 B. */
const somePlaces = fc
  .tuple(fc.nat(120), fc.nat(120), fc.nat(200), fc.nat(200), fc.boolean())
  .map(([first, length, second, other, isAligned]) => {
    const bytes = new Uint8Array(33);
    const places = bytes.subarray(isAligned ? 0 : 1).subarray(0, 32);
    const view = new DataView(places.buffer, places.byteOffset, 32);
    for (const [i, word] of [first, length, 0, 0, second, other].entries()) view.setUint32(i * 4, word, true);
    return places;
  });

/** Lengths of addresses are legal in half of the records, so that some are taken. */
function sensible(records: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const { size, ipLength, localIpLength, port } = udpRecordLayout;
  return fc
    .tuple(records, fc.boolean(), fc.constantFrom(4, 16), fc.boolean())
    .map(([bytes, legal, length, local]) => {
      for (let record = 0; legal && record + size <= bytes.length; record += size) {
        bytes[record + ipLength] = length;
        bytes[record + localIpLength] = local ? length : 0;
        bytes.fill(0, record + port + 2, record + port + 4);
      }
      return bytes;
    });
}
