import { describe, expect, test } from 'vitest';
import * as labels from './labels.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

describe('labels', () => {
  test('are those of protocol.md, byte for byte', () => {
    expect(text(labels.construction[1])).toBe('PqTun1_IKpsk2_25519+MLKEM768_ChaChaPoly_BLAKE2s');
    expect(text(labels.construction[2])).toBe('PqTun1_IKpsk2_25519+MLKEM1024_ChaChaPoly_BLAKE2s');
    expect(text(labels.identifier)).toBe('pqtun v1');
    expect(text(labels.idLabel)).toBe('pqtun-id');
    expect(text(labels.mac1Label)).toBe('mac1----');
    expect(text(labels.cookieLabel)).toBe('cookie--');
    expect(text(labels.responseMacLabel)).toBe('pqtun-m2');
  });

  test('differ from each other, so that no hash serves two purposes', () => {
    const all = Object.values(labels).flatMap((value) =>
      value instanceof Uint8Array ? [value] : Object.values(value),
    );
    expect(all).toHaveLength(9);
    expect(new Set(all.map(text)).size).toBe(9);
  });
});
