/** What is printed while cells run, and what is written when all have. */
import { readFileSync } from 'node:fs';
import type { Result } from './matrix.ts';
import { badWeatherScale, rekeyScale } from './scenarios.ts';

const marks = { passed: '✓', failed: '✗', skipped: '–' } as const;

/** One line for a cell that ended; a failed one with all it said. */
export function resultLine({ cell, outcome, time, reason }: Result): string {
  const tail =
    outcome === 'failed' ? `\n${indented(reason ?? '')}` : outcome === 'skipped' ? `: ${reason}` : '';
  return `${marks[outcome]} ${cell.peer}: ${cell.scenario} (${time.toFixed(1)} s)${tail}`;
}

/** Scenarios down, peers across; for a terminal. */
export function plainTable(results: readonly Result[]): string {
  const { peers, scenarios, mark } = arranged(results);
  const width = Math.max(...scenarios.map((scenario) => scenario.length));
  const head = `${' '.repeat(width)}  ${peers.join('  ')}`;
  const lines = scenarios.map((scenario) => {
    const cells = peers.map((peer) => mark(peer, scenario).padEnd(peer.length));
    return `${scenario.padEnd(width)}  ${cells.join('  ')}`.trimEnd();
  });
  return [head, ...lines].join('\n');
}

function markdownTable(results: readonly Result[]): string {
  const { peers, scenarios, mark } = arranged(results);
  return [
    `| | ${peers.join(' | ')} |`,
    `|---|${peers.map(() => ':-:|').join('')}`,
    ...scenarios.map(
      (scenario) => `| ${scenario} | ${peers.map((peer) => mark(peer, scenario)).join(' | ')} |`,
    ),
  ].join('\n');
}

function arranged(results: readonly Result[]) {
  const outcomes = new Map(results.map(({ cell, outcome }) => [`${cell.peer}/${cell.scenario}`, outcome]));
  const mark = (peer: string, scenario: string): string => {
    const outcome = outcomes.get(`${peer}/${scenario}`);
    return outcome === undefined ? '' : marks[outcome];
  };
  const peers = [...new Set(results.map(({ cell }) => cell.peer))];
  const scenarios = [...new Set(results.map(({ cell }) => cell.scenario))];
  return { peers, scenarios, mark };
}

export interface Run {
  /** In the order in which the cells were listed. */
  readonly pairs: readonly Result[];
  readonly wireguard: readonly Result[];
  readonly versions: readonly (readonly [name: string, version: string])[];
  readonly long: boolean;
}

/** docs/interop.md, whole. */
export function page({ pairs, wireguard, versions, long }: Run): string {
  const all = [...pairs, ...wireguard];
  const count = (outcome: Result['outcome']): number =>
    all.filter((result) => result.outcome === outcome).length;
  const skipped = new Map(
    all.flatMap(({ cell, reason, outcome }) => (outcome === 'skipped' ? [[cell.peer, reason]] : [])),
  );
  return `# Interoperability

Written by \`npm run interop${long ? ' -- --long' : ''}\`; not to be edited. ${count('passed')} cells passed, ${count('failed')} failed, ${count('skipped')} were skipped.
✓ passed, ✗ failed, – skipped, empty: not in this run.

| program | version |
|---|---|
${versions.map(([name, version]) => `| ${name} | ${version} |`).join('\n')}

${[...skipped].map(([peer, reason]) => `Skipped: ${peer}: ${reason}\n\n`).join('')}## pqtun with pqtun

Two processes over 127.0.0.1: the initiator first, the responder behind the arrow. \`node\` and \`noble\` are our back ends, \`go\`
is the second implementation, [interop/pqtun-go](../interop/pqtun-go/README.md), written from the protocol's page alone.

- **suite, keys**: handshake confirmed by a keepalive alone; inner packets of 20, 100 and 1420 B both ways; probes of 16 and
  1200 B with their answers both ways; nothing refused on either side but copies of a message, as a slow machine brings them on.
- **cookie**: the responder is under load from the start; with a deployment key.
- **M = 508**: with a pre-shared key, no handshake datagram above 508 B on the wire.
- **loss and reorder**: a fifth of all datagrams lost, up to 8 ms of delay each, drawn from a seed; what arrives is what was sent,
  once. Clock ${badWeatherScale} times faster.
- **three rekeys**: by age, with traffic both ways, of which no packet is lost (but what the kernel itself let fall, counted on
  the two sockets). Clock ${rekeyScale} times faster.

${markdownTable(pairs)}

## WireGuard

The other program runs in a network namespace with a TUN of its own and is configured through its control socket; on our side
the daemon does the same with the peer as \`Mode = classical\`.

- **initiator**, **responder**: our role. Inner packets of 32, 100 and 1420 B both ways.
- **three new sessions**: three times the side that begins forgets the other and everything about it. A WireGuard session is
  renewed after 120 s; \`npm run interop -- --long\` waits for that three times in each role (**three rekeys**).
- **roaming**: they change their address, then we do. **keepalive**: \`PersistentKeepalive = 1\`, no data, and we change our address.
- **cookie from us**: our engine is under load (its own endpoint program: the daemon cannot be told to be). **cookie from them**:
  they are flooded with initiations that bear a valid mac1; ours is answered once it has proved its address.
- **no downgrade**: their X25519 key is that of a peer with a KEM key. Types 1 and 2 are refused, nothing is answered, and
  \`downgrade-refused\` counts each. **Classical peer beside**: another peer of the same daemon is classical, and is served.

${markdownTable(wireguard)}

## Captured handshakes

Checked by \`packages/core/src/handshake/classical.test.ts\` in every \`npm test\`: each message made and opened in both roles with both
back ends, byte for byte, with both session keys and every transport packet. Where they come from is in [test/vectors/README.md](../test/vectors/README.md).

${captured()}

## Vectors

\`test/vectors/pqtun-v1.json\`, made by the second implementation, is checked in every \`npm test\` by \`test/vectors/pqtun-v1.test.ts\` and
\`packages/core/src/handshake/pqtun-v1.test.ts\`. \`npm run interop -- --faults\` plants one wrong byte in each step of the key schedule in turn
and shows that vectors and live cells notice.
`;
}

function captured(): string {
  const read = (name: string) =>
    JSON.parse(readFileSync(new URL(`../test/vectors/wireguard/${name}`, import.meta.url), 'utf8')) as {
      vectors: { name?: string; source?: string; preshared_key?: string; transport?: unknown[] }[];
    }; // our own files
  const handshakes = read('handshakes.json').vectors.map(
    ({ name, preshared_key: psk = '', transport = [] }) =>
      `- \`${name}\`: ${/^0*$/.test(psk) ? 'no pre-shared key' : 'with a pre-shared key'}, ${transport.length} transport packets`,
  );
  const cookies = read('cookies.json').vectors.map(({ source }) => source);
  return [...handshakes, `- cookie replies to the four initiations, for ${cookies.join(', ')}`].join('\n');
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
