/** How a way through the states is written and read: `START:choice.choice.choice`, for people and for `--trace`. */
import { planeView } from './checks.ts';
import type { Violation } from './explore.ts';
import { readableIndex, textOf } from './message.ts';
import type { Choice, Model } from './model.ts';
import { sides } from './party.ts';
import { begin, type Cryptography, type Start, starts } from './starts.ts';

export interface Trace {
  readonly start: Start;
  readonly choices: readonly Choice[];
}

export const writeTrace = ({
  start,
  choices,
}: {
  readonly start: string;
  readonly choices: readonly Choice[];
}): string => `${start}:${choices.join('.')}`;

/** The trace in `text`, or what is wrong with it. Whether its choices are offered shows when it is played. */
export function readTrace(text: string): Trace | string {
  const [name = '', way = ''] = text.split(':');
  const start = starts.find((each) => each.name === name);
  if (start === undefined) return `no start is called ${name}: ${starts.map((each) => each.name).join(', ')}`;
  const choices = way === '' ? [] : way.split('.');
  const wrong = choices.find((choice) => !isChoice(choice));
  return wrong === undefined
    ? { start, choices: choices.filter(isChoice) }
    : `${wrong} is no choice: dN, kN, xN, sS, tS or lS`;
}

const isChoice = (text: string): text is Choice => /^(?:[dkx]\d+|[stl][ab])$/.test(text);

/** What happens on the way, a line for each choice and for what it brings about. Throws `RangeError` where one is not offered. */
export function narrate({ start, choices }: Trace, cryptography: Cryptography = 'paper'): string[] {
  const model = begin(start, cryptography);
  const lines = [`${start.name}: ${start.what}`, ...underWay(model), ...ends(model)];
  for (const choice of choices) {
    lines.push(`${choice}  ${model.textOf(choice)}`);
    const before = new Set(model.underWay);
    model.apply(choice);
    for (const message of model.underWay) {
      if (!before.has(message) && !message.kept) lines.push(`      sent: ${textOf(message)}`);
    }
    lines.push(...ends(model));
  }
  return [...lines, ...underWay(model)];
}

/** A violation as it is shown: what is wrong, how it comes to that, and how to see it again. */
export function describeViolation(violation: Violation): string[] {
  const trace = readTrace(writeTrace(violation));
  const way = typeof trace === 'string' ? [trace] : narrate(trace);
  return [violation.problem, ...way.map((line) => `  ${line}`), `  again: --trace ${writeTrace(violation)}`];
}

function underWay(model: Model): string[] {
  return model.underWay.map((message, n) => `      under way ${n}: ${textOf(message)}`);
}

function ends(model: Model): string[] {
  return sides.map((side) => {
    const party = model.parties[side];
    const { current, previous, nexts } = planeView(party);
    const show = (what: string, keypair: { index: number; remoteIndex: number } | undefined) =>
      keypair === undefined
        ? []
        : [`${what} ${readableIndex(keypair.index)}/${readableIndex(keypair.remoteIndex)}`];
    const sessions = [
      ...show('current', current),
      ...show('previous', previous),
      ...nexts.flatMap((next) => show('next', next)),
    ];
    return `      ${party.name} holds ${sessions.length === 0 ? 'no session' : sessions.join(', ')}`;
  });
}
