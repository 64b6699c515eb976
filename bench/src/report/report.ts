/**
 * A result as one self-contained page: no script, nothing loaded, readable on a phone, in the dark and on paper. What comes from the
 * machine is data, and escaped.
 */
import { createHash } from 'node:crypto';
import type { BenchResult, Row } from '../result.ts';
import { amount, grouped, throughput } from './amount.ts';
import { patterns } from './bars.ts';
import { memoryChapter, partsChapter, rekeyChapter, tunnelChapter } from './field.ts';
import { handshakeChapter } from './handshake.ts';
import { html, Markup } from './html.ts';
import { recordsChapter } from './records.ts';
import { style } from './style.ts';

const chapters: readonly {
  readonly id: string;
  readonly title: string;
  readonly write: (result: BenchResult) => Markup[];
}[] = [
  { id: 'records', title: 'Packets', write: recordsChapter },
  { id: 'handshake', title: 'Handshakes', write: handshakeChapter },
  { id: 'tunnel', title: 'Whole tunnels', write: tunnelChapter },
  { id: 'memory', title: 'Memory and start', write: memoryChapter },
  { id: 'rekey', title: 'Staying connected', write: rekeyChapter },
  { id: 'parts', title: 'Small parts', write: partsChapter },
];

/** The whole file. */
export function writeReport(result: BenchResult): string {
  const { machine } = result;
  const title = machine.board === 'unknown' ? machine.cpu : machine.board;
  const shown = chapters.flatMap(({ id, title: heading, write }) => {
    const content = write(result);
    return content.length === 0 ? [] : [{ id, heading, content }];
  });
  // The style is the only thing that may run, and it is known by its hash.
  const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>pqtun bench: ${title}, ${day(result)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
${patterns}
<header>
<p class="kind"><strong>pqtun</strong> bench</p>
<h1>${title}</h1>
<p class="about">${aboutLine(result)}</p>
${banner(result)}
${glance(result)}
<nav aria-label="On this page">${[...shown.map(({ id, heading }) => ({ id, heading })), { id: 'machine', heading: 'Machine' }, ...(result.missing.length === 0 ? [] : [{ id: 'missing', heading: 'Not measured' }]), { id: 'reading', heading: 'How to read this' }].map(({ id, heading }) => html`<a href="#${id}">${heading}</a>`)}</nav>
</header>
<main>
${shown.map(({ id, heading, content }) => html`<section id="${id}"><h2>${heading}</h2>\n${content}</section>\n`)}
${machineChapter(result)}
${missingChapter(result)}
${readingChapter(result)}
</main>
<footer>pqtun ${result.version}, result of ${result.begun}. This page loads nothing and runs nothing.</footer>
</body>
</html>
`;
  return page.text;
}

function day({ begun }: BenchResult): string {
  return begun.slice(0, 10);
}

function aboutLine(result: BenchResult): string {
  const { machine, settings } = result;
  const cpu = machine.board === 'unknown' ? `${machine.cpus} CPUs` : `${machine.cpus} × ${machine.cpu}`;
  return `${cpu}, ${machine.arch}. Measured on ${day(result)} in ${amount(result.seconds, 's')}, ${settings.rounds} rounds.`;
}

function banner({ remarks, settings }: BenchResult): Markup | undefined {
  const lines = [
    ...remarks.map(({ text }) => text),
    ...(settings.quick
      ? ['quick: few short rounds; this shows that everything runs, and is no measurement worth keeping']
      : []),
  ];
  if (lines.length === 0) return undefined;
  return html`<div class="banner" role="note"><ul>${lines.map((line) => html`<li><strong>${sentence(line)}</strong></li>`)}</ul></div>`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** The figures an operator asks for first, as far as they were measured. */
function glance({ rows }: BenchResult): Markup | undefined {
  const row = (id: string): Row | undefined => rows.find((each) => each.id === id);
  const best = (candidates: readonly Row[]): Row | undefined =>
    candidates.toSorted((a, b) => (a.better === 'less' ? a.median - b.median : b.median - a.median))[0];
  const seal = best(rows.filter(({ id }) => /^records\/seal\/[^/]+\/1420$/.test(id)));
  const rate = best(
    rows.filter(({ id }) => /^handshake\/[^/]+\/rate\/[^/]+$/.test(id) && !id.includes('classical')),
  );
  const tcp = best(rows.filter(({ id }) => /^tunnel\/[^/]+\/tcp\/mbits$/.test(id)));
  const trip = best(rows.filter(({ id }) => /^tunnel\/[^/]+\/idle\/round-trip$/.test(id)));
  const peer = row('memory/a-peer');
  const tiles: (readonly [string, string, string])[] = [];
  const speed = seal === undefined ? undefined : throughput(seal);
  if (seal !== undefined && speed !== undefined)
    tiles.push([
      'Sealing full packets',
      amount(speed, 'Mbit/s'),
      `1,420 B, engine ${seal.id.split('/')[2]}, one core`,
    ]);
  if (rate !== undefined)
    tiles.push(['Handshakes', `${grouped(rate.median)}/s`, `${suiteText(rate)}, both ends, one core`]);
  if (tcp !== undefined)
    tiles.push([
      'TCP through the tunnel',
      amount(tcp.median, tcp.unit),
      `${tcp.id.split('/')[1]} plane, both ends here`,
    ]);
  if (trip !== undefined)
    tiles.push(['Round trip, idle', amount(trip.median, trip.unit), `${trip.id.split('/')[1]} plane`]);
  if (peer !== undefined)
    tiles.push(['Memory for a peer', amount(peer.median, peer.unit), 'each one more, idle']);
  if (tiles.length === 0) return undefined;
  return html`<dl class="glance">${tiles.map(([what, value, how]) => html`<div class="tile"><dt>${what}</dt><dd>${value}<small>${how}</small></dd></div>`)}</dl>`;
}

function suiteText({ id }: Row): string {
  const [, suite = '', , engine = ''] = id.split('/');
  return `${suite.replaceAll('ml-kem', 'ML-KEM')}, ${engine}`;
}

function machineChapter({ machine }: BenchResult): Markup {
  const facts: readonly (readonly [string, string])[] = [
    ['Board', machine.board],
    ['CPU', `${machine.cpus} × ${machine.cpu}, ${machine.arch}`],
    [
      'What it can do for ciphers',
      machine.features.length === 0 ? 'nothing known' : machine.features.join(', '),
    ],
    ['Memory', amount(machine.memoryMiB, 'MiB')],
    ['CPU governor', machine.governor],
    ['Throttled by heat or voltage', machine.throttling],
    ['Virtualization', machine.virtualization],
    ['Kernel', machine.kernel],
    ['System', machine.system],
    ['Node', machine.node],
    ['OpenSSL', machine.openssl],
  ];
  const states = (all: BenchResult['machine']['engines']): Markup =>
    html`<ul class="states">${all.map(({ name, active, reason }) => html`<li class="${active ? 'yes' : 'no'}">${name}${reason === undefined ? undefined : `: ${reason}`}</li>`)}</ul>`;
  return html`<section id="machine"><h2>Machine</h2>
<p>Figures belong to this machine as it was set up then.</p>
<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
${machine.engines.length === 0 ? undefined : html`<div><dt>Cipher engines</dt><dd>${states(machine.engines)}</dd></div>`}
${machine.offloads.length === 0 ? undefined : html`<div><dt>Offloads of the data path</dt><dd>${states(machine.offloads)}</dd></div>`}</dl></section>\n`;
}

function missingChapter({ missing }: BenchResult): Markup | undefined {
  if (missing.length === 0) return undefined;
  const titleOf = (section: string): string => chapters.find(({ id }) => id === section)?.title ?? section;
  return html`<section id="missing"><h2>Not measured</h2>
<ul class="plain">${missing.map(({ section, what, why }) => html`<li><strong>${titleOf(section)}, ${what}</strong>: ${why}</li>`)}</ul></section>\n`;
}

function readingChapter({ rows }: BenchResult): Markup {
  const hasReckoned = rows.some(({ formula }) => formula !== undefined);
  return html`<section id="reading"><h2>How to read this</h2>
<ul class="plain">
<li>Each figure is the middle one of the rounds. All rows of a chapter are measured in turn, round after round, so that a machine’s mood touches all of them alike.</li>
<li><em>99 of 100 within</em>: of single samples. <em>±</em>: how far the mean of a round’s samples may be off, 95 % sure.</li>
<li>1 Mbit is 10⁶ bits of payload, 1 GB is 10⁹ B; KiB and MiB are powers of two.</li>
<li>Engines: <em>noble</em> is JavaScript and runs anywhere; <em>node</em> is Node’s own crypto, a call a packet; <em>evp</em>, <em>raw</em> and <em>multibuffer</em> are those of the native data path, many packets a call. A daemon takes the fastest that works here.</li>
${hasReckoned ? html`<li>What is marked <em>reckoned</em> follows from other figures and from the protocol; its formula stands beside it.</li>` : undefined}
<li>Compare two results only of one machine: <code>pqtun bench compare A.json B.json</code> says which rows differ by more than chance, and refuses unlike machines. Between machines compare ratios.</li>
</ul></section>\n`;
}
