/**
 * What the parts around the cipher cost a packet, on one core, and the portable plane as a whole. Labels: `part`, `implementation`
 * (typescript), `variant`. Of the native plane's parts the shipped addon shows none by itself; its whole is the section `tunnel`.
 */
import {
  AllowedIps,
  classify,
  endpoint,
  headRoom,
  innerLength,
  instant,
  millis,
  PacketBuffer,
  type PeerId,
  PortablePlane,
  peerId,
  ReplayWindow,
  Secret,
  type Suite,
  sessionIndex,
  tailRoom,
} from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { taskSeconds } from '../measure/measure.ts';
import type { Row } from '../result.ts';
import type { Context, Found, Section, Task } from '../section.ts';

export const partsSection: Section = {
  id: 'parts',
  title: 'What is around the cipher, a packet, one core',
  isDefault: true,
  estimate: (options) => 15 * taskSeconds(options),
  run: parts,
};

async function parts(context: Context): Promise<Found> {
  const planes = [nodeSuite(), nobleSuite()].flatMap((suite) =>
    planeSizes.map((bytes) => portablePlane(suite, bytes)),
  );
  const tasks = [...replayWindow(), ...allowedIps(), ...parsers(), ...planes.map(({ task }) => task)];
  const rows = await context.measure('parts', tasks);
  return { rows: rows.map((row) => (planes.some(({ task }) => task.row.id === row.id) ? rateOf(row) : row)) };
}

function rowOf(part: string, variant: string, title: string): Task['row'] {
  return {
    id: `parts/${part}/typescript/${variant}`,
    title,
    unit: 'ns',
    labels: { part, implementation: 'typescript', variant },
  };
}

/** A result that a call must not be without, or the compiler would leave the call out. */
const sink = { value: 0 };

function replayWindow(): Task[] {
  const ordered = new ReplayWindow();
  let next = 0;
  const disordered = new ReplayWindow();
  let turn = 0;
  const seen = new ReplayWindow();
  seen.accept(7);
  const row = (variant: string, title: string) => rowOf('replay-window', variant, `replay window, ${title}`);
  return [
    {
      row: row('in-order', 'counters in order'),
      run: () => {
        sink.value += Number(ordered.accept(next++));
      },
    },
    {
      // Each eight backwards, as several queues of a card bring them.
      row: row('out-of-order', 'counters out of order'),
      run: () => {
        sink.value += Number(disordered.accept(turn ^ 7));
        turn += 1;
      },
    },
    {
      row: row('replayed', 'a counter seen before'),
      run: () => {
        sink.value += Number(seen.accept(7));
      },
    },
  ];
}

function allowedIps(): Task[] {
  return [1, 2_000].flatMap((peers) =>
    ([4, 16] as const).map((size) => {
      const table = new AllowedIps();
      const addresses = Array.from({ length: peers }, (_, peer) => {
        const prefix = addressOf(size, peer);
        table.insert(peerId(peer + 1), prefix, size * 8);
        return prefix;
      });
      const asked = shuffled(addresses);
      let turn = 0;
      const version = size === 4 ? 'ipv4' : 'ipv6';
      return {
        row: rowOf(
          'allowed-ips',
          `${version}-${peers}`,
          `who owns an address, ${version}, ${peers} ${peers === 1 ? 'peer' : 'peers'}`,
        ),
        run: () => {
          const found: PeerId | undefined = table.lookupAt(asked[turn] ?? none, 0, size);
          turn = turn + 1 === asked.length ? 0 : turn + 1;
          sink.value += found ?? 0;
        },
      };
    }),
  );
}

const none = new Uint8Array(16);

/** 10.0.0.0 + n, or fd00:: + n. */
function addressOf(size: 4 | 16, n: number): Uint8Array {
  const address = new Uint8Array(size);
  address[0] = size === 4 ? 10 : 0xfd;
  address[size - 2] = n >>> 8;
  address[size - 1] = n;
  return address;
}

/** In an order that no cache foresees, the same in every run: steps of a length that has no common divisor with the count. */
function shuffled<T>(values: readonly T[]): T[] {
  const step = 1_237;
  return Array.from({ length: values.length }, (_, i) => values[(i * step) % values.length] as T); // below the length
}

function parsers(): Task[] {
  const transport = new Uint8Array(1420 + 32);
  transport[0] = 4;
  const initiation = new Uint8Array(1230); // the first of two, of suite 1
  initiation.set([0x11, 1, 0, 2]);
  const inner = { ipv4: new Uint8Array(1420), ipv6: new Uint8Array(1420) };
  inner.ipv4.set([0x45, 0, 1420 >> 8, 1420 & 0xff]);
  inner.ipv6.set([0x60, 0, 0, 0, (1420 - 40) >> 8, (1420 - 40) & 0xff]);
  const datagram = (variant: string, title: string, bytes: Uint8Array): Task => ({
    row: rowOf('parse-datagram', variant, `which message is it, ${title}`),
    run: () => {
      const found = classify(bytes);
      if (typeof found === 'string') throw new Error(`${title}: ${found}`);
      sink.value += found.kind.length;
    },
  });
  const header = (variant: keyof typeof inner): Task => ({
    row: rowOf('parse-inner-header', variant, `an inner packet's true length, ${variant}`),
    run: () => {
      if (innerLength(inner[variant], 0, 1420) !== 1420)
        throw new Error(`an inner ${variant} packet was not read`);
      sink.value += 1;
    },
  });
  return [
    datagram('transport', 'a sealed packet', transport),
    datagram('initiation-fragment', 'a fragment of an initiation', initiation),
    header('ipv4'),
    header('ipv6'),
  ];
}

const planeSizes = [128, 1420] as const;
const together = 64;
const now = instant(0);

/** Seal, hand over, open, deliver: both ends on one core, and no sockets. */
function portablePlane(suite: Suite, bytes: number): { task: Task } {
  const { sender, receiver } = planePair(suite);
  const from = endpoint(Uint8Array.of(192, 0, 2, 1), 1);
  const header = [0x45, 0, bytes >> 8, bytes & 255, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
  const run = (): void => {
    let delivered = 0;
    for (let i = 0; i < together; i++) {
      const memory = new Uint8Array(headRoom + bytes + tailRoom);
      memory.set(header, headRoom);
      sender.handlePacket(now, new PacketBuffer(memory, headRoom, bytes));
      for (let output = sender.poll(); output !== undefined; output = sender.poll())
        if (output.kind === 'datagram') receiver.handleTransport(now, from, undefined, output.bytes);
      for (let output = receiver.poll(); output !== undefined; output = receiver.poll()) delivered += 1;
    }
    sender.takeReports();
    receiver.takeReports();
    if (delivered !== together)
      throw new Error(`the portable plane delivered ${delivered} of ${together} packets`);
  };
  const row = rowOf(
    'portable-plane',
    `${suite.name}-${bytes}`,
    `portable plane with ${suite.name}, ${bytes} B, both ends on one core`,
  );
  return { task: { row: { ...row, bytes, batch: together }, run } };
}

/** The same measurement, told as people ask for it. */
function rateOf(row: Row): Row {
  const rate = (nanos: number): number => 1e9 / nanos;
  const { p99: _, margin, quantiles, ...rest } = row;
  return {
    ...rest,
    unit: 'packets/s',
    better: 'more',
    median: rate(row.median),
    rounds: row.rounds.map(rate),
    ...(margin === undefined ? {} : { margin }),
    ...(quantiles === undefined ? {} : { quantiles: quantiles.map(rate).reverse() }),
  };
}

function planePair(suite: Suite): { sender: PortablePlane; receiver: PortablePlane } {
  const keys = [suite.random(32), suite.random(32)] as const;
  const endless = {
    rekeyAfterTime: millis(1e9),
    rejectAfterTime: millis(2e9),
    rekeyOnReceiveAfter: millis(1e9),
    rekeyAfterMessages: 2 ** 52,
    rejectAfterMessages: 2 ** 53 - 1,
  };
  const open = (role: 'initiator' | 'responder', send: Uint8Array, receive: Uint8Array): PortablePlane => {
    const plane = new PortablePlane({ suite });
    const peer = peerId(1);
    plane.setPeer(peer, { endpoint: endpoint(Uint8Array.of(192, 0, 2, 9), 9), kind: 'hybrid' });
    plane.setRoutes([{ kind: 'add', peer, prefix: new Uint8Array(4), bits: 0 }]);
    plane.install(now, {
      peer,
      role,
      localIndex: sessionIndex(7),
      remoteIndex: sessionIndex(7),
      sendKey: Secret.copyOf(send),
      receiveKey: Secret.copyOf(receive),
      timestamp: new Uint8Array(12),
      bornAt: now,
      limits: endless,
      kind: 'hybrid',
      winsCrossing: true,
    });
    plane.takeReports();
    return plane;
  };
  return { sender: open('initiator', keys[0], keys[1]), receiver: open('responder', keys[1], keys[0]) };
}
