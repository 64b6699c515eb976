/** docs/arm64.md is made of what was counted and of nothing else, and its sizes follow from that by the formula it prints. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { documentFile, documentOf } from './document.ts';
import { differences, type Instructions, instructionsOf, readInstructions, rowIds } from './instructions.ts';
import { boards, handshakesPerSecond, loads, sizeOf } from './sizing.ts';

const instructions = readInstructions();
const arm64 = (id: string): number => instructionsOf(instructions, id, 'arm64');

describe('docs/arm64.md', () => {
  it('is what the counts make of it (else: npm run count:arm64 -- --write-docs)', () => {
    expect(readFileSync(documentFile, 'utf8')).toBe(documentOf(instructions));
  });

  it('has counts of everything, and none that nobody knows of', () => {
    expect(Object.keys(instructions.rows)).toEqual(rowIds());
  });
});

describe('the counts', () => {
  it('grow with the record, and opening costs what sealing does', () => {
    for (const engine of ['evp', 'raw']) {
      const seal = (length: number): number => arm64(`records/seal/${engine}/${length}/48`);
      expect(seal(9000) / seal(1280)).toBeGreaterThan(5);
      expect(seal(1420)).toBeGreaterThan(seal(128));
      for (const length of [128, 1420, 9000])
        expect(Math.abs(arm64(`records/open/${engine}/${length}/48`) / seal(length) - 1)).toBeLessThan(0.04);
    }
  });

  it('of the plane are more than those of its cipher, and not by much in super-frames', () => {
    const cipher = arm64('records/seal/raw/1420/48');
    const all = arm64('plane/send/bulk');
    expect(all).toBeGreaterThan(cipher);
    expect(all).toBeLessThan(1.25 * cipher);
  });
});

describe('a new count', () => {
  const withRow = (id: string, arm64: number | null): Instructions => ({
    ...instructions,
    rows: { [id]: { x64: instructions.rows[id]?.x64 ?? null, arm64 } },
  });

  it('is as the old one within 3 % for records, and 15 % for packets', () => {
    expect(differences(instructions, instructions)).toEqual([]);
    for (const [id, tolerance] of [
      ['records/seal/raw/1420/48', 0.03],
      ['plane/send/bulk', 0.15],
    ] as const) {
      expect(differences(instructions, withRow(id, arm64(id) * (1 + 0.99 * tolerance)))).toEqual([]);
      expect(differences(instructions, withRow(id, arm64(id) * (1 - 0.99 * tolerance)))).toEqual([]);
      expect(differences(instructions, withRow(id, arm64(id) * (1 + 1.01 * tolerance)))).toHaveLength(1);
      expect(differences(instructions, withRow(id, arm64(id) * (1 - 1.01 * tolerance)))).toHaveLength(1);
    }
  });

  it('that lacks a row, or has one more, is not', () => {
    expect(differences(instructions, withRow('records/seal/raw/1420/48', null))[0]).toContain(
      'null instructions',
    );
    expect(differences(instructions, withRow('records/seal/multibuffer/1420/48', 1))[0]).toContain(
      'not null',
    );
  });
});

describe('the sizing sheet', () => {
  it('gives a Cortex-A53 at 1.2 GHz what the formula gives by hand', () => {
    const [board] = boards;
    const [load] = loads;
    if (board?.core !== 'Cortex-A53' || load?.name !== 'bulk') throw new Error('they stand first');
    const perByte = (arm64('records/seal/raw/9000/48') - arm64('records/seal/raw/1420/48')) / 7580;
    const cipherPerCycle = perByte / 6.19; // 4.72 + 1.47 cycles a byte
    const cycles = (verb: string, direction: string): number => {
      const cipher = arm64(`records/${verb}/raw/1420/48`);
      return cipher / cipherPerCycle + (arm64(`plane/${direction}/bulk`) - cipher + 6000) / 0.6;
    };
    const most = Math.max(cycles('seal', 'send'), cycles('open', 'receive'));
    const size = sizeOf(instructions, board, load);
    expect(size.cyclesPerPacket).toBeCloseTo(most, 6);
    expect(size.megabits).toBeCloseTo((1.2e9 / most) * 1420 * 8e-6, 6);
    expect(handshakesPerSecond(instructions, board)).toBeCloseTo(
      (1.2e9 * 0.6) / arm64('handshake/node/1/responder'),
      6,
    );
  });

  it('gives a faster board more, and smaller packets less', () => {
    for (const load of loads) {
      const all = boards.map((board) => sizeOf(instructions, board, load).megabits);
      expect(all).toEqual([...all].sort((x, y) => x - y));
    }
    for (const board of boards) {
      const [bulk = 0, alone = 0, small = 0] = loads.map(
        (load) => sizeOf(instructions, board, load).megabits,
      );
      expect(bulk).toBeGreaterThan(alone);
      expect(alone).toBeGreaterThan(small);
    }
  });
});
