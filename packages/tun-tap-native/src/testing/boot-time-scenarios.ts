/** In a time namespace whose clock has run on for longer than the machine was awake, as after a sleep. Run by boot-timer.test.ts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { bootTime, openBootTimer } from '../index.ts';

const uptime = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
const monotonic = (): number => Number(process.hrtime.bigint()) / 1e9;

export const scenarios = {
  async slept() {
    assert(uptime() - monotonic() > 90_000, 'this namespace has not slept');
    const [low, now, high] = [uptime(), bootTime() / 1000, uptime()];
    // /proc/uptime is cut to hundredths.
    assert(now >= low - 0.011 && now <= high + 0.011, `${now} is not between ${low} and ${high}`);
    const { promise, resolve } = Promise.withResolvers<void>();
    using timer = openBootTimer(resolve);
    timer.arm(bootTime() + 5);
    await promise;
  },
};
