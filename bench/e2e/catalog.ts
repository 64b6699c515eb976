/** Which programs and which rows there are, in the order of the table. What they are called here is what `--only` and the JSON say. */

export const programIds = [
  'veth',
  'wireguard-go',
  'tailscale',
  'boringtun',
  'gotatun',
  'openvpn',
  'portable',
  'native',
  'null',
] as const;
export type ProgramId = (typeof programIds)[number];

/** Short forms, for columns; versions stand below the table. */
export const programTitles: Readonly<Record<ProgramId, string>> = {
  veth: 'plain veth',
  'wireguard-go': 'wireguard-go',
  tailscale: 'Tailscale’s fork',
  boringtun: 'boringtun',
  gotatun: 'gotatun',
  openvpn: 'OpenVPN',
  portable: 'pqtun portable',
  native: 'pqtun native',
  null: 'pqtun, no crypto',
};

/** A figure, and which way of it is better. */
export interface FigureSpec {
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  readonly digits: number;
}

const gbits: FigureSpec = { title: 'throughput', unit: 'Gb/s', better: 'more', digits: 2 };
const cpuPerGB: FigureSpec = { title: 'tunnel CPU', unit: 's/GB', better: 'less', digits: 2 };
const kpps: FigureSpec = { title: 'delivered', unit: 'k/s', better: 'more', digits: 1 };
const cpuPerPacket: FigureSpec = { title: 'tunnel CPU', unit: 'µs/packet', better: 'less', digits: 2 };
const p50: FigureSpec = { title: 'round trip, median', unit: 'ms', better: 'less', digits: 3 };
const p99: FigureSpec = { title: 'round trip, p99', unit: 'ms', better: 'less', digits: 3 };
const memory: FigureSpec = { title: 'memory an end', unit: 'MiB', better: 'less', digits: 1 };
const memoryMost: FigureSpec = { title: 'memory an end, most', unit: 'MiB', better: 'less', digits: 1 };

/** What a row measures: its figures by name. */
export const rowSpecs = {
  tcp1: { title: 'TCP, 1 stream', figures: { gbits, cpuPerGB } },
  tcp4: { title: 'TCP, 4 streams', figures: { gbits, cpuPerGB } },
  flood128: { title: 'UDP flood, 128 B', figures: { kpps, cpuPerPacket } },
  flood1300: { title: 'UDP flood, 1300 B', figures: { kpps, gbits, cpuPerPacket } },
  idle: { title: 'Idle', figures: { p50, p99 } },
  loaded: { title: 'Under 1 TCP stream', figures: { p50, p99, gbits } },
  nogso: { title: 'TCP, 1 stream, cable without UDP segmentation', figures: { gbits, cpuPerGB } },
  memory: { title: 'After the runs', figures: { memory, memoryMost } },
} as const satisfies Record<string, { title: string; figures: Readonly<Record<string, FigureSpec>> }>;

export type RowId = keyof typeof rowSpecs;
export const rowIds = Object.keys(rowSpecs) as RowId[]; // its own keys, in the order written above

/** Names of all figures of all rows. */
export type FigureId = { [R in RowId]: keyof (typeof rowSpecs)[R]['figures'] }[RowId];

export function figuresOf(row: RowId): readonly (readonly [FigureId, FigureSpec])[] {
  return Object.entries(rowSpecs[row].figures) as [FigureId, FigureSpec][]; // its own keys
}

/** `tcp1.gbits`, and how it reads. */
export function figureTitle(row: RowId, figure: FigureId): string {
  const spec = figuresOf(row).find(([id]) => id === figure)?.[1];
  return `${rowSpecs[row].title}: ${spec?.title ?? figure}, ${spec?.unit ?? ''}`;
}
