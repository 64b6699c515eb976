import { instant, limits } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { delayBounds, LoopDelay, measureAfter } from './loop-delay.ts';

function loop() {
  let now = 0;
  const due: { run: () => void; at: number }[] = [];
  const measured: number[] = [];
  const clock = { now: () => instant(now), timer: () => ({ arm: () => undefined, close: () => undefined }) };
  const delay = new LoopDelay(
    clock,
    (milliseconds) => measured.push(milliseconds),
    (run, wait) => {
      const entry = { run, at: now + wait };
      due.push(entry);
      return { close: () => due.splice(due.indexOf(entry), 1) };
    },
  );
  /** Lets the timer under way fire `late` ms late. */
  const fire = (late: number): void => {
    const entry = due.shift();
    if (entry === undefined) throw new Error('nothing is measured');
    now = entry.at + late;
    entry.run();
  };
  return { delay, measured, due, fire };
}

describe('the event-loop delay', () => {
  test('is measured after input, one measurement at a time, and not while idle', () => {
    const { delay, due, fire, measured } = loop();
    expect(due).toEqual([]);
    for (let i = 0; i < 10; i++) delay.onInput();
    expect(due.map(({ at }) => at)).toEqual([measureAfter]);
    fire(0);
    expect([measured, due]).toEqual([[0], []]);
  });

  test('is not high for one pause, nor for two, but for three late timers in five', () => {
    const { delay, fire, measured } = loop();
    for (const late of [0, 400, 0, 400, 1]) {
      delay.onInput();
      fire(late);
    }
    expect(Math.max(...measured)).toBeLessThan(limits.loadLoopDelay);
    delay.onInput();
    fire(300);
    expect(measured.at(-1)).toBe(300);
  });

  test('is counted by how late it was, at a bound and above it', () => {
    const { delay, fire } = loop();
    const at = (milliseconds: number): number => (delayBounds as readonly number[]).indexOf(milliseconds);
    for (const late of [0, 1, 20, 21, 50, 1000, 1001]) {
      delay.onInput();
      fire(late);
    }
    const expected = new Array(delayBounds.length + 1).fill(0);
    for (const [index, count] of [
      [at(1), 2],
      [at(20), 1],
      [at(50), 2],
      [at(1000), 1],
      [delayBounds.length, 1],
    ] as const)
      expected[index] = count;
    expect(delay.counts).toEqual(expected);
  });

  test('is measured on, without input, until the loop is on time again', () => {
    const { delay, due, fire, measured } = loop();
    for (let i = 0; i < 5; i++) {
      delay.onInput();
      fire(50);
    }
    let further = 0;
    for (; due.length > 0 && further < 10; further++) fire(0);
    expect(further).toBe(3);
    expect(measured.at(-1)).toBe(0);
  });

  test('is measured no more after close', () => {
    const { delay, due } = loop();
    delay.onInput();
    delay.close();
    delay.onInput();
    expect(due).toEqual([]);
  });
});
