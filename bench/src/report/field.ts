/** What daemons do on this machine: tunnels, memory and start, the price of staying connected; and the small parts. */
import type { BenchResult, Row } from '../result.ts';
import { axisUnit } from './amount.ts';
import { type Bar, barChart } from './bars.ts';
import { figure } from './chart.ts';
import { html, type Markup } from './html.ts';
import { type Axes, describeLines, lineChart } from './lines.ts';
import { lookOf } from './palette.ts';
import { amountText, detailsOf, distinct, parts, range, rowsOf } from './rows.ts';

export function tunnelChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'tunnel');
  if (own.length === 0) return [];
  const kinds = distinct(own.map((row) => parts(row).slice(1).join('/')));
  return [
    html`<p>Two daemons on this machine with a cable between them. Both ends of the tunnel and of the traffic share its CPUs, so a gateway that
has one end only does better.</p>`,
    html`<div class="charts">${kinds.map((kind) => {
      const alike = own.filter((row) => parts(row).slice(1).join('/') === kind);
      return bars(
        `tunnel-${kind.replaceAll('/', '-')}`,
        tunnelTitle(kind),
        alike,
        (row) => `${parts(row)[0] ?? ''} plane`,
      );
    })}</div>`,
    detailsOf(own, 'tunnels'),
  ];
}

const tunnelTitles: Readonly<Record<string, string>> = {
  'tcp/mbits': 'One TCP stream through the tunnel',
  'tcp/cpu-per-gb': 'CPU for a GB, both daemons together',
  'udp128/packets': 'Small packets (128 B) delivered',
  'udp128/cpu-per-packet': 'CPU for a small packet, both daemons',
  'idle/round-trip': 'Round trip through an idle tunnel',
};

function tunnelTitle(kind: string): string {
  return tunnelTitles[kind] ?? kind.replaceAll('/', ', ').replaceAll('-', ' ');
}

/** One chart of rows of one unit. */
function bars(
  id: string,
  title: string,
  rows: readonly Row[],
  nameOf: (row: Row) => string,
): Markup | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const all = rows
    .filter(({ unit }) => unit === first.unit)
    .map(
      (row, i): Bar => ({
        name: nameOf(row),
        text: amountText(row),
        value: row.median,
        range: range(row),
        look: lookOf(parts(row).find((part) => part === 'wireguard') ?? parts(row)[0] ?? '', i),
      }),
    );
  const words = { id, title, description: all.map(({ name, text }) => `${name}: ${text}.`).join(' ') };
  const chart = barChart(words, all);
  const hasRange = all.some(({ range: found }) => found !== undefined && found[0] !== found[1]);
  const caption = `${first.better === 'more' ? 'Longer' : 'Shorter'} is better.${hasRange ? ' The thin line: least to most of the rounds.' : ''}`;
  return chart === undefined ? undefined : figure(words, chart, caption);
}

export function memoryChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'memory');
  if (own.length === 0) return [];
  const counted = own.filter((row) => /\/\d+$/.test(row.id));
  const units = distinct(counted.map(({ unit }) => unit));
  const single = own.filter((row) => !counted.includes(row));
  return [
    html`<p>A daemon that holds this many peers.${single.map((row) => html` ${row.title.charAt(0).toUpperCase()}${row.title.slice(1)}: <strong>${amountText(row)}</strong>.`)}</p>`,
    html`<div class="charts">${units.map((unit) => byPeers(counted.filter((row) => row.unit === unit)))}</div>`,
    detailsOf(own, 'memory and start'),
  ];
}

function byPeers(rows: readonly Row[]): Markup | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const { divisor, name } = axisUnit(Math.max(...rows.map(({ median }) => median)), first.unit);
  const kinds = distinct(rows.map(kindOf));
  const series = kinds.map((kind, i) => ({
    name: kind,
    look: lookOf(kind, i),
    points: rows
      .filter((row) => kindOf(row) === kind)
      .map((row) => ({ x: Number(parts(row).at(-1)), y: row.median / divisor }))
      .filter(({ x }) => x > 0)
      .sort((a, b) => a.x - b.x),
  }));
  const axes: Axes = {
    xName: 'peers, logarithmic',
    yName: name,
    xText: (peers) => peers.toLocaleString('en'),
    yText: (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 }),
    isLogarithmic: false,
  };
  const isTime = ['ns', 'µs', 'ms', 's'].includes(first.unit);
  const words = {
    id: `memory-${isTime ? 'start' : 'size'}`,
    title: isTime ? 'Start, by number of peers' : 'Memory, by number of peers',
    description: `In ${name}, a line a kind. ${describeLines(series, axes)}`,
  };
  const chart = lineChart(words, series, axes);
  return chart === undefined ? undefined : figure(words, chart, 'Lower is better.');
}

function kindOf(row: Row): string {
  return parts(row).slice(0, -1).join(', ').replaceAll('-', ' ');
}

export function rekeyChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'rekey');
  if (own.length === 0) return [];
  // Rows with a word more are variants: other suites, IPv6. WireGuard knows one profile, so its figures stand there once.
  const plain = own.filter(
    (row) => parts(row).length === 4 && !(parts(row)[3] === 'wireguard' && parts(row)[0] !== 'standard'),
  );
  const isMonthly = plain.some((row) => parts(row)[2] === 'month');
  const kinds = distinct(
    plain
      .filter((row) => !(isMonthly && parts(row)[2] === 'bytes'))
      .map((row) => `${parts(row)[2]}/${parts(row)[1]}`),
  );
  return [
    html`<p>What a tunnel costs only because it is there: keys are renewed, and an idle one says that it lives. Reckoned from the sizes of
messages and the protocol’s timers, beside WireGuard’s for the same. <em>metered</em> is the profile for lines that are paid by the MB.</p>`,
    html`<div class="charts">${kinds.map((kind) => {
      const [what = '', when = ''] = kind.split('/');
      const alike = plain.filter((row) => parts(row)[2] === what && parts(row)[1] === when);
      return bars(
        `rekey-${what}-${when}`,
        `${rekeyTitles[what] ?? what}, ${useText(when, alike)}`,
        alike,
        programText,
      );
    })}</div>`,
    detailsOf(own, 'staying connected'),
  ];
}

const rekeyTitles: Readonly<Record<string, string>> = {
  bytes: 'Bytes a day',
  month: 'Data a month',
  cpu: 'CPU a day, both ends',
};

function useText(use: string, [row]: readonly Row[]): string {
  if (use === 'busy') return 'steady traffic';
  const keepalive = row?.labels['keepalive'];
  return keepalive === undefined ? use : `${use}, keepalive ${keepalive} s`;
}

function programText(row: Row): string {
  return parts(row)[3] === 'wireguard' ? 'WireGuard’s messages' : `${parts(row)[3]} ${parts(row)[0]}`;
}

export function partsChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'parts');
  if (own.length === 0) return [];
  return [
    html`<p>What else is done for a packet or a message: small against the cipher, if all is well.</p>`,
    html`<div class="scroller" role="region" aria-label="Small parts" tabindex="0"><table>
<thead><tr><th scope="col">what</th><th scope="col">middle</th><th scope="col">99 of 100 within</th></tr></thead>
<tbody>${own.map(
      (row) =>
        html`<tr><th scope="row">${row.title}</th><td>${amountText(row)}</td><td>${row.p99 === undefined ? '–' : amountText({ ...row, median: row.p99 })}</td></tr>\n`,
    )}</tbody></table></div>`,
  ];
}
