import { uptime } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { type BootTimer, bootTime, openBootTimer } from './index.ts';
import { whyNoTimeNamespace } from './testing/namespace.ts';
import { runScenario } from './testing/scenario.ts';

const noTimeNamespace = whyNoTimeNamespace();
if (noTimeNamespace !== undefined)
  console.warn(`SKIPPED: the clock over a sleep, because ${noTimeNamespace}`);

const open: BootTimer[] = [];

function openTimer(onExpire: () => void): BootTimer {
  const timer = openBootTimer(onExpire);
  open.push(timer);
  return timer;
}

/** Resolves with `bootTime()` when a timer of its own reaches `deadline`. */
const reach = (deadline: number) =>
  new Promise<number>((resolve) => openTimer(() => resolve(bootTime())).arm(deadline));

afterEach(() => {
  for (const timer of open.splice(0)) timer.close();
});

describe('bootTime', () => {
  it('is the time since boot in milliseconds, and never goes back', () => {
    const [low, now, high] = [uptime(), bootTime() / 1000, uptime()];
    // uptime() is cut to hundredths.
    expect(now).toBeGreaterThanOrEqual(low - 0.011);
    expect(now).toBeLessThanOrEqual(high + 0.011);
    const times = Array.from({ length: 1000 }, bootTime);
    expect(times).toEqual([...times].sort((left, right) => left - right));
  });

  // A time namespace can add to the clock that runs on, and to it alone.
  it.skipIf(noTimeNamespace !== undefined)('runs on while the machine sleeps, and so do timers', () => {
    const { status, stderr } = runScenario('boot-time-scenarios.ts', 'slept', { slept: 100_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('a boot timer', () => {
  it('expires when its deadline has been reached, not before', async () => {
    for (const delay of [0.001, 0.3, 1, 2.7]) {
      const deadline = bootTime() + delay;
      expect(await reach(deadline)).toBeGreaterThanOrEqual(deadline);
    }
  });

  it.each([-1, 0, 1])('expires on the next turn for a deadline of %s, long past', async (deadline) => {
    let expired = false;
    const timer = openTimer(() => {
      expired = true;
    });
    timer.arm(deadline);
    // Never within the call.
    expect(expired).toBe(false);
    await reach(0);
    await new Promise(setImmediate);
    expect(expired).toBe(true);
  });

  it('expires in the order of the deadlines, whatever the order of arming', async () => {
    const order: number[] = [];
    const start = bootTime() + 5;
    await Promise.all(
      [3, 1, 2, 0].map(async (index) => {
        await reach(start + 10 * index);
        order.push(index);
      }),
    );
    expect(order).toEqual([0, 1, 2, 3]);
  });

  it('keeps only the last deadline it was armed for, sooner or later', async () => {
    let calls = 0;
    const timer = openTimer(() => {
      calls += 1;
    });
    const now = bootTime();
    timer.arm(now + 3_600_000);
    timer.arm(now + 2);
    await reach(now + 4);
    expect(calls).toBe(1);
    timer.arm(0);
    timer.arm(now + 3_600_000);
    await reach(bootTime() + 2);
    expect(calls).toBe(1);
  });

  it('may be armed again in its callback', async () => {
    let calls = 0;
    await new Promise<void>((resolve) => {
      const timer = openTimer(() => {
        calls += 1;
        if (calls === 5) resolve();
        else timer.arm(bootTime());
      });
      timer.arm(0);
    });
    expect(calls).toBe(5);
  });

  it('is silent once disarmed or closed, even when the deadline had passed', async () => {
    const disarmed = openTimer(expect.unreachable);
    const closed = openTimer(expect.unreachable);
    for (const timer of [disarmed, closed]) timer.arm(0);
    disarmed.disarm();
    disarmed.disarm();
    closed.close();
    closed.close();
    await reach(bootTime() + 2);
    expect(() => closed.arm(0)).toThrow('EBADF');
    expect(() => closed.disarm()).not.toThrow();
  });

  it('may be closed by another that expires in the same turn', async () => {
    let calls = 0;
    const timers: BootTimer[] = [0, 1].map((index) =>
      openTimer(() => {
        calls += 1;
        timers[1 - index]?.close();
      }),
    );
    for (const timer of timers) timer.arm(0);
    await reach(bootTime() + 2);
    expect(calls).toBe(1);
  });

  it('may be closed in its own callback, and by `using`', async () => {
    await new Promise<void>((resolve) => {
      const timer = openTimer(() => {
        timer.close();
        resolve();
      });
      timer.arm(0);
    });
    using scoped = openTimer(expect.unreachable);
    scoped.arm(bootTime() + 3_600_000);
  });

  it('refuses a deadline that is no finite number, and a callback that is none', () => {
    const timer = openTimer(expect.unreachable);
    expect(() => timer.arm(Number.NaN)).toThrow(RangeError);
    expect(() => timer.arm(Number.POSITIVE_INFINITY)).toThrow('deadline must be finite');
    // The casts give wrong types to the checks, which is what is tested.
    expect(() => timer.arm('1' as never)).toThrow(TypeError);
    expect(() => openBootTimer(undefined as never)).toThrow('onExpire must be a function');
    // Further than any clock goes: armed, and silent.
    timer.arm(Number.MAX_VALUE);
  });
});
