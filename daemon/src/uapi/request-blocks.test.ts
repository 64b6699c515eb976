import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxLineLength, maxRequestLength, RequestBlocks } from './request-blocks.ts';

const text = (line: Uint8Array) => Buffer.from(line).toString('latin1');
const line = fc
  .string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 30 })
  .map((s) => s.replaceAll('\n', ' '));

describe('UAPI requests', () => {
  it('come out whole however the bytes are cut, and the chunks are wiped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
        (requests, sizes) => {
          const whole = Buffer.from(requests.map((lines) => `\n${lines.join('\n')}\n\n`).join(''), 'latin1');
          const blocks = new RequestBlocks();
          const out: string[][] = [];
          for (let at = 0; at < whole.length; ) {
            const chunk = Buffer.from(whole.subarray(at, at + (sizes.next().value ?? 1)));
            at += chunk.length;
            out.push(...(blocks.push(chunk) ?? []).map((block) => block.map(text)));
            expect(chunk.every((byte) => byte === 0)).toBe(true);
          }
          expect(out).toEqual(requests);
          expect(blocks.pending).toBe(false);
        },
      ),
    );
  });

  it('have lines up to a limit, and not a byte more', () => {
    expect(new RequestBlocks().push(Buffer.from(`${'x'.repeat(maxLineLength)}\n\n`))).toHaveLength(1);
    expect(new RequestBlocks().push(Buffer.from(`${'x'.repeat(maxLineLength + 1)}\n\n`))).toBeUndefined();
    expect(new RequestBlocks().push(Buffer.from('x'.repeat(maxLineLength + 1)))).toBeUndefined();
  });

  it('are up to a limit long, and not a byte more', () => {
    const lines = Buffer.from(`${'x'.repeat(1023)}\n`.repeat(maxRequestLength / 1024 - 1));
    const rest = `${'x'.repeat(1022)}\n\n`; // to the last byte
    const [a, b] = [new RequestBlocks(), new RequestBlocks()];
    expect([a.push(Buffer.from(lines)), b.push(Buffer.from(lines))]).toEqual([[], []]);
    expect(a.push(Buffer.from(rest))).toHaveLength(1);
    expect(b.push(Buffer.from(`x${rest}`))).toBeUndefined();
  });

  it('are counted anew after each', () => {
    const blocks = new RequestBlocks();
    const half = `${`${'x'.repeat(1023)}\n`.repeat(maxRequestLength / 2048)}\n`;
    for (let n = 0; n < 4; n++) expect(blocks.push(Buffer.from(half))).toHaveLength(1);
    for (let n = 0; n < 4; n++) expect(blocks.push(Buffer.from('\n'.repeat(1000)))).toEqual([]);
  });

  it('that are unfinished are wiped', () => {
    const blocks = new RequestBlocks();
    blocks.push(Buffer.from('set=1\nprivate_key=00'));
    expect(blocks.pending).toBe(true);
    blocks.clear();
    expect(blocks.pending).toBe(false);
    expect(blocks.push(Buffer.from('get=1\n\n'))?.map((block) => block.map(text))).toEqual([['get=1']]);
  });
});
