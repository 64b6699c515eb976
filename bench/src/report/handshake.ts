/** What agreeing on keys costs: handshakes a second, and which end spends its time on what. */
import type { BenchResult, Row } from '../result.ts';
import { amount } from './amount.ts';
import { barChart, type Stack, stackChart, stepLegend } from './bars.ts';
import { boxCaption, boxChart } from './boxes.ts';
import { figure } from './chart.ts';
import { html, type Markup } from './html.ts';
import { lookOf } from './palette.ts';
import { amountText, detailsOf, distinct, parts, range, rowsOf } from './rows.ts';

/** Rows that are no step of one end. */
const wholes = new Set(['whole', 'rate']);

export function handshakeChapter({ rows }: BenchResult): Markup[] {
  const own = rowsOf(rows, 'handshake');
  if (own.length === 0) return [];
  const engines = distinct(own.map(engineOf));
  return [
    html`<p>A new handshake is made every two minutes for each peer that has traffic. After a power cut all peers come at once: then the rate
decides how long a hub needs.</p>`,
    html`<div class="charts">${rateChart(own)}${engines.map((engine) => breakdown(own, engine))}${distribution(own)}</div>`,
    detailsOf(own, 'handshakes'),
  ];
}

const suiteOf = (row: Row): string => parts(row)[0] ?? '';
const stepOf = (row: Row): string => parts(row)[1] ?? '';
const engineOf = (row: Row): string => parts(row)[2] ?? '';
const nameOf = (suite: string): string =>
  suite.replaceAll('ml-kem', 'ML-KEM').replaceAll('classical', 'without ML-KEM');

function rateChart(rows: readonly Row[]): Markup | undefined {
  const rates = rows.filter((row) => stepOf(row) === 'rate');
  const bars = rates.map((row, i) => ({
    name: `${nameOf(suiteOf(row))}, ${engineOf(row)}`,
    text: amountText(row),
    value: row.median,
    range: range(row),
    look: lookOf(engineOf(row), i),
  }));
  const words = {
    id: 'handshake-rate',
    title: 'Handshakes a second on one core',
    description: `Both ends together. ${bars.map(({ name, text }) => `${name}: ${text}.`).join(' ')}`,
  };
  const chart = barChart(words, bars);
  return chart === undefined
    ? undefined
    : figure(
        words,
        chart,
        'Both ends on this machine; one end alone does about twice as many. Longer is better.',
      );
}

function breakdown(rows: readonly Row[], engine: string): Markup | undefined {
  const own = rows.filter(
    (row) => engineOf(row) === engine && !wholes.has(stepOf(row)) && row.labels['role'] !== 'both',
  );
  const steps = distinct(own.map(stepName));
  const stacks = distinct(own.map(suiteOf)).flatMap((suite) =>
    (['initiator', 'responder'] as const).flatMap((role): Stack[] => {
      const pieces = own.filter((row) => suiteOf(row) === suite && roleOf(row) === role);
      const sum = pieces.reduce((total, row) => total + row.median, 0);
      const unit = pieces[0]?.unit;
      if (unit === undefined) return [];
      return [
        {
          name: `${nameOf(suite)}, ${role}`,
          text: amount(sum, unit),
          pieces: pieces.map((row) => ({ step: stepName(row), value: row.median })),
        },
      ];
    }),
  );
  const words = {
    id: `handshake-steps-${engine}`,
    title: `Where the time goes, ${engine}`,
    description: stacks
      .map(
        ({ name, text, pieces }) =>
          `${name}: ${text}, of which ${pieces.map(({ step, value }) => `${step} ${share(value, pieces)}`).join(', ')}.`,
      )
      .join(' '),
  };
  const chart = stackChart(words, stacks, steps);
  if (chart === undefined) return undefined;
  return figure(words, chart, [
    stepLegend(steps),
    'Shorter is better. Both ends are needed for one handshake.',
  ]);
}

function share(value: number, pieces: readonly { readonly value: number }[]): string {
  const sum = pieces.reduce((total, each) => total + each.value, 0);
  return `${Math.round((100 * value) / sum)} %`;
}

/** `initiation made` of the title `initiation made (I2–I8), ml-kem-768, node`. */
function stepName({ title }: Row): string {
  return (title.split(', ')[0] ?? title).replace(/ \(.*\)$/, '');
}

/** As the row says; else by the protocol: the initiator makes initiations and opens responses. */
function roleOf(row: Row): 'initiator' | 'responder' {
  const said = row.labels['role'];
  if (said === 'initiator' || said === 'responder') return said;
  const step = stepOf(row);
  const isOpening = /open|consume/.test(step);
  return step.includes('response') === isOpening ? 'initiator' : 'responder';
}

function distribution(rows: readonly Row[]): Markup | undefined {
  const boxes = rows
    .filter((row) => stepOf(row) === 'whole')
    .map((row, i) => ({
      name: `${nameOf(suiteOf(row))}, ${engineOf(row)}`,
      text: (value: number) => amount(value, row.unit),
      quantiles: row.quantiles ?? [],
      look: lookOf(engineOf(row), i),
    }));
  const words = { id: 'handshake-spread', title: 'Whole handshakes: how samples lie' };
  const chart = boxChart(words, boxes);
  return chart === undefined ? undefined : figure(words, chart, boxCaption);
}
