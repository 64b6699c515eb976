import { describe, expect, it } from 'vitest';
import type { Row } from '../result.ts';
import type { Context } from '../section.ts';
import { rekeySection } from './rekey.ts';

const handshakeRow = (name: string, rounds: number[]): Row => ({
  id: `handshake/${name}/whole/node`,
  section: 'handshake',
  title: 'whole handshake',
  unit: 'ms',
  better: 'less',
  median: rounds[0] ?? 0,
  rounds,
  labels: {},
});

function contextOf(rows: readonly Row[], signal = new AbortController().signal): Context {
  return {
    options: { sections: ['rekey'], quick: true, rounds: 3, daemonCommand: '/nonexistent' },
    rows,
    signal,
    measure: () => Promise.reject(new Error('nothing is timed by the harness')),
    progress: () => undefined,
  };
}

const found = await rekeySection.run(
  contextOf([handshakeRow('ml-kem-768', [2, 4, 3]), handshakeRow('ml-kem-1024', [5, 5, 5])]),
);
const rowOf = (id: string): Row => {
  const row = found.rows.find((each) => each.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return row;
};

describe('the cost of keeping a tunnel alive', () => {
  it('has a row for each profile, use, figure, program and variant, each named once', () => {
    const ids = found.rows.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const profile of ['standard', 'metered'])
      for (const use of ['idle', 'busy'])
        for (const program of ['pqtun', 'wireguard'])
          for (const what of ['bytes', 'month', 'cpu'])
            expect(ids).toContain(`rekey/${profile}/${use}/${what}/${program}`);
    expect(found.missing ?? []).toEqual([]);
  });

  it('of WireGuard’s messages is what its sizes and 120 s say: 148 + 92 + 32 B and three headers, 86,400 ÷ 120.05 times a day', () => {
    const row = rowOf('rekey/standard/busy/bytes/wireguard');
    expect(row.median).toBeCloseTo(((148 + 92 + 32 + 3 * 28) * (86_400 / 120.05)) / 1024, 9);
    expect(row.unit).toBe('KiB/day');
    expect(row.formula).not.toContain('not counted'); // WireGuard looks for no paths
    expect(rowOf('rekey/standard/busy/bytes/pqtun').formula).toContain('not counted');
    expect(rowOf('rekey/standard/busy/bytes/wireguard/ipv6').median).toBeCloseTo(
      ((148 + 92 + 32 + 3 * 48) * (86_400 / 120.05)) / 1024,
      9,
    );
  });

  it('of an idle hybrid tunnel is five probes and answers and a handshake every 125.25 s; a month has thirty such days', () => {
    const aDay = ((2 * 1230 + 2 * 1156 + 4 * 28 + 10 * (48 + 28) + 60) * 86_400) / 125.25;
    const row = rowOf('rekey/standard/idle/bytes/pqtun');
    expect(row.median).toBeCloseTo(aDay / 1024, 9);
    expect(row.formula).toBe(
      '86400 s ÷ 125.25 s × (a handshake of 1230 + 1230 + 1156 + 1156 B, 5 probes and 5 answers of 48 B, 1 keepalive of 32 B; and 28 B of IPv4 and UDP before each datagram)',
    );
    expect(rowOf('rekey/standard/idle/month/pqtun').median).toBeCloseTo((aDay * 30) / 1024 ** 2, 9);
  });

  it('is less with longer sessions, more with the larger suite, and nothing without keepalives', () => {
    expect(rowOf('rekey/metered/busy/bytes/pqtun').median).toBeLessThan(
      rowOf('rekey/standard/busy/bytes/pqtun').median / 29,
    );
    expect(rowOf('rekey/standard/busy/bytes/pqtun/ml-kem-1024').median).toBeGreaterThan(
      rowOf('rekey/standard/busy/bytes/pqtun').median,
    );
    for (const profile of ['standard', 'metered'])
      for (const program of ['pqtun', 'wireguard'])
        expect(rowOf(`rekey/${profile}/idle/bytes/${program}/no-keepalive`).rounds).toEqual([0]);
  });

  it('in CPU is the measured handshake times their number, round by round, so that results compare', () => {
    const row = rowOf('rekey/standard/busy/cpu/pqtun');
    expect(row.rounds.map((each) => each / (86_400 / 120.05))).toEqual([
      expect.closeTo(0.002, 9),
      expect.closeTo(0.004, 9),
      expect.closeTo(0.003, 9),
    ]);
    expect(row.median).toBe(row.rounds[2]);
    expect(row.formula).toContain('row handshake/ml-kem-768/whole/node');
    expect(rowOf('rekey/standard/busy/cpu/pqtun/ml-kem-1024').median).toBeCloseTo(
      0.005 * (86_400 / 120.05),
      9,
    );
  });

  it('measures what no row before it has: the classical handshake, and says so', () => {
    const row = rowOf('rekey/standard/busy/cpu/wireguard');
    expect(row.formula).toContain('measured for this row');
    expect(row.median).toBeGreaterThan(0);
    expect(row.median).toBeLessThan(60);
  });

  it('ends when it is told to', async () => {
    const stopped = new AbortController();
    stopped.abort(new Error('enough'));
    await expect(rekeySection.run(contextOf([], stopped.signal))).rejects.toThrow('enough');
  });
});
