/** What only the portable plane has; the contract of all planes is in test/contract/data-plane.test.ts. */
import { describe, expect, test } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { Secret } from '../crypto/secret.ts';
import { sessionLimits } from '../limits.ts';
import { endpoint, instant, peerId, type Role, sessionIndex } from '../types.ts';
import { headRoom, PacketBuffer, tailRoom } from './packet-buffer.ts';
import type { SessionInstall } from './plane.ts';
import { defaultTunnelMtu, PortablePlane } from './portable-plane.ts';

const suite = nobleSuite();
const now = instant(1_000);
const at = endpoint(Uint8Array.of(192, 0, 2, 1), 51820);

/** Two planes with a session between them; each owns the other's 10.0.0.0/8. */
function pair() {
  const [left, right] = [new PortablePlane({ suite }), new PortablePlane({ suite })];
  setUp(left);
  setUp(right);
  left.install(now, session('initiator', 1, 2, key(1), key(2)));
  right.install(now, session('responder', 2, 1, key(2), key(1)));
  while (left.poll() !== undefined); // the keepalive of N2
  return { left, right };
}

function setUp(plane: PortablePlane): void {
  plane.setPeer(peerId(1), { endpoint: at });
  plane.setRoutes([{ kind: 'add', peer: peerId(1), prefix: Uint8Array.of(10, 0, 0, 0), bits: 8 }]);
}

function session(
  role: Role,
  local: number,
  remote: number,
  sendKey: Secret,
  receiveKey: Secret,
): SessionInstall {
  return {
    peer: peerId(1),
    role,
    localIndex: sessionIndex(local),
    remoteIndex: sessionIndex(remote),
    sendKey,
    receiveKey,
    timestamp: new Uint8Array(12),
    bornAt: now,
    limits: sessionLimits('standard'),
    kind: 'hybrid',
    winsCrossing: true,
  };
}

function key(mark: number): Secret {
  return new Secret(new Uint8Array(32).fill(mark));
}

function ipPacket(length: number): Uint8Array {
  const packet = new Uint8Array(length).fill(0xaa);
  packet.set([0x45, 0, length >>> 8, length & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
  return packet;
}

describe('portable plane', () => {
  test('seals a packet buffer where it lies, and opens a datagram where it lies', () => {
    const { left, right } = pair();
    const memory = new Uint8Array(headRoom + 50 + tailRoom);
    memory.set(ipPacket(50), headRoom);
    left.handlePacket(now, new PacketBuffer(memory, headRoom, 50));
    const sent = left.poll();
    expect([sent?.kind, sent?.bytes.buffer, sent?.bytes.length]).toEqual([
      'datagram',
      memory.buffer,
      16 + 64 + 16,
    ]);
    right.handleTransport(now, at, undefined, sent?.bytes ?? memory);
    const received = right.poll();
    expect(received).toEqual({ kind: 'packet', peer: 1, bytes: ipPacket(50) });
    expect(received?.bytes.buffer).toBe(memory.buffer);
  });

  test('copies bare bytes', () => {
    const { left } = pair();
    const packet = ipPacket(50);
    left.handlePacket(now, packet);
    expect(packet).toEqual(ipPacket(50));
    expect(left.poll()?.bytes.buffer).not.toBe(packet.buffer);
  });

  test('a staged packet is sealed in its own buffer once the session is there', () => {
    const plane = new PortablePlane({ suite });
    const buffer = PacketBuffer.copyOf(ipPacket(40));
    setUp(plane);
    plane.handlePacket(now, buffer);
    expect(plane.poll()).toBeUndefined();
    plane.install(now, session('initiator', 1, 2, key(1), key(2)));
    expect(plane.poll()?.bytes.buffer).toBe(buffer.memory.buffer);
    expect(plane.poll()).toBeUndefined();
  });

  test('what is no transport datagram is refused by handleTransport, whatever it is', () => {
    const { left } = pair();
    const cookie = new Uint8Array(64).fill(3, 0, 1);
    for (const bytes of [new Uint8Array(0), cookie, Uint8Array.of(5), Uint8Array.of(0x11, 1)]) {
      left.handleTransport(now, at, undefined, bytes);
    }
    expect(Object.fromEntries(left.takeReports().drops)).toEqual({ 'bad-length': 2, 'unknown-type': 2 });
    expect([left.drops.of('bad-length'), left.drops.of('unknown-type')]).toEqual([2, 2]);
  });

  test('drops are counted for good beside what each report takes', () => {
    const { left } = pair();
    left.handlePacket(now, new Uint8Array(0));
    left.takeReports();
    left.handlePacket(now, new Uint8Array(0));
    expect(left.drops.of('bad-inner-packet')).toBe(2);
    expect(left.takeReports().drops.get('bad-inner-packet')).toBe(1);
  });

  test('poll gives outputs in order, also when more come in between', () => {
    const { left } = pair();
    const datagram = (n: number) => ({ to: at, localAddress: undefined, bytes: Uint8Array.of(n) });
    left.sendDatagrams([1, 2].map(datagram));
    expect(left.poll()?.bytes).toEqual(Uint8Array.of(1));
    left.sendDatagrams([3].map(datagram));
    expect([left.poll()?.bytes[0], left.poll()?.bytes[0], left.poll(), left.poll()]).toEqual([
      2,
      3,
      undefined,
      undefined,
    ]);
  });

  test('a packet too big for the path is answered if its source may be, and only counted if not', () => {
    const { left } = pair();
    left.setPeer(peerId(1), { pathMtu: 500 });
    left.handlePacket(now, ipPacket(600));
    expect([left.poll()?.kind, left.poll()]).toEqual(['packet', undefined]);
    const fromLoopback = ipPacket(600);
    fromLoopback.set([127, 0, 0, 1], 12);
    left.handlePacket(now, fromLoopback);
    expect(left.poll()).toBeUndefined();
    expect(left.takeReports().drops.get('too-big')).toBe(2);
  });

  test('a route to a peer that was never set leads nowhere', () => {
    const plane = new PortablePlane({ suite });
    plane.setRoutes([{ kind: 'add', peer: peerId(1), prefix: Uint8Array.of(10, 0, 0, 0), bits: 8 }]);
    plane.handlePacket(now, ipPacket(50));
    expect(Object.fromEntries(plane.takeReports().drops)).toEqual({ 'no-endpoint': 1 });
  });

  test('what is staged stays so while the endpoint is taken away, and while counters are used up', () => {
    const plane = new PortablePlane({ suite });
    setUp(plane);
    for (const length of [40, 41, 42]) plane.handlePacket(now, ipPacket(length));
    plane.setPeer(peerId(1), { endpoint: null });
    plane.install(now, session('initiator', 1, 2, key(1), key(2)));
    plane.flushStaged(now, peerId(1));
    expect(plane.poll()).toBeUndefined();
    plane.setPeer(peerId(1), { endpoint: at });
    const limits = { ...sessionLimits('standard'), rejectAfterMessages: 2 };
    plane.install(now, { ...session('initiator', 3, 4, key(3), key(4)), limits });
    expect([plane.poll()?.bytes.length, plane.poll()?.bytes.length, plane.poll()]).toEqual([
      16 + 48 + 16,
      16 + 48 + 16,
      undefined,
    ]);
    plane.install(now, session('initiator', 5, 6, key(5), key(6)));
    expect([plane.poll()?.bytes.length, plane.poll()]).toEqual([16 + 48 + 16, undefined]);
  });

  test('a session whose counters are used up says nothing of its own', () => {
    const plane = new PortablePlane({ suite });
    setUp(plane);
    const limits = { ...sessionLimits('standard'), rejectAfterMessages: 0 };
    plane.install(now, { ...session('initiator', 1, 2, key(1), key(2)), limits });
    expect(plane.poll()).toBeUndefined();
  });

  test('a staged packet of just the length that the path takes leaves, one byte more does not', () => {
    for (const [pathMtu, sent] of [
      [32 + 48, 1],
      [32 + 47, 0],
    ] as const) {
      const plane = new PortablePlane({ suite });
      setUp(plane);
      plane.handlePacket(now, ipPacket(48));
      plane.setPeer(peerId(1), { pathMtu });
      plane.install(now, session('initiator', 1, 2, key(1), key(2)));
      const { drops } = plane.takeReports();
      expect([pathMtu, drops.get('too-big') ?? 0]).toEqual([pathMtu, 1 - sent]);
    }
  });

  test('a peer that is removed is reported no more, one that comes in its place is', () => {
    const { left } = pair();
    left.transmit(now, peerId(1), new Uint8Array(0));
    left.removePeer(now, peerId(1));
    expect(left.takeReports().activity).toEqual([]);
    setUp(left);
    left.handlePacket(now, ipPacket(50));
    expect(left.takeReports().activity).toEqual([expect.objectContaining({ peer: 1, wantsKey: true })]);
  });

  test('what was polled to the end is kept no longer', () => {
    const { left } = pair();
    const before = left.fingerprint();
    left.sendDatagrams([{ to: at, localAddress: undefined, bytes: Uint8Array.of(1) }]);
    expect(left.fingerprint()).not.toBe(before);
    while (left.poll() !== undefined);
    expect(left.fingerprint()).toBe(before);
  });

  test('the tunnel MTU is 1420 B unless set', () => {
    expect([defaultTunnelMtu, new PortablePlane({ suite }).mtu]).toEqual([1420, 1420]);
    const plane = new PortablePlane({ suite, mtu: 1280 });
    expect(plane.mtu).toBe(1280);
    plane.setMtu(1400);
    expect(plane.mtu).toBe(1400);
  });

  test('a path that takes no payload is a bug of the engine', () => {
    const { left } = pair();
    expect(() => left.setPeer(peerId(1), { pathMtu: 32 })).toThrow(
      expect.objectContaining({ code: 'PQTUN_INVARIANT' }),
    );
    left.setPeer(peerId(1), { pathMtu: 33 });
  });

  test('the fingerprint tells states apart and holds no key', () => {
    const { left, right } = pair();
    const before = right.fingerprint();
    left.transmit(now, peerId(1), new Uint8Array(0));
    right.handleTransport(now, at, undefined, left.poll()?.bytes ?? new Uint8Array(0));
    expect(right.fingerprint()).not.toBe(before);
    expect(right.fingerprint()).not.toMatch(/(1,){31}|(2,){31}|(01){31}|(02){31}/);
  });
});
