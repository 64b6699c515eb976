/** Instrumented code does what it did before, and counts its branches. */
import { describe, expect, it } from 'vitest';
import { coverage } from './coverage.ts';
import { instrument } from './instrument.ts';

async function loaded(source: string): Promise<Record<string, (...given: unknown[]) => unknown>> {
  const code = instrument(source, '/module.ts');
  return await import(`data:text/javascript;base64,${Buffer.from(code).toString('base64')}`);
}

/** Counters that are not zero after `act`. */
function taken(act: () => unknown): string {
  coverage.reset();
  act();
  return [...coverage.map].flatMap((count, at) => (count === 0 ? [] : [`${at}:${count}`])).join(' ');
}

describe('instrumented code', () => {
  it('returns, throws, iterates and defaults as before', async () => {
    const module = await loaded(`
      export class Base { readonly #n: number; constructor(n: number) { this.#n = n; } get n(): number { return this.#n; } set n(_: number) {} }
      export class Derived extends Base { constructor() { super(2); } static s = 1 < 2; method(this: Derived): number { return this.n; } }
      export const of = (n?: number): number => n ?? 7;
      export const object = () => ({ a: 1 });
      export function kinds(x: unknown): string {
        switch (x) { case 1: return 'one'; case 'b': { return 'bee'; } default: return typeof x === 'string' ? 'text' : 'else'; }
      }
      export function sum(list: number[]): number { let s = 0; for (const x of list) if (x > 2) s += x; else s -= x; return s; }
      export function* count(n: number) { let i = 0; while (i < n) yield i++; do { yield -1; } while (false); }
      export function caught(): string { try { throw new Error('x'); } catch (error) { return (error as Error).message; } }
      export function both(a: boolean, b: () => boolean): boolean { let c = a && b(); c ||= a; return c; }
      export function looks(a: number) { label: for (let i = 0; ; i++) { for (const k in { p: 1 }) { if (k && i === a) break label; } } return a; }
      export async function later(x: Promise<number>): Promise<number> { return (await x) > 1 ? 1 : 0; }
    `);
    const at = (name: string) => module[name] ?? (() => undefined);
    const classes = module as unknown as { Derived: { new (): { method(): number }; s: boolean } }; // as written above
    expect(new classes.Derived().method()).toBe(2);
    expect(classes.Derived.s).toBe(true);
    expect([at('of')(), at('of')(3), at('object')()]).toEqual([7, 3, { a: 1 }]);
    expect([1, 'b', 'c', 2].map((x) => at('kinds')(x))).toEqual(['one', 'bee', 'text', 'else']);
    expect(at('sum')([1, 2, 3, 4])).toBe(4);
    expect([...(at('count')(2) as Iterable<number>)]).toEqual([0, 1, -1]);
    expect(at('caught')()).toBe('x');
    expect(at('both')(true, () => false)).toBe(true);
    expect(at('looks')(3)).toBe(3);
    expect(await at('later')(Promise.resolve(2))).toBe(1);
  });

  it('counts both arms of every choice apart', async () => {
    const { f } = await loaded(`
      export function f(x: number) {
        if (x > 5) x--;
        const y = x === 2 ? 1 : 2;
        return (x > 0 && y) || 0;
      }
    `);
    const ways = [0, 2, 3, 7].map((x) => taken(() => f?.(x)));
    expect(new Set(ways).size).toBe(4);
    expect(taken(() => f?.(7))).toBe(ways[3]);
  });

  it('counts how often a loop turns, up to 255', async () => {
    const { f } = await loaded('export function f(n: number) { for (let i = 0; i < n; i++); }');
    expect(taken(() => f?.(3))).toMatch(/^\d+:3 \d+:1$/);
    expect(taken(() => f?.(1000))).toMatch(/^\d+:255 \d+:1$/);
  });

  it('throws when its steps are used up', async () => {
    const { f } = await loaded('export function f() { for (;;); }');
    coverage.reset();
    expect(() => f?.()).toThrow('loop turns and calls');
    coverage.release();
  });

  it('notes what it compares when asked, and only then', async () => {
    const { f } = await loaded(`
      export function f(x: number, s: string) { switch (s) { case 'left': return 1; } return x === 77 || x < 3 || s !== 'right'; }
    `);
    expect(coverage.comparisonsOf(() => f?.(5, 'up'))).toEqual([
      { left: 'up', right: 'left' },
      { left: 5, right: 77 },
      { left: 5, right: 3 },
      { left: 'up', right: 'right' },
    ]);
  });
});
