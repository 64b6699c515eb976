/**
 * `bench/native-plane.ts`: what one core does in the parts of the native plane, called in batches from one thread.
 * Compare the columns of one run: rounds of all are interleaved, and each figure is the best round, the least disturbed one.
 */

import { type AeadName, openRecordCipher, recordPlaces, testAeads } from 'tun-tap-native';
import { NativeTestPlane } from 'tun-tap-native/testing/plane-data-plane';
import { planeEdge } from 'tun-tap-native/testing/plane-edge';
import { type NativeDecision, NativeGate } from 'tun-tap-native/testing/plane-gate';
import { NativeAllowedIps } from 'tun-tap-native/testing/plane-routes';
import { Random } from 'tun-tap-native/testing/random';
import { type Headers, joined, packetOf, plainHeaders, superFrame } from 'tun-tap-native/testing/segments';

const rounds = 30;
/** What one round of one column takes, about. */
const roundMillis = 2;
const lengths = [64, 128, 256, 512, 1280, 1420, 9000];
/** Records a call: one, a few, and a whole train of a TSO frame. */
const batches = [1, 4, 48];

/** Nanoseconds per item of the best round of each, rounds interleaved. `items` is what one call of `run` does. */
function best(columns: readonly { items: number; run: () => void }[]): number[] {
  const calls = columns.map(({ run }) => {
    const begin = performance.now();
    let made = 0;
    while (performance.now() - begin < roundMillis) {
      run();
      made += 1;
    }
    return made;
  });
  const figures = columns.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { items, run }] of columns.entries()) {
      const count = calls[i] ?? 1;
      const begin = performance.now();
      for (let call = 0; call < count; call++) run();
      const nanos = ((performance.now() - begin) * 1e6) / (count * items);
      figures[i] = Math.min(figures[i] ?? nanos, nanos);
    }
  }
  return figures;
}

function printRow(first: string, rest: readonly string[]): void {
  console.log([first.padEnd(34), ...rest.map((text) => text.padStart(14))].join(''));
}

function benchAead(): void {
  const engines = testAeads()
    .toReversed()
    .flatMap(({ name, reason }) => {
      if (reason !== undefined) console.log(`no ${name} here: ${reason}`);
      return reason === undefined ? [name] : [];
    });
  for (const verb of ['seal', 'open'] as const) {
    printRow(`${verb}, ns a packet; × is against evp`, engines);
    for (const batch of batches) {
      for (const length of lengths) {
        const columns = engines.map((name) => recordColumn(name, verb, length, batch));
        const [evp = 1, ...others] = best(columns);
        printRow(`  ${length} B, ${batch} at a time`, [
          evp.toFixed(0),
          ...others.map((figure) => `${figure.toFixed(0)} ×${(figure / evp).toFixed(2)}`),
        ]);
      }
    }
  }
}

/** Opening gives text, so the sealed records are put back before each call, which is part of the figure: some 2 % of it. */
function recordColumn(
  engine: AeadName,
  verb: 'seal' | 'open',
  length: number,
  batch: number,
): { items: number; run: () => void } {
  const cipher = openRecordCipher(engine, new Random(1).bytes(32));
  const stride = length + 32;
  const places = Array.from({ length: batch }, (_, i) => ({
    offset: 16 + i * stride,
    length,
    counter: BigInt(i),
  }));
  const memory = new Uint8Array(16 + batch * stride);
  const written = recordPlaces(places);
  const verdicts = new Uint8Array(batch);
  if (verb === 'seal') return { items: batch, run: () => cipher.seal(memory, written, verdicts) };
  cipher.seal(memory, written, verdicts);
  const sealed = memory.slice();
  return {
    items: batch,
    run: () => {
      memory.set(sealed);
      if (cipher.open(memory, written, verdicts) !== batch) throw new Error('a record did not open');
    },
  };
}

function benchRoutes(): void {
  const asked = 4096;
  printRow('allowed IPs, ns a look-up', ['1 peer', '2,000 peers', '10,000 peers']);
  for (const size of [4, 16] as const) {
    const columns = [1, 2_000, 10_000].map((peers) => {
      const random = new Random(peers);
      const table = new NativeAllowedIps();
      const addresses = Array.from({ length: peers }, (_, peer) => {
        const prefix = addressOf(size, peer);
        table.apply([{ kind: 'add', peer, prefix, bits: size * 8 }]);
        return prefix;
      });
      const ips = Uint8Array.from(Buffer.concat(Array.from({ length: asked }, () => random.pick(addresses))));
      const found = new Uint32Array(asked);
      return { items: asked, run: () => table.lookupInto(size, ips, found) };
    });
    const figures = best(columns);
    const [one = 1] = figures;
    printRow(
      `  IPv${size === 4 ? 4 : 6}, a /${size * 8} each, at random`,
      figures.map((figure) => `${figure.toFixed(1)} ×${(figure / one).toFixed(2)}`),
    );
  }
}

/** What a fragment of 1230 B costs that does not get past the gate. Of a flood of 20,000/s, 3 µs each is 6 % of a core. */
function benchGate(): void {
  const together = 256;
  const mac = planeEdge<MacEdge>('blake2sMac');
  const key = (n: number) => ({
    id: n,
    mac1: new Uint8Array(32).fill(n),
    cookie: new Uint8Array(32).fill(n),
  });
  const from = { ip: Uint8Array.of(192, 0, 2, 1), port: 51820 };
  /** Fragment `index` of an initiation in two, mac1 right under key 1, and mac2 as said. */
  const fragment = (index: number, mac2 = 0): Uint8Array => {
    const bytes = new Uint8Array(1230);
    bytes.set([0x11, 1, index, 2]);
    const keyed = mac.create();
    mac.setKey(keyed, key(1).mac1);
    mac.compute(keyed, bytes.subarray(0, -32), bytes.subarray(-32, -16));
    bytes.fill(mac2, -16);
    return bytes;
  };
  const wrong = fragment(0).fill(1, 100, 101);
  /** A gate of so many keys, the right one last, and `datagram` refused by it all the time. */
  const column = (keys: number, datagram: Uint8Array, kind: NativeDecision['kind']) => {
    const gate = new NativeGate();
    const secret = new Uint8Array(32);
    gate.set({
      suites: new Map([[1, Array.from({ length: keys }, (_, i) => key(keys - i))]]),
      classical: key(9),
      hasClassicalPeers: false,
      cookieSecrets: { since: 0, previous: secret, current: secret, next: secret },
      expectedIndices: new Set(),
      underLoadUntil: Number.NEGATIVE_INFINITY,
    });
    gate.decide(0, from, fragment(1), 20); // over its rate from here on
    const found = gate.decide(0, from, datagram).kind;
    if (found !== kind) throw new Error(`a fragment was ${found}, not ${kind}`);
    return { items: together, run: () => void gate.decide(0, from, datagram, together) };
  };
  printRow('the gate, ns a fragment of 1230 B', ['wrong mac1', 'over rate', 'wrong mac2', 'cookie reply']);
  for (const keys of [1, 8]) {
    const figures = best([
      column(keys, wrong, 'dropped'),
      column(keys, fragment(1), 'dropped'),
      column(keys, fragment(1, 1), 'dropped'),
      column(keys, fragment(0), 'answered'),
    ]);
    printRow(
      `  ${keys === 1 ? 'one key' : `${keys} keys`}`,
      figures.map((figure) => figure.toFixed(0)),
    );
  }
}

/** What native/testing/blake2s_mac_edge.cc exports. */
interface MacEdge {
  create(): object;
  setKey(mac: object, key: Uint8Array): boolean;
  compute(mac: object, message: Uint8Array, out: Uint8Array): boolean;
}

/** 10.0.0.0 + n, or fd00:: + n. */
function addressOf(size: 4 | 16, n: number): Uint8Array {
  const address = new Uint8Array(size);
  address[0] = size === 4 ? 10 : 0xfd;
  address[size - 2] = n >>> 8;
  address[size - 1] = n;
  return address;
}

/**
 * Two whole planes, each the other end of all sessions of the other: peer n is sent packets from 172.16.0.0 + n to 10.0.0.0 + n. The kernel's part is
 * left out. Receiving, the trains are what one read with UDP_GRO brings, and what belongs together is joined.
 */
function benchPlane(): void {
  const peerCounts = [1, 2_000];
  const fields = peerCounts.map((count) => ({
    count,
    near: planeOf(count, 'near'),
    far: planeOf(count, 'far'),
  }));
  const random = new Random(7);
  const plain = new Uint8Array(10);
  const headersTo = (peer: number): Headers => ({
    ...plainHeaders,
    source: sourceOf(peer),
    destination: addressOf(4, peer),
  });
  const small = (peer: number) => {
    const headers = { ...headersTo(peer), protocol: 'udp' as const };
    return joined(plain, packetOf(headers, new Uint8Array(100)));
  };
  const bulk = (peer: number) => [superFrame(headersTo(peer), new Uint8Array(45 * 1380), 1380)];
  const any = (count: number) => random.below(count);
  const last = (count: number) => count - 1;
  const loads = [
    { name: 'TSO frames, all to one peer', packets: 45, length: 1420, peerOf: last, framesOf: bulk },
    { name: 'TSO frames, one to a peer', packets: 45, length: 1420, peerOf: any, framesOf: bulk },
    {
      name: '128 B, all to one peer',
      packets: 64,
      length: 128,
      peerOf: last,
      framesOf: (peer: number) => Array.from({ length: 64 }, () => small(peer)),
    },
    {
      name: '128 B, 64 to one peer a turn',
      packets: 64,
      length: 128,
      peerOf: any,
      framesOf: (peer: number) => Array.from({ length: 64 }, () => small(peer)),
    },
    {
      name: '128 B, each to any peer',
      packets: 64,
      length: 128,
      peerOf: any,
      framesOf: (_: number, count: number) => Array.from({ length: 64 }, () => small(random.below(count))),
    },
  ];
  const turns = 20;
  printRow('the plane, ns a packet; peers', ['send, 1', 'send, 2,000', 'recv, 1', 'recv, 2,000']);
  for (const { name, packets, length, peerOf, framesOf } of loads) {
    const figures = fields.map(() => [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const frames = fields.map(({ count }) =>
      Array.from({ length: turns }, () => framesOf(peerOf(count), count)),
    );
    const perTurn = frames[0]?.[0]?.length ?? 1;
    for (let round = 0; round < rounds; round++) {
      for (const [i, { near, far }] of fields.entries()) {
        const nanos = near.bench(far, 1, (frames[i] ?? []).flat(), perTurn);
        figures[i] = (figures[i] ?? []).map((figure, k) =>
          Math.min(figure, (nanos[k] ?? 0) / (turns * packets)),
        );
      }
    }
    const [[send = 1, receive = 1] = [], [sendMany = 1, receiveMany = 1] = []] = figures;
    printRow(`  ${name}`, [
      send.toFixed(0),
      `${sendMany.toFixed(0)} ×${(sendMany / send).toFixed(2)}`,
      receive.toFixed(0),
      `${receiveMany.toFixed(0)} ×${(receiveMany / receive).toFixed(2)}`,
    ]);
    if (peerOf !== last) continue;
    const gbits = (nanos: number) => `${((length * 8) / nanos).toFixed(2)} Gb/s`;
    printRow('    one busy peer', [send, sendMany, receive, receiveMany].map(gbits));
  }
}

function planeOf(peers: number, end: 'near' | 'far'): NativeTestPlane {
  const plane = new NativeTestPlane({ engine: 'auto' });
  const key = (peer: number, way: string) => new Random(peer * 2 + Number(way === end)).bytes(32);
  for (let peer = 0; peer < peers; peer++) {
    plane.setPeer(peer, { endpoint: { ip: Uint8Array.of(192, 0, 2, 1), port: 1, scope: 0 } });
    const prefix = end === 'near' ? addressOf(4, peer) : sourceOf(peer);
    plane.setRoutes([{ kind: 'add', peer, prefix, bits: 32 }]);
    plane.install(1, {
      peer,
      role: 'initiator',
      localIndex: Math.imul(peer + 1, 0x9e3779b1) >>> 0,
      remoteIndex: Math.imul(peer + 1, 0x9e3779b1) >>> 0,
      sendKey: key(peer, 'near'),
      receiveKey: key(peer, 'far'),
      timestamp: new Uint8Array(12),
      bornAt: 1,
      limits: {
        rekeyAfterTime: 120_000,
        rejectAfterTime: 180_000,
        rekeyOnReceiveAfter: 165_000,
        rekeyAfterMessages: 2 ** 52,
        rejectAfterMessages: 2 ** 53,
      },
      kind: 'hybrid',
      winsCrossing: false,
    });
  }
  plane.drain();
  plane.takeReports();
  return plane;
}

/** 172.16.0.0 + n. */
function sourceOf(n: number): Uint8Array {
  return Uint8Array.of(172, 16, n >>> 8, n);
}

benchGate();
benchPlane();
benchAead();
benchRoutes();
