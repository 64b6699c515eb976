import { describe, expect, it } from 'vitest';
import { numbered, parseIp, parsePrefix } from './address.ts';
import { restFor } from './clock.ts';
import { Collected, type RowHead } from './collected.ts';
import { isReady, reasonIn } from './daemon.ts';
import { parseShare, residentOf } from './resident.ts';
import { dataPathOf } from './shown.ts';

describe('addresses', () => {
  it('are read as bytes, and nothing else is', () => {
    expect(parsePrefix('192.0.2.1/24')).toEqual([Uint8Array.of(192, 0, 2, 1), 24]);
    for (const text of ['', '1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.x', 'fd00::1'])
      expect(() => parseIp(text)).toThrow(RangeError);
    for (const text of ['1.2.3.4', '1.2.3.4/', '1.2.3.4/33', '1.2.3.4/-1'])
      expect(() => parsePrefix(text)).toThrow(RangeError);
  });

  it('are numbered within their prefix', () => {
    expect([0, 1, 255, 256, 65_535].map((number) => numbered([10, 88], number))).toEqual([
      ...['10.88.0.0', '10.88.0.1', '10.88.0.255', '10.88.1.0', '10.88.255.255'],
    ]);
  });
});

describe('what a daemon says', () => {
  it('is ready, or has a reason', () => {
    expect(isReady('{"ready":true}\n')).toBe(true);
    expect(reasonIn('{"why":"port 51820: in use","exitCode":1}')).toBe('port 51820: in use');
    for (const text of ['', 'null', '[]', '{"ready":1}', '{"why":7}', '{']) {
      expect(isReady(text)).toBe(false);
      expect(reasonIn(text)).toBeUndefined();
    }
  });

  it('of its data path is plane and cipher, or unknown', () => {
    const shown = '{"interfaces":[{"interface":"pq0","plane":"native","aead":{"name":"raw","reason":null}}]}';
    expect(dataPathOf(shown)).toEqual({ plane: 'native', aead: 'raw' });
    for (const text of ['{}', '{"interfaces":[]}', '{"interfaces":[{}]}'])
      expect(dataPathOf(text)).toEqual({ plane: 'unknown', aead: 'unknown' });
  });
});

describe('memory', () => {
  // Of a Raspberry Pi 4, Linux 6.12
  const recorded = `5555d0000000-7fffe9d21000 ---p 00000000 00:00 0                          [rollup]
Rss:               84212 kB
Pss:               52224 kB
Pss_Dirty:         39824 kB
Pss_Anon:          39804 kB
Shared_Clean:      36320 kB
`;

  it('that a process has for itself is its Pss', () => {
    expect(parseShare(recorded)).toBe(51);
    expect(parseShare('')).toBeUndefined();
  });

  it('of this process is more than its share of it, and of none there is none', () => {
    const { resident, share } = residentOf(process.pid);
    expect(resident).toBeGreaterThan(10);
    expect(share).toBeLessThanOrEqual(resident * 1.5); // read one after the other
    expect(() => residentOf(2 ** 22 + 1)).toThrow(/ended/);
  });
});

describe('a rest', () => {
  it('ends at once, with the reason, when the bench is stopped', async () => {
    const stop = new AbortController();
    const reason = new Error('Ctrl-C');
    const resting = restFor(3_600, stop.signal);
    stop.abort(reason);
    await expect(resting).rejects.toBe(reason);
    await expect(restFor(3_600, stop.signal)).rejects.toBe(reason);
  });
});

describe('rows that grow round by round', () => {
  const head = (id: string): RowHead => ({ id, title: id, unit: 'ms', better: 'less', labels: {} });

  it('have the middle of their rounds, and of samples the distribution of all', () => {
    const rows = new Collected();
    for (const figure of [3, 1, 2]) rows.add(head('a'), figure);
    rows.addSamples(head('b'), [1, 2, 9]);
    rows.addSamples(head('b'), [4, 4, 4, 4]);
    const [a, b] = rows.rows('tunnel');
    expect(a).toEqual({ ...head('a'), section: 'tunnel', median: 2, rounds: [3, 1, 2] });
    expect(b).toMatchObject({ median: 3, rounds: [2, 4], samples: 7 });
    expect(b?.quantiles).toHaveLength(21);
    expect([b?.quantiles?.[0], b?.quantiles?.[10], b?.quantiles?.[20]]).toEqual([1, 4, 9]);
    expect(b?.p99).toBeCloseTo(8.7, 9); // linear between 4 and 9, at 5.94 of 0 … 6
  });
});
