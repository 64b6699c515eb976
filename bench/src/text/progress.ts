/** Says how far the bench is: a bar on a terminal, else a line now and then. */
import type { Progress } from '../run.ts';

export interface ProgressOutput {
  readonly write: (text: string) => void;
  readonly isTerminal: boolean;
  /** Milliseconds. */
  readonly now: () => number;
}

const barWidth = 24;
const lineWidth = 79;
/** Between two lines where there is no terminal, and two looks of the bar, in milliseconds. */
const intervals = { line: 10_000, bar: 100 } as const;
const eraseLine = '\r\u001b[K';

export class ProgressDisplay {
  readonly #output: ProgressOutput;
  #shown = Number.NEGATIVE_INFINITY;
  #hasBar = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
    this.#shown = output.isTerminal ? Number.NEGATIVE_INFINITY : output.now();
  }

  update(progress: Progress): void {
    const { isTerminal, now, write } = this.#output;
    const at = now();
    if (at - this.#shown < (isTerminal ? intervals.bar : intervals.line)) return;
    this.#shown = at;
    if (isTerminal) this.#hasBar = true;
    write(isTerminal ? `${eraseLine}${barText(progress)}` : `${lineText(progress)}\n`);
  }

  /** Before anything else is written to the same terminal. */
  clear(): void {
    if (this.#hasBar) this.#output.write(eraseLine);
    this.#hasBar = false;
  }
}

export function barText({ done, section, label }: Progress): string {
  const full = Math.floor(done * barWidth);
  const bar = `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`;
  const text = `${bar} ${percentOf(done)}  ${section.id}: ${label}`;
  const characters = [...text];
  return characters.length <= lineWidth ? text : `${characters.slice(0, lineWidth - 1).join('')}…`;
}

export function lineText({ done, section, number, count }: Progress): string {
  return `bench: ${section.id}, ${number} of ${count} sections, ${percentOf(done).trim()} done`;
}

function percentOf(done: number): string {
  return `${Math.floor(done * 100)
    .toString()
    .padStart(3)} %`;
}
