/** Tests of refused packets compare fingerprints, so here each thing that a packet could change is shown to be in one. */
import { expect, test } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { Secret } from '../crypto/secret.ts';
import { sessionLimits } from '../limits.ts';
import { endpoint, instant, peerId, sessionIndex } from '../types.ts';
import { fingerprint } from './fingerprint.ts';
import { Keypair } from './keypairs.ts';
import { PacketBuffer } from './packet-buffer.ts';
import { PlaneState } from './plane-state.ts';
import type { Remote } from './remote.ts';

const now = instant(1_000);
const suite = nobleSuite();
const ip = (last: number) => Uint8Array.of(192, 0, 2, last);

function keypair(index: number, remoteIndex = 9, at = now): Keypair {
  return new Keypair(suite, {
    peer: peerId(1),
    role: 'responder',
    localIndex: sessionIndex(index),
    remoteIndex: sessionIndex(remoteIndex),
    sendKey: new Secret(new Uint8Array(32).fill(1)),
    receiveKey: new Secret(new Uint8Array(32).fill(2)),
    timestamp: new Uint8Array(12).fill(index),
    bornAt: at,
    limits: sessionLimits('standard'),
    kind: 'hybrid',
    winsCrossing: true,
  });
}

/** A current session, changed as given. */
function withCurrent(remote: Remote, change: (current: Keypair) => void = () => {}): void {
  const current = keypair(1);
  remote.keypairs.addInitiated(now, current);
  change(current);
}

const changes: readonly (readonly [what: string, make: (state: PlaneState, remote: Remote) => void])[] = [
  ['nothing', () => {}],
  ['another peer', (state) => state.remote(peerId(2))],
  ['an endpoint', (_, remote) => remote.move(endpoint(ip(1), 1000), undefined)],
  ['another port', (_, remote) => remote.move(endpoint(ip(1), 1001), undefined)],
  ['another address', (_, remote) => remote.move(endpoint(ip(2), 1000), undefined)],
  ...[ip(3), ip(4)].map((local, i): (typeof changes)[number] => [
    `local address ${i}`,
    (_, remote) => remote.move(endpoint(ip(1), 1000), { ip: local, interfaceIndex: 1 }),
  ]),
  ['another interface', (_, remote) => remote.move(endpoint(ip(1), 1000), { ip: ip(3), interfaceIndex: 2 })],
  ['a path MTU', (_, remote) => remote.configure({ pathMtu: 1300 })],
  ['a kind', (_, remote) => remote.configure({ kind: 'classical' })],
  ['a packet staged', (_, remote) => void remote.staged.push(PacketBuffer.copyOf(new Uint8Array(40)))],
  ['a larger one', (_, remote) => void remote.staged.push(PacketBuffer.copyOf(new Uint8Array(400)))],
  ['a byte received', (_, remote) => void remote.counters.bytesReceived++],
  ['a byte sent', (_, remote) => void remote.counters.bytesSent++],
  ['a packet received', (_, remote) => void remote.counters.packetsReceived++],
  ['a packet sent', (_, remote) => void remote.counters.packetsSent++],
  ['something to report', (state, remote) => void state.reports.of(remote)],
  [
    'something else to report',
    (state, remote) => {
      state.reports.of(remote).dataSent = true;
    },
  ],
  ['an output', (state) => state.outputs.push({ kind: 'packet', peer: peerId(1), bytes: new Uint8Array(1) })],
  [
    'a control message for the engine',
    (state) =>
      state.reports.push({
        kind: 'control',
        peer: peerId(1),
        from: endpoint(ip(1), 1),
        localAddress: undefined,
        payload: new Uint8Array(16),
      }),
  ],
  ['a session in the table', (state) => state.sessions.add(keypair(1))],
  [
    'one erased by age',
    (state) => {
      const old = keypair(1);
      state.sessions.add(old);
      state.sessions.erase(instant(1_000_000), old);
    },
  ],
  ['a current session', (_, remote) => withCurrent(remote)],
  ['another index', (_, remote) => void remote.keypairs.addInitiated(now, keypair(2))],
  ['another index there', (_, remote) => void remote.keypairs.addInitiated(now, keypair(1, 8))],
  [
    'another time of confirmation',
    (_, remote) => void remote.keypairs.addInitiated(instant(1001), keypair(1)),
  ],
  ['a counter sent', (_, remote) => withCurrent(remote, ({ sendCounter }) => sendCounter.take())],
  ['a counter seen', (_, remote) => withCurrent(remote, ({ window }) => window.mark(0))],
  ['a later one', (_, remote) => withCurrent(remote, ({ window }) => window.mark(3))],
  ...[
    [0, 3],
    [1, 3],
    [0, 1, 3],
    [0, 2, 3],
    [1, 2, 3],
    [0, 1, 2, 3],
  ].map((seen): (typeof changes)[number] => [
    `counters ${seen} seen`,
    (_, remote) => withCurrent(remote, ({ window }) => seen.forEach((counter) => void window.mark(counter))),
  ]),
  [
    'one at the end of the window',
    (_, remote) => withCurrent(remote, ({ window }) => [0, 8128].forEach((c) => void window.mark(c))),
  ],
  [
    'the one at its end unseen',
    (_, remote) => withCurrent(remote, ({ window }) => [1, 8128].forEach((c) => void window.mark(c))),
  ],
  [
    'a previous session',
    (_, remote) => {
      withCurrent(remote);
      remote.keypairs.addInitiated(now, keypair(2));
    },
  ],
  ['a next', (_, remote) => void remote.keypairs.addNext(keypair(1))],
  ['another next', (_, remote) => void remote.keypairs.addNext(keypair(2))],
  [
    'a stored timestamp',
    (_, remote) => {
      const next = keypair(1);
      remote.keypairs.addNext(next);
      remote.keypairs.confirm(now, next);
    },
  ],
  [
    'another stored timestamp',
    (_, remote) => {
      const next = keypair(1);
      next.timestamp[11] = 77;
      remote.keypairs.addNext(next);
      remote.keypairs.confirm(now, next);
    },
  ],
];

test('every difference that a packet could make is in the fingerprint', () => {
  const seen = new Map<string, string>();
  for (const [what, make] of changes) {
    const state = new PlaneState(suite, 1420);
    make(state, state.remote(peerId(1)));
    const text = fingerprint(state);
    expect(seen.get(text), `${what} looks as the other`).toBeUndefined();
    seen.set(text, what);
  }
});

test('equal states have equal fingerprints, whatever keys they hold', () => {
  for (const [, make] of changes) {
    const [one, other] = [new PlaneState(suite, 1420), new PlaneState(nobleSuite(), 1420)];
    for (const state of [one, other]) make(state, state.remote(peerId(1)));
    expect(fingerprint(one)).toBe(fingerprint(other));
  }
});

test('counters seen are told as distances below the highest, in ranges', () => {
  const state = new PlaneState(suite, 1420);
  withCurrent(state.remote(peerId(1)), ({ window }) => {
    for (const counter of [0, 1, 4, 5, 6, 9]) window.mark(counter);
  });
  expect(fingerprint(state)).toContain('"highest":9,"seen":"0-0 3-5 8-9"');
});
