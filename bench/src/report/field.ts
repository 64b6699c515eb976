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
  const kinds = distinct(own.map((row) => parts(row)[0] ?? ''));
  return [
    html`<p>One daemon, by the number of peers in its configuration.</p>`,
    html`<div class="charts">${kinds.map((kind) => {
      const alike = own.filter((row) => parts(row)[0] === kind);
      const counts = distinct(alike.map(peersOf)).filter((count) => count > 0);
      return counts.length > 1
        ? byPeers(kind, alike)
        : bars(`memory-${kind}`, memoryTitle(alike, true), alike, (row) => `${planeOf(row)} plane`);
    })}</div>`,
    detailsOf(own, 'memory and start'),
  ];
}

/** Names are `memory/<what>/<peers>/<plane>`; the native plane’s may lack it, and what is for one peer lacks the number. */
function peersOf(row: Row): number {
  return Number(parts(row).find((part) => /^\d+$/.test(part)) ?? 0);
}

function planeOf(row: Row): string {
  return parts(row).find((part) => part === 'portable') ?? 'native';
}

/** `memory, idle` of the title `100 peers: memory, idle, native plane`. */
function memoryTitle([row]: readonly Row[], withPeers = false): string {
  const title = (row?.title ?? '').replace(/, (native|portable) plane$/, '');
  const text = withPeers ? title : title.replace(/^[\d,]+ peers?: /, '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function byPeers(kind: string, rows: readonly Row[]): Markup | undefined {
  const [first] = rows;
  if (first === undefined) return undefined;
  const { divisor, name } = axisUnit(Math.max(...rows.map(({ median }) => median)), first.unit);
  const series = distinct(rows.map(planeOf)).map((plane, i) => ({
    name: plane,
    look: lookOf(plane, i),
    points: rows
      .filter((row) => planeOf(row) === plane && peersOf(row) > 0)
      .map((row) => ({ x: peersOf(row), y: row.median / divisor }))
      .sort((a, b) => a.x - b.x),
  }));
  const axes: Axes = {
    xName: 'peers, logarithmic',
    yName: name,
    xText: (peers) => peers.toLocaleString('en'),
    yText: (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 }),
    isLogarithmic: false,
  };
  const words = {
    id: `memory-${kind}`,
    title: memoryTitle(rows),
    description: `In ${name}, a line a data plane. ${describeLines(series, axes)}`,
  };
  const chart = lineChart(words, series, axes);
  return chart === undefined ? undefined : figure(words, chart, 'Lower is better.');
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
