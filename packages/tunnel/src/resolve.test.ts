import { describe, expect, test } from 'vitest';
import { type Lookup, literalEndpoint, Resolver, refreshAfter, retryAfter } from './resolve.ts';

/** A resolver on a clock and a name service of ours. `settle` lets what was answered arrive. */
function resolver(answers: (host: string) => readonly string[]) {
  const seen: string[] = [];
  const asked: string[] = [];
  const state = { now: 0, scheduled: [] as { run: () => void; at: number }[] };
  const lookup: Lookup = async (host) => {
    asked.push(host);
    const found = answers(host);
    if (found.length === 0) throw Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
    return found;
  };
  const names = new Resolver({
    lookup,
    now: () => state.now,
    onResolved: (key, { ip, port }) => seen.push(`${key} ${ip.join('.')}:${port}`),
    onUnresolved: (key, host) => seen.push(`${key} ${host}?`),
    schedule: (run, delay) => {
      const entry = { run, at: state.now + delay };
      state.scheduled.push(entry);
      return { close: () => state.scheduled.splice(state.scheduled.indexOf(entry), 1) };
    },
  });
  const settle = () => new Promise(setImmediate);
  const wait = async (span: number): Promise<void> => {
    state.now += span;
    for (const entry of state.scheduled.filter(({ at }) => at <= state.now)) {
      state.scheduled.splice(state.scheduled.indexOf(entry), 1);
      entry.run();
    }
    await settle();
  };
  return { names, seen, asked, state, settle, wait };
}

describe('an endpoint by name', () => {
  test('is looked up at once', async () => {
    const { names, seen, settle } = resolver(() => ['192.0.2.1']);
    names.watch('a', { host: 'hub.example', port: 7 });
    await settle();
    expect(seen).toEqual(['a 192.0.2.1:7']);
  });

  test('is tried again while it fails, less and less often, and told each time', async () => {
    let answers: string[] = [];
    const { names, seen, settle, wait, asked } = resolver(() => answers);
    names.watch('a', { host: 'hub.example', port: 7 });
    await settle();
    for (const delay of [...retryAfter, retryAfter.at(-1) ?? 0]) {
      const before = asked.length;
      await wait(delay - 1);
      names.refresh('a'); // does not hurry it
      await settle();
      expect(asked.length).toBe(before);
      await wait(1);
      expect(asked.length).toBe(before + 1);
    }
    expect(new Set(seen)).toEqual(new Set(['a hub.example?']));
    answers = ['192.0.2.9'];
    await wait(retryAfter.at(-1) ?? 0);
    expect(seen.at(-1)).toBe('a 192.0.2.9:7');
  });

  test('is looked up again when the path is stale, at most every 20 s', async () => {
    let answer = '192.0.2.1';
    const { names, seen, settle, state } = resolver(() => [answer]);
    names.watch('a', { host: 'hub.example', port: 7 });
    await settle();
    answer = '192.0.2.2';
    state.now = refreshAfter - 1;
    names.refresh('a');
    await settle();
    expect(seen).toHaveLength(1);
    state.now = refreshAfter;
    names.refresh('a');
    await settle();
    expect(seen.at(-1)).toBe('a 192.0.2.2:7');
  });

  test('with several addresses gives the next one each time, and none twice in a row', async () => {
    const list = ['192.0.2.1', '192.0.2.2', '2001:db8::1'];
    const { names, seen, settle, state } = resolver(() => list);
    names.watch('a', { host: 'hub.example', port: 7 });
    for (let i = 0; i < 4; i++) {
      await settle();
      state.now += refreshAfter;
      names.refresh('a');
    }
    expect(seen.map((line) => line.split(' ')[1]?.split('.').length)).toEqual([4, 4, 16, 4]);
    expect(seen[3]).toBe(seen[0]);
  });

  test('forgotten or replaced meanwhile has no effect', async () => {
    const { names, seen, settle } = resolver((host) => (host === 'new' ? ['192.0.2.2'] : ['192.0.2.1']));
    names.watch('a', { host: 'old', port: 1 });
    names.watch('a', { host: 'new', port: 1 });
    names.watch('b', { host: 'old', port: 1 });
    names.forget('b');
    names.watch('c', { host: 'old', port: 1 });
    await settle();
    names.clear();
    await settle();
    expect(seen.filter((line) => !line.startsWith('c'))).toEqual(['a 192.0.2.2:1']);
  });

  test('of many is looked up two at a time', async () => {
    let running = 0;
    let most = 0;
    const names = new Resolver({
      lookup: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise(setImmediate);
        running -= 1;
        return ['192.0.2.1'];
      },
      now: () => 0,
      onResolved: () => {
        resolved += 1;
        if (resolved === 20) done();
      },
      onUnresolved: () => undefined,
    });
    let resolved = 0;
    let done: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let i = 0; i < 20; i++) names.watch(`${i}`, { host: 'h', port: 1 });
    await all;
    expect(most).toBe(2);
  });

  test('that answers rubbish counts as failed', async () => {
    const { names, seen, settle } = resolver(() => ['not an address', 'fe80::1%nowhere']);
    names.watch('a', { host: 'hub.example', port: 7 });
    await settle();
    expect(seen).toEqual(['a hub.example?']);
  });
});

describe('an endpoint by address', () => {
  test('needs no look-up', () => {
    expect(literalEndpoint({ host: '192.0.2.1', port: 7 })).toEqual({
      ip: Uint8Array.of(192, 0, 2, 1),
      port: 7,
      scope: 0,
    });
    expect(literalEndpoint({ host: '::ffff:192.0.2.1', port: 7 })?.ip).toEqual(Uint8Array.of(192, 0, 2, 1));
    expect(literalEndpoint({ host: 'fe80::1%3', port: 7 })?.scope).toBe(3);
    expect(literalEndpoint({ host: 'localhost', port: 7 })).toBeUndefined();
  });
});
