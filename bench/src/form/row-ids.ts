/**
 * What rows there can be, by the words of their names, whatever this machine measures: so that a budget's misspelt line is an error and
 * one that was only not measured is not. A `*` in a pattern stands for any characters but a slash.
 */
import type { SectionId } from '../result.ts';

/** A segment of a name: one of these words, or a form. */
type Segment = readonly string[] | RegExp;

const engines = ['noble', 'node', 'evp', 'raw', 'multibuffer'];
const whole = /^\d+$/;
const anything = /^[A-Za-z0-9.+-]+$/;

const forms: Readonly<Record<SectionId, readonly (readonly Segment[])[]>> = {
  records: [[['seal', 'open'], engines, whole]],
  handshake: [[anything, anything, ['node', 'noble']]],
  parts: [
    [anything, ['typescript', 'native']],
    [anything, ['typescript', 'native'], anything],
  ],
  tunnel: [[['native', 'portable'], anything, anything]],
  memory: [[anything], [anything, anything], [anything, anything, anything]],
  rekey: [
    [anything, ['idle', 'busy'], anything, ['pqtun', 'wireguard']],
    [anything, ['idle', 'busy'], anything, ['pqtun', 'wireguard'], anything],
  ],
};

/** Whether a row could be called so, or some row be meant by this pattern. */
export function couldBe(pattern: string): boolean {
  const [section = '', ...rest] = pattern.split('/');
  return Object.entries(forms).some(
    ([id, all]) =>
      globOf(section).test(id) &&
      all.some(
        (form) => form.length === rest.length && form.every((segment, i) => fits(rest[i] ?? '', segment)),
      ),
  );
}

function fits(part: string, segment: Segment): boolean {
  if (segment instanceof RegExp) return part.includes('*') || segment.test(part);
  return segment.some((word) => globOf(part).test(word));
}

/** What the stars of `pattern` stand for in `id`; `undefined` where it does not fit. */
export function captures(pattern: string, id: string): string[] | undefined {
  return globOf(pattern).exec(id)?.slice(1);
}

/** `pattern` with its stars replaced in turn. */
export function filled(pattern: string, stars: readonly string[]): string {
  let next = 0;
  return pattern.replaceAll('*', () => stars[next++] ?? '*');
}

export function starsIn(pattern: string): number {
  return pattern.split('*').length - 1;
}

function globOf(pattern: string): RegExp {
  const literal = (text: string): string => text.replace(/[^A-Za-z0-9/]/g, '\\$&');
  return new RegExp(`^${pattern.split('*').map(literal).join('([^/]*)')}$`);
}
