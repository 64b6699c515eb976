/** `node run.ts <script> <scenario>`: see scenario.ts. */
import { openNetlink } from '../index.ts';

const [script = '', name = ''] = process.argv.slice(2);
const loaded: unknown = await import(new URL(script, import.meta.url).href);
// Every script here exports `scenarios`; anything else fails below.
const { scenarios } = loaded as { scenarios: Record<string, () => Promise<void> | void> };
const scenario = scenarios[name];
if (scenario === undefined) throw new Error(`${script} has no scenario "${name}"`);
// A fresh namespace has its loopback down.
if (process.env['TUNTAP_ISOLATED'] === '1') openNetlink().setLink('lo', { up: true });
let done = false;
// A scenario that waits for what never comes lets the loop run dry: that must not pass for success.
process.on('exit', (code) => {
  if (!done && code === 0) {
    console.error(`scenario "${name}" ended before it was through`);
    process.exitCode = 1;
  }
});
await scenario();
done = true;
