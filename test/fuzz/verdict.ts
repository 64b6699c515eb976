/** What came of one execution, and when two failures are the same. */

export interface Failure {
  readonly kind: 'throw' | 'endless' | 'slow' | 'memory';
  /** Equal for equal faults: kind, name of the error, message without its numbers and quoted parts. */
  readonly signature: string;
  /** For people: message and stack. */
  readonly report: string;
}

export function failureOf(error: unknown): Failure {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const kind = name === 'Endless' ? 'endless' : 'throw';
  const place = frame(stack);
  const shape = message.replace(/"[^"]*"|'[^']*'|`[^`]*`/g, '"…"').replace(/\d+/g, 'N');
  return { kind, signature: `${kind} ${name}: ${shape}${place}`.slice(0, 300), report: stack ?? message };
}

/** The function that threw, or that found something untrue: two of the same message are two faults. */
function frame(stack: string | undefined): string {
  const places = (stack ?? '').matchAll(/^\s+at (?:new |async )?(?:Object\.)?([\w.#<>]+) /gm);
  for (const [, place] of places) if (place !== 'must') return ` in ${place}`;
  return '';
}
