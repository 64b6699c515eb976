import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { Secret, secretBytes, wipe } from './secret.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('Secret', () => {
  test('lends its bytes and wipes them', () => {
    const source = bytes(1, 2, 3);
    const secret = new Secret(source);
    expect(secret.length).toBe(3);
    expect(secret.borrow()).toBe(source);
    secret.destroy();
    expect(source).toEqual(bytes(0, 0, 0));
    expect(secret.destroyed).toBe(true);
  });

  test('throws when used after it was wiped; wiping twice is harmless', () => {
    const secret = new Secret(bytes(1));
    secret.destroy();
    secret.destroy();
    const error = expect.objectContaining({ code: 'PQTUN_SECRET_DESTROYED' });
    expect(() => secret.borrow()).toThrow(error);
    expect(() => secret.length).toThrow(error);
  });

  test('a copy is independent of its source', () => {
    const source = bytes(9, 8, 7);
    const secret = Secret.copyOf(source);
    wipe(source);
    expect(secret.borrow()).toEqual(bytes(9, 8, 7));
    secret.destroy();
  });

  test('a using declaration destroys it at the end of the block', () => {
    const source = bytes(5);
    {
      using secret = new Secret(source);
      expect(secret.destroyed).toBe(false);
    }
    expect(source).toEqual(bytes(0));
  });

  test('shows nothing of itself in any text form', () => {
    const secret = new Secret(bytes(171, 205));
    const forms = [
      String(secret),
      `${secret}`,
      JSON.stringify({ secret }),
      inspect(secret),
      inspect({ deep: [secret] }, { showHidden: true }),
    ];
    for (const text of forms) {
      expect(text).toContain('[secret]');
      expect(text).not.toMatch(/171|205|ab|cd/);
    }
  });
});

test('secretBytes are zero and have a buffer of exactly their length', () => {
  for (const length of [0, 1, 32, 64, 2400]) {
    const fresh = secretBytes(length);
    expect(fresh).toEqual(new Uint8Array(length));
    expect(fresh.buffer.byteLength).toBe(length);
  }
});

test('wipe overwrites every buffer it is given and skips undefined', () => {
  const [a, b] = [bytes(1, 2), bytes(3)];
  wipe(a, undefined, b);
  expect([a, b]).toEqual([bytes(0, 0), bytes(0)]);
});
