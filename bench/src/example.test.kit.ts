/** A result as a gateway would have it: all sections, several remarks. The figures are made up, of the size real ones have. */

import { median } from './measure/statistics.ts';
import type { BenchResult, Row, SectionId, Unit } from './result.ts';

/** Repeatable chance: 0 … 1. xorshift32. */
export function chance(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Of mean 0 and deviation 1: Box and Muller. */
export function normal(next: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

const rounds = 5;

interface Given {
  readonly section: SectionId;
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly value: number;
  readonly better?: 'less' | 'more';
  readonly more?: Partial<Row>;
}

/** `factor`: what each row's figure is multiplied by, by its name. `spread`: of the rounds, in logarithms. */
export function exampleResult(
  options: { seed?: number; spread?: number; factor?: (id: string) => number; rounds?: number } = {},
): BenchResult {
  const next = chance(options.seed ?? 7);
  const spread = options.spread ?? 0.015;
  const row = ({ section, id, title, unit, value, better = 'less', more }: Given): Row => {
    const isReckoned = more?.formula !== undefined;
    const middle = value * (options.factor?.(id) ?? 1);
    const found = Array.from({ length: isReckoned ? 1 : (options.rounds ?? rounds) }, () =>
      isReckoned ? middle : Number((middle * Math.exp(spread * normal(next))).toPrecision(7)),
    );
    const isTimed = unit === 'ns' || unit === 'µs' || unit === 'ms';
    const samples = Array.from({ length: 21 }, (_, i) => {
      const tail = i === 20 ? 2.4 : i === 19 ? 1.25 : 1;
      return Number((middle * (0.95 + i * 0.006) * tail).toPrecision(7));
    });
    return {
      ...{ id, section, title, unit, better, median: median(found), rounds: found, labels: {} },
      ...(isTimed && !isReckoned
        ? { p99: samples[19] ?? 0, margin: 0.4, samples: 4_000, quantiles: samples }
        : {}),
      ...more,
    };
  };
  return {
    schema: 'pqtun-bench/1',
    begun: '2026-11-26T04:30:00.000Z',
    seconds: 101.4,
    version: '0.1.0',
    settings: {
      quick: false,
      rounds: options.rounds ?? rounds,
      sections: ['records', 'handshake', 'parts', 'tunnel', 'memory', 'rekey'],
    },
    machine: {
      cpu: 'ARM Cortex-A72 & <friends>',
      arch: 'arm64',
      cpus: 4,
      features: ['asimd', 'crc32'],
      memoryMiB: 3_794,
      board: 'Raspberry Pi 4 Model B Rev 1.4',
      governor: 'ondemand',
      throttling: 'not seen',
      kernel: '6.12.25-v8',
      system: 'Debian GNU/Linux 12 (bookworm)',
      node: '26.10.0',
      openssl: '3.5.4',
      virtualization: 'none',
      engines: [
        { name: 'noble', active: true },
        { name: 'node', active: true },
        { name: 'evp', active: true },
        { name: 'raw', active: true },
        { name: 'multibuffer', active: false, reason: 'needs AVX2, and this is arm64' },
      ],
      offloads: [
        { name: 'tso', active: true },
        { name: 'udp-gso', active: true },
        { name: 'uso', active: false, reason: 'the kernel refused it: EINVAL' },
      ],
    },
    remarks: [
      { kind: 'noisy', text: 'noisy: other programs took 14 % of the CPU time; stop them and measure again' },
    ],
    rows: [...records(), ...handshakes(), ...parts(), ...tunnels(), ...memory(), ...rekey()].map(row),
    missing: [
      {
        section: 'records',
        what: 'engine multibuffer',
        why: 'needs AVX2, and this is arm64; nothing is to be done',
      },
    ],
  };
}

const perRecord = { noble: 9_000, node: 6_500, evp: 900, raw: 640 } as const;
const perByte = { noble: 62, node: 2.2, evp: 2.1, raw: 2.05 } as const;

function records(): Given[] {
  const engines = ['noble', 'node', 'evp', 'raw'] as const;
  return (['seal', 'open'] as const).flatMap((verb) =>
    engines.flatMap((engine) =>
      [64, 128, 256, 512, 1280, 1420, 9000].map((bytes) => ({
        section: 'records' as const,
        id: `records/${verb}/${engine}/${bytes}`,
        title: `${verb} ${bytes} B, ${engine}`,
        unit: 'ns' as const,
        value: (perRecord[engine] + perByte[engine] * bytes) * (verb === 'open' ? 1.04 : 1),
        more: { bytes, batch: 64, labels: { verb, engine, bytes } },
      })),
    ),
  );
}

function handshakes(): Given[] {
  const steps = [
    ['keygen', 'initiator', 'key generation (I1)', 0.42],
    ['initiation', 'initiator', 'initiation made (I2–I8)', 0.9],
    ['initiation-opened', 'responder', 'initiation opened (I2–I7)', 1.2],
    ['response', 'responder', 'response made (R1–S1)', 1.05],
    ['response-opened', 'initiator', 'response opened (R2–S1)', 0.8],
    ['confirmation', 'responder', 'first packet opened', 0.02],
  ] as const;
  return (['ml-kem-768', 'ml-kem-1024'] as const).flatMap((suite, i) =>
    (['node', 'noble'] as const).flatMap((engine) => {
      const times = (engine === 'noble' ? 11 : 1) * (i === 0 ? 1 : 1.35);
      const sum = steps.reduce((total, [, , , each]) => total + each, 0) * times;
      return [
        ...steps.map(
          ([step, role, title, value]): Given => ({
            section: 'handshake',
            id: `handshake/${suite}/${step}/${engine}`,
            title: `${title}, ${suite}, ${engine}`,
            unit: 'ms',
            value: value * times,
            more: { labels: { suite, step, role, engine } },
          }),
        ),
        {
          section: 'handshake',
          id: `handshake/${suite}/whole/${engine}`,
          title: `the whole, ${suite}, ${engine}`,
          unit: 'ms',
          value: sum,
          more: { labels: { suite, step: 'whole', role: 'both', engine } },
        } as const,
        {
          section: 'handshake',
          id: `handshake/${suite}/rate/${engine}`,
          title: `handshakes a second, ${suite}, ${engine}`,
          unit: 'handshakes/s',
          value: 1_000 / sum,
          better: 'more',
          more: { labels: { suite, engine }, formula: '1000 / whole' },
        } as const,
      ];
    }),
  );
}

function parts(): Given[] {
  const all: readonly (readonly [string, string, string, number])[] = [
    ['replay-window', 'typescript', 'in-order', 21],
    ['allowed-ips', 'typescript', '1', 38],
    ['allowed-ips', 'typescript', '2000', 190],
    ['parse-initiation', 'typescript', 'fragment', 480],
    ['parse-inner', 'typescript', 'ipv4', 26],
  ];
  return all.map(([part, language, variant, value]) => ({
    section: 'parts',
    id: `parts/${part}/${language}/${variant}`,
    title: `${part}, ${variant}`,
    unit: 'ns',
    value,
    more: { labels: { part, language, variant } },
  }));
}

function tunnels(): Given[] {
  const of = (plane: string, what: string, figure: string, unit: Unit, value: number): Given => ({
    section: 'tunnel',
    id: `tunnel/${plane}/${what}/${figure}`,
    title: `${plane}: ${what}, ${figure}`,
    unit,
    value,
    better: unit === 'Mbit/s' || unit === 'packets/s' ? 'more' : 'less',
    more: { labels: { plane, what, figure } },
  });
  return [
    of('native', 'tcp', 'mbits', 'Mbit/s', 1_180),
    of('native', 'tcp', 'cpu-per-gb', 's/GB', 11.2),
    of('native', 'udp128', 'packets', 'packets/s', 71_000),
    of('native', 'idle', 'round-trip', 'ms', 0.44),
    of('portable', 'tcp', 'mbits', 'Mbit/s', 82),
    of('portable', 'tcp', 'cpu-per-gb', 's/GB', 170),
    of('portable', 'udp128', 'packets', 'packets/s', 9_300),
    of('portable', 'idle', 'round-trip', 'ms', 1.3),
  ];
}

function memory(): Given[] {
  const titles = { idle: 'memory, idle', start: 'start to ready', live: 'memory, all peers connected' };
  const planes = ['native', 'portable'] as const;
  const of = (what: keyof typeof titles, peers: number, unit: Unit, value: number): Given[] =>
    planes.map((plane) => ({
      section: 'memory',
      id: `memory/${what}/${peers}${plane === 'native' ? '' : '/portable'}`,
      title: `${peers.toLocaleString('en')} peers: ${titles[what]}, ${plane} plane`,
      unit,
      value: value * (plane === 'native' ? 1 : 0.96),
      more: { labels: { what, plane, peers } },
    }));
  return [
    ...[1, 100, 2_000].flatMap((peers) => of('idle', peers, 'MiB', 58 + peers * 0.0105)),
    ...[1, 100, 2_000].flatMap((peers) => of('start', peers, 'ms', 640 + peers * 0.4)),
    ...of('live', 2_000, 'MiB', 102),
    ...planes.map(
      (plane): Given => ({
        section: 'memory',
        id: `memory/a-peer${plane === 'native' ? '' : '/portable'}`,
        title: `memory for a peer more in the configuration, ${plane} plane`,
        unit: 'KiB',
        value: 10.8,
        more: {
          labels: { what: 'a-peer', plane },
          formula: '(memory with 2000 − memory with 100 peers) ÷ 1900',
        },
      }),
    ),
  ];
}

function rekey(): Given[] {
  return (['standard', 'metered'] as const).flatMap((profile, i) =>
    (['idle', 'busy'] as const).flatMap((use) =>
      (['pqtun', 'wireguard'] as const).flatMap((program): Given[] => {
        const bytes = (use === 'busy' ? 720 : 12) * (program === 'pqtun' ? 2.9 / (i * 4 + 1) : 0.24);
        const suite = program === 'pqtun' ? 'ML-KEM-768' : 'classical';
        const labels = { profile, use, program, suite, ip: 'IPv4', keepalive: use === 'idle' ? 25 : 0 };
        const of = (what: string, unit: Unit, value: number): Given => ({
          section: 'rekey',
          id: `rekey/${profile}/${use}/${what}/${program}`,
          title: `${program}, ${profile}, ${use}, ${what}`,
          unit,
          value,
          more: { labels: { ...labels, what }, formula: 'rekeys a day × bytes of a handshake' },
        });
        return [
          of('bytes', 'KiB/day', bytes),
          of('month', 'MiB', (bytes * 30) / 1024),
          of('cpu', 's/day', bytes / 700),
        ];
      }),
    ),
  );
}
