/** `docs/arm64.md`, from what was counted. */
import { join } from 'node:path';
import { root } from '../paths.ts';
import { type Architecture, type Instructions, instructionsOf, recordId } from './instructions.ts';
import { cipherLengths, engines, handshakePlans, planeLoads } from './plan.ts';
import {
  boards,
  cipherId,
  cipherPerCycleOf,
  handshakesPerSecond,
  instructionsPerByte,
  kernelShare,
  loads,
  planWith,
  sizeOf,
} from './sizing.ts';

export const documentFile = join(root, 'docs', 'arm64.md');

export function documentOf(instructions: Instructions): string {
  return `# On arm64

<!-- Written by \`npm run count:arm64 -- --write-docs\` from docs/benchmarks/instructions.json. Do not edit: the next run writes it anew. -->

How pqtun is tried on arm64 without an arm64 machine, what a packet and a handshake cost there in instructions, and what a board may
be expected to do. **No time in this document was measured on an arm64 machine.** Where you have the board, run \`pqtun bench\` on it.

## What is run, and how

\`npm run test:arm64\` on an x64 machine with Debian's \`g++-aarch64-linux-gnu\` and \`qemu-user\` (as root it installs them):

1. The addon is cross-built against the headers of the pinned Node for arm64, into \`packages/tun-tap-native/prebuilds/linux-arm64\`.
2. The published vectors, on both crypto back ends; the contract of all data planes, portable and native; and the tests that compare
   each C++ class with a slow twin run in that Node for arm64 under the emulator \`qemu-aarch64\`. The processor is a Cortex-A72, which
   has NEON; those of the cipher run again on the emulator's largest processor, which has SVE, for libcrypto then takes other code.
3. Two real daemons in network namespaces carry echoes and a file: both on arm64, and one on arm64 with one on x64; over the native
   plane with every offload, and over the portable one.
4. \`pqtun bench --quick\` runs there, and says of itself that it is no measurement.
5. The records and packets of the tables below are counted again, and must be as they are printed: records to 3 %, packets, which depend
   on the compiler, to 15 %. \`npm run count:arm64 -- --check\` is this alone.

The engine \`multibuffer\` is for x64 processors with AVX2 or AVX-512, and says so; on arm64 a native plane takes \`raw\`, which is
libcrypto's own assembly for NEON.

What an emulator cannot show: time; what caches, memory and a network card do; an arm64 kernel, since system calls are the x64
kernel's; and \`SO_MARK\`, which qemu 7.2 does not pass on, so that \`FwMark\` is not tried there.

## How instructions are counted

\`npm run count:arm64\` runs the same program in Node ${instructions.node} (OpenSSL ${instructions.openssl}) for both architectures under
${instructions.emulator}, with a plugin that counts the instructions executed. x64: processor \`${instructions.processors.x64}\`, built with
${instructions.compilers.x64}. arm64: processor \`${instructions.processors.arm64}\`, built with ${instructions.compilers.arm64}.
Counted ${instructions.counted}, pqtun ${instructions.pqtun}.

Counts are of **user mode only**: the kernel's part of a packet (TUN, UDP, routing, the network card) is not in them. C++ is run twice,
once with twice the turns, and the difference counts, so nothing of starting up is in them either. Another run gives the same for records
to the instruction, for packets to one in a thousand, and for handshakes, which are compiled while they run, to 2 %. A loop of known length must come out right to the instruction, or there is no table. An instruction is
no unit of time: vector instructions do much and take long, and no processor takes all at one speed. They do compare: between engines,
between versions of pqtun, and between machines, which time does not.

## Instructions a record

Sealing, 48 records at a time (what a super-frame is cut into), and 1 at a time. Opening costs the same within 4 % for records of 128 B and
more.

${recordTable(instructions)}

On x64 the emulator has AVX2 and no AVX-512, with which \`multibuffer\` needs fewer.

## Instructions a packet

From the frame read from the TUN to the datagram given to the socket, and back: everything the native plane does, with the engine it takes
by itself (x64: \`multibuffer\`, arm64: \`raw\`), to one peer. In brackets what is not the cipher.

${planeTable(instructions)}

## Instructions a handshake

One end's part of one handshake, from the packet that asks for it to the first packet that arrives: TypeScript and the crypto back end,
after warming up. The middle of many.

${handshakeTable(instructions)}

## What a board may be expected to do

One core that does nothing else, one direction, the one that costs more; Mbit/s are those of the packets inside the tunnel. **Plan with
${planWith * 100} % of it**, which is in brackets. The native plane's thread is one; a second direction at the same time shares its core.

${sizingTable(instructions)}

How it is derived:

> cycles a packet = cipher ÷ *cipher a cycle* + (plane + kernel) ÷ *other a cycle*;
> packets/s = clock ÷ cycles a packet

| | from |
|---|---|
| cipher, plane | counted: the tables above, arm64 |
| kernel | **assumed**, instructions a packet: ${loads.map(({ title, kernel }) => `${whole(kernel)} (${title})`).join(', ')}. For TUN, routing, UDP, and a network card with its driver on both sides; drivers differ widely |
| cipher a cycle | ${cipherSource(instructions)} |
| other a cycle | **assumed**, instructions a cycle: ${boards.map(({ core, otherPerCycle }) => `${core} ${otherPerCycle}`).join(', ')} |
| clock | as the board class is named; throttling makes it less |

How much hangs on the kernel's part: of a packet's cycles it is ${kernelShares(instructions)}.
`;
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function recordTable(instructions: Instructions): string {
  const columns = engines.flatMap((engine) =>
    (['x64', 'arm64'] as const)
      .filter((architecture) => !(engine === 'multibuffer' && architecture === 'arm64'))
      .map((architecture) => ({ engine, architecture })),
  );
  const rows = cipherLengths.map((length) => [
    `${length} B`,
    ...columns.map(({ engine, architecture }) => {
      const of = (batch: number): number =>
        instructionsOf(instructions, recordId('seal', engine, length, batch), architecture);
      return `${whole(of(48))}; ${whole(of(1))}`;
    }),
  ]);
  return table(['', ...columns.map(({ engine, architecture }) => `\`${engine}\`, ${architecture}`)], rows);
}

function planeTable(instructions: Instructions): string {
  const cell = (
    load: (typeof planeLoads)[number],
    direction: 'send' | 'receive',
    architecture: Architecture,
  ): string => {
    const all = instructionsOf(instructions, `plane/${direction}/${load.name}`, architecture);
    const engine = architecture === 'arm64' ? 'raw' : 'multibuffer';
    const cipher = instructionsOf(instructions, cipherId(load, direction, engine), architecture);
    return `${whole(all)} (${whole(all - cipher)})`;
  };
  return table(
    ['', 'sending, x64', 'sending, arm64', 'receiving, x64', 'receiving, arm64'],
    planeLoads.map((load) => [
      load.title,
      ...(['send', 'receive'] as const).flatMap((direction) =>
        (['x64', 'arm64'] as const).map((architecture) => cell(load, direction, architecture)),
      ),
    ]),
  );
}

function handshakeTable(instructions: Instructions): string {
  const millions = (id: string, architecture: Architecture): string =>
    `${(instructionsOf(instructions, id, architecture) / 1e6).toFixed(1)} million`;
  return table(
    ['', 'initiator, x64', 'initiator, arm64', 'responder, x64', 'responder, arm64'],
    handshakePlans.map(({ backEnd, suite }) => [
      `suite ${suite}, back end \`${backEnd}\``,
      ...(['initiator', 'responder'] as const).flatMap((role) =>
        (['x64', 'arm64'] as const).map((architecture) =>
          millions(`handshake/${backEnd}/${suite}/${role}`, architecture),
        ),
      ),
    ]),
  );
}

function sizingTable(instructions: Instructions): string {
  return table(
    ['core', 'found in', ...loads.map(({ title }) => title), 'handshakes answered'],
    boards.map((board) => [
      `${board.core}, ${board.gigahertz} GHz`,
      board.found,
      ...loads.map((load) => {
        const { megabits, packetsPerSecond } = sizeOf(instructions, board, load);
        const [most, plan] = [megabits, megabits * planWith].map((value) => whole(twoDigits(value)));
        return `${most} Mbit/s (${plan}), ${whole(twoDigits(packetsPerSecond / 1000))},000 packets/s`;
      }),
      `${whole(twoDigits(handshakesPerSecond(instructions, board)))}/s`,
    ]),
  );
}

function kernelShares(instructions: Instructions): string {
  const shares = boards.map((board) => {
    const each = loads.map((load) => `${Math.round(100 * kernelShare(instructions, board, load))} %`);
    return `${each.join(', ')} (${board.core})`;
  });
  return `${shares.join('; ')}, in the order of the columns`;
}

/** More would claim what was not measured. */
function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}

function cipherSource(instructions: Instructions): string {
  const perByte = instructionsPerByte(instructions).toFixed(2);
  const each = boards.map((board) => {
    const value = cipherPerCycleOf(instructions, board).toFixed(2);
    if ('assumed' in board.cipher) return `${board.core} ${value}, **assumed**`;
    return `${board.core} ${value}, from what is published for ${board.cipher.publishedFor}`;
  });
  return `instructions a cycle: ${each.join('; ')}. Published are cycles a byte of long texts, in the heads of OpenSSL's \`chacha-armv8.pl\` and \`poly1305-armv8.pl\` (Cortex-A53 4.72 + 1.47, Cortex-A57 4.43 + 1.14); counted here are ${perByte} instructions a byte`;
}
