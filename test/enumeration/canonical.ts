/**
 * One text for all states that go on alike: what both ends hold, what is under way, what may still be chosen. Times are relative,
 * session indices are counted in the order they were given, timestamps are named by their initiation, statistics are left out.
 *
 * INVARIANT: equal texts mean equal futures. `enumeration.test.ts` holds it to that: wherever two ways meet in one text, what can
 * follow is compared.
 */
import { hash } from 'node:crypto';
import type { Message } from './message.ts';
import type { Model } from './model.ts';
import { nameOf, type Party, type Side, sides } from './party.ts';

/** `underWay`: what is taken to be under way in place of the model's own messages. */
export function canonicalText(model: Model, underWay: readonly Message[] = model.underWay): string {
  const ends = sides.map((side) => textOfEnd(model, model.parties[side], side));
  const messages = underWay.map((message) => textOfMessage(model, message));
  // Names first, order afterwards: messages have none
  const [head = '', ...named] = withRanks([ends.join('\n'), ...messages]);
  return [head, ...named.sort()].join('\n');
}

/** 96 bits of a digest: among 10^8 states the chance that any two share one is below 10^-12. */
export function keyOf(text: string): string {
  return hash('sha1', text, 'base64').slice(0, 16);
}

function textOfEnd(model: Model, { tunnel, packets, loaded }: Party, side: Side): string {
  const timestamp = (owner: Side) => (_: string, bytes: string) =>
    `"stored":${model.indexOfTimestamp.get(`${nameOf(owner)}${bytes}`) ?? `"?${bytes}"`}`;
  // The timestamps kept are the other's; that of an initiation under way is named by its index
  const other: Side = side === 0 ? 1 : 0;
  const engine = tunnel.engine
    .fingerprint(model.now)
    .replace(/"storedTimestamp":\[([\d,]*)\]/g, timestamp(other))
    .replace(/"timestamp":\[[\d,]*\],/g, '');
  const plane = tunnel.plane
    .fingerprint()
    .replace(/"storedTimestamp":\[([\d,]*)\]/g, timestamp(other))
    .replace(/"counters":\{[^}]*\},?/g, '')
    .replace(/"confirmedAt":([\d.]+)/g, (_, at) => `"confirmed":${model.now - Number(at)}`);
  const application = packets.map(({ left, arrivedAt }) =>
    arrivedAt !== undefined ? 'a' : left ? 'l' : 's',
  );
  const answered = [...engine.matchAll(/"answered":\[.*?\]/g)].flatMap(([list]) =>
    [...list.matchAll(/"index":(\d+)/g)].map(([, index]) => model.answers.get(Number(index))),
  );
  return [
    engine,
    plane,
    application.join(''),
    answered.join(),
    `cookie ${ageOf(model, model.heldCookieFrom[side])}`,
    `${model.packetsLeft[side]} ${model.loadChangesLeft[side]} ${loaded}`,
  ].join(' ');
}

function textOfMessage(model: Model, { from, name, cookieFrom, kept }: Message): string {
  return `${nameOf(from)}: ${name} ${ageOf(model, cookieFrom)}${kept ? ' kept' : ''}`;
}

const ageOf = (model: Model, at: number | undefined): string => (at === undefined ? '' : `${model.now - at}`);

/**
 * Puts ranks for indices, which alone have ten digits: each end counts its own upwards, so a rank keeps whose it is and which was
 * first, and nothing else. Fractions, which come of jitter, are rounded to whole milliseconds.
 */
function withRanks(texts: readonly string[]): string[] {
  const found = new Set<number>();
  for (const text of texts) for (const [digits] of text.matchAll(/\b\d{10}\b/g)) found.add(Number(digits));
  const ranks = new Map<number, string>();
  const counts: [number, number] = [0, 0];
  for (const index of [...found].sort((a, b) => a - b)) {
    const side: Side = index >= 0x8000_0000 ? 1 : 0;
    ranks.set(index, `${nameOf(side)}#${counts[side]++}`);
  }
  return texts.map((text) =>
    text.replace(/\b\d{10}\b|-?\d+\.\d+(?:e-\d+)?/g, (digits) =>
      digits.length === 10 && ranks.has(Number(digits))
        ? (ranks.get(Number(digits)) ?? digits)
        : `${Math.round(Number(digits))}`,
    ),
  );
}
