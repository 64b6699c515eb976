/**
 * Our side of the matrix: `endpoint.ts --crypto node|noble run --config FILE`, steered by JSON lines (`commands.ts`).
 *
 * On the real clock it is `openTunnel` with a device in memory, as an embedding program would have it. With a scaled clock,
 * under forced load, or with a classical peer it is core's tunnel on a socket: what these need is no part of the public API.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Command, type Driver, type EndpointConfig, type Event, fromHex, onlyPeer } from './commands.ts';
import { EngineDriver } from './engine-driver.ts';
import { TunnelDriver } from './tunnel-driver.ts';

const { values, positionals } = parseArgs({
  options: { crypto: { type: 'string', default: 'node' }, config: { type: 'string' } },
  allowPositionals: true,
});
const { crypto, config: file } = values;
if (positionals[0] !== 'run' || file === undefined || (crypto !== 'node' && crypto !== 'noble')) {
  throw new Error('want: endpoint.ts [--crypto node|noble] run --config FILE');
}
const config = JSON.parse(readFileSync(file, 'utf8')) as EndpointConfig; // written by the runner

const emit = (event: Event): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};
process.stdout.on('error', () => process.exit(1)); // nobody listens any more

const driver = await open();
emit({ event: 'ready', listen: driver.listen });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command; // the runner's
  if (command.do === 'quit') break;
  try {
    obey(driver, command);
  } catch (error) {
    emit({ event: 'error', text: error instanceof Error ? error.message : String(error) });
  }
}
emit({ event: 'bye', ...driver.stats() });
await driver.close();
process.exit(0);

async function open(): Promise<Driver> {
  const needsEngine =
    (config.clockScale ?? 1) !== 1 ||
    config.faults?.forceCookies === true ||
    onlyPeer(config).kemPublicKey === undefined;
  if (!needsEngine) return TunnelDriver.open(config, crypto as 'node' | 'noble', emit); // checked above
  const suite =
    crypto === 'node'
      ? (await import('@pqtun/core/node')).nodeSuite()
      : (await import('@pqtun/core/noble')).nobleSuite();
  return EngineDriver.open(config, suite, emit);
}

function obey(party: Driver, command: Exclude<Command, { do: 'quit' }>): void {
  switch (command.do) {
    case 'send':
      return party.send(fromHex(command.packet));
    case 'initiate':
      return party.initiate();
    case 'probe':
      return party.probe(command.token, command.size);
    case 'stats':
      return emit({ event: 'stats', ...party.stats() });
    default:
      command satisfies never;
      throw new Error('unknown command');
  }
}
