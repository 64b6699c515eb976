/** What the demonstration prints: one line a step with its time, and the table. Colours only on a terminal. */

const colours = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string): string => (colours ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Says what is being done, does it, says how long it took. */
export async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begin = performance.now();
  if (process.stdout.isTTY) process.stdout.write(`  … ${what}`);
  const clear = process.stdout.isTTY ? '\r\u001b[K' : '';
  try {
    const result = await work();
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    console.log(`${clear}  ${paint(32, '✓')} ${what} ${paint(2, `${seconds} s`)}`);
    return result;
  } catch (error) {
    console.log(`${clear}  ${paint(31, '✗')} ${what}`);
    throw error;
  }
}

export function printTable(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log('');
  for (const [name, value] of rows) console.log(`  ${paint(1, name.padEnd(width))}  ${value}`);
  console.log('');
}
