/** That the fuzzer finds: faults planted in small targets, each within so many executions; blind it does not. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { Fuzzer, type FuzzerOptions } from './fuzzer.ts';
import { instrument } from './instrument.ts';
import { ascii, type FuzzTarget } from './target.ts';

/** Millions of executions, which a busy machine draws out. */
vi.setConfig({ testTimeout: 240_000 });

const toys = join(dirname(fileURLToPath(import.meta.url)), 'toys');

/** Instruments one module of `toys` and loads it past the test runner. */
async function load(file: string): Promise<Record<string, (input: Uint8Array) => unknown>> {
  const path = join(toys, file);
  const source = instrument(readFileSync(path, 'utf8'), path);
  return await import(`data:text/javascript;base64,${Buffer.from(source).toString('base64')}`);
}

async function toy(
  file: string,
  name: string,
  seeds: Uint8Array[] = [new Uint8Array(16)],
): Promise<FuzzTarget> {
  const run = (await load(file))[name];
  if (run === undefined) throw new Error(`no ${name} in ${file}`);
  return { name, about: 'a planted fault', maxLength: 64, executions: 0, seeds, dictionary: [], run };
}

/** Fuzzes until something is found or `most` executions are over. */
function fuzz(target: FuzzTarget, most: number, options: Partial<FuzzerOptions> = {}): Fuzzer {
  const fuzzer = new Fuzzer(target, { seed: 1, ...options });
  while (fuzzer.executions < most && fuzzer.findings.length === 0) fuzzer.step(most);
  return fuzzer;
}

describe('a fault behind four nested comparisons of a byte', () => {
  it.each([1, 2, 3])('is found within 20,000 executions, seed %i, and made four bytes long', async (seed) => {
    const fuzzer = fuzz(await toy('nested-magic.ts', 'nestedMagic'), 20_000, { seed });
    expect(fuzzer.findings.map(({ failure }) => failure.signature)).toEqual([
      'throw Error: found the nested magic in nestedMagic',
    ]);
    expect(fuzzer.findings[0]?.minimised).toEqual(Uint8Array.of(0xca, 0x3d, 0x91, 0x07));
  });

  it('is not found blindly within 100,000', async () => {
    const fuzzer = fuzz(await toy('nested-magic.ts', 'nestedMagic'), 100_000, { guided: false });
    expect(fuzzer.executions).toBe(100_000);
    expect(fuzzer.findings).toEqual([]);
  });
});

describe('a fault behind one comparison of 32 bits', () => {
  it('is found within 20,000 executions, because comparisons are looked into', async () => {
    const fuzzer = fuzz(await toy('wide-magic.ts', 'wideMagic'), 20_000);
    expect(fuzzer.findings).toHaveLength(1);
    expect(fuzzer.findings[0]?.minimised.subarray(8)).toEqual(Uint8Array.of(0xef, 0xbe, 0xad, 0xde));
  });

  it('is not found blindly within 100,000', async () => {
    expect(fuzz(await toy('wide-magic.ts', 'wideMagic'), 100_000, { guided: false }).findings).toEqual([]);
  });
});

describe('a read one byte behind the end', () => {
  it('is found within 20,000 executions and made as short as it can be', async () => {
    const fuzzer = fuzz(await toy('off-by-one.ts', 'sumOfItems'), 20_000);
    expect(fuzzer.findings[0]?.failure.signature).toBe('throw RangeError: read behind the end in byteAt');
    const { minimised } = fuzzer.findings[0] ?? {};
    expect(minimised?.length).toBe(minimised?.[0]); // one item, one byte too long
  });
});

describe('a loop without end', () => {
  it('is found by its steps within 50,000 executions', async () => {
    const fuzzer = fuzz(await toy('endless-loop.ts', 'records'), 50_000);
    expect(fuzzer.findings.map(({ failure }) => failure.kind)).toEqual(['endless']);
    expect(fuzzer.findings[0]?.minimised[0]).toBe(0x7e);
  });

  it('in code that cannot be instrumented is ended by the clock', async () => {
    const letters = ascii('abc'.repeat(20));
    const target = await toy('endless-loop.ts', 'backtracks', [letters]);
    const fuzzer = new Fuzzer(target, { seed: 1, stuckAfter: 1_000 });
    fuzzer.step(2);
    expect(fuzzer.findings.map(({ failure }) => failure.signature)).toEqual(['endless']);
    expect(fuzzer.findings[0]?.input).toEqual(letters);
  });
});

describe('the same seed and number of executions', () => {
  it('give the same inputs in the same order, another seed others', async () => {
    const inputsOf = async (seed: number) => {
      const target = await toy('nested-magic.ts', 'nestedMagic');
      const hash = createHash('sha256');
      const watched = {
        ...target,
        run(input: Uint8Array): void {
          hash.update(input).update('|');
          if (input[3] !== 0x07) target.run(input); // past the planted fault
        },
      };
      fuzz(watched, 3_000, { seed });
      return hash.digest('hex');
    };
    const first = await inputsOf(5);
    expect(await inputsOf(5)).toBe(first);
    expect(await inputsOf(6)).not.toBe(first);
  });
});
