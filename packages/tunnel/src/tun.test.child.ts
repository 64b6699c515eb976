/**
 * Scenarios that need a network namespace of their own: `tun.test.ts` runs each in a process under `unshare --net`, with the name of
 * the scenario and of the plane that moves what goes through a TUN.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { openCapture, openNetlink } from 'tun-tap-native';
import type { TunnelEvent } from './api.ts';
import { openTunnel } from './open-tunnel.ts';
import { configOf, open, type Party, packet, party, peerOf } from './tunnel.test.kit.ts';

const plane = process.argv[3] === 'portable' ? 'portable' : 'native';
const netlink = openNetlink();
/** Inner networks: 10.1.0.0/24 lies with A, 10.2.0.0/24 with B. */
const network = (number: number) => ({ ip: Uint8Array.of(10, number, 0, 0), bits: 24 });
const behind = (of: Party, number: number, port?: number) =>
  peerOf(of, port, { allowedIps: [network(number)] });

async function openOnTun(self: Party, peer: ReturnType<typeof peerOf>, name: string, mtu?: number) {
  const device = { kind: 'tun', name, ...(mtu === undefined ? {} : { mtu }) } as const;
  const tunnel = await openTunnel(configOf(self, [peer]), {
    device,
    plane,
    bind: ['127.0.0.1'],
    initiateOnStart: false,
  });
  assert.equal(tunnel.stats().plane, plane);
  return tunnel;
}

/** A TUN that is up, with 10.1.0.1 and a way to 10.2.0.0/24. */
function setUp(name: string): void {
  netlink.setLink(name, { up: true });
  netlink.addAddress(name, Uint8Array.of(10, 1, 0, 1), 32);
  const { ip, bits } = network(2);
  netlink.addRoute({ destination: ip, bits, device: name, source: Uint8Array.of(10, 1, 0, 1) });
}

async function innerSocket(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(4000, '10.1.0.1');
  await once(socket, 'listening');
  return socket;
}

/** UDP payload of an inner IPv4 packet. */
const payloadOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(28)).toString('latin1');

/** The inner packet turned round: addresses and ports swapped, which leaves both checksums right. */
function reversed(bytes: Uint8Array): Uint8Array {
  const answer = bytes.slice();
  answer.set(bytes.subarray(12, 16), 16);
  answer.set(bytes.subarray(16, 20), 12);
  answer.set(bytes.subarray(20, 22), 22);
  answer.set(bytes.subarray(22, 24), 20);
  return answer;
}

const scenarios: Record<string, () => Promise<void>> = {
  async bothWays() {
    const [partyA, partyB] = [party(), party()];
    await using b = await open(configOf(partyB, [behind(partyA, 1)]), { udp: 'native' });
    await using a = await openOnTun(partyA, behind(partyB, 2, b.tunnel.listenPort), 'pqa');
    assert.equal(a.interfaceName, 'pqa');
    assert.equal(netlink.link('pqa')?.mtu, 1420);
    assert.equal(a.stats().mtu, 1420);
    setUp('pqa');
    await using socket = await innerSocket();
    const answer = once(socket, 'message');
    socket.send('question', 5000, '10.2.0.9');
    const [question] = await b.arrived();
    assert(question !== undefined);
    assert.equal(payloadOf(question), 'question');
    b.outside.write([reversed(question)]);
    assert.equal(String((await answer)[0]), 'question');
  },

  async twoTuns() {
    const [partyA, partyB] = [party(), party()];
    await using b = await openOnTun(partyB, behind(partyA, 1), 'pqb', 1300);
    await using a = await openOnTun(partyA, behind(partyB, 2, b.listenPort), 'pqa');
    assert.equal(netlink.link('pqb')?.mtu, 1300);
    setUp('pqa');
    netlink.setLink('pqb', { up: true });
    using capture = openCapture('pqb');
    const seen = new Promise<void>((resolve) => {
      capture.start((frames) => {
        for (const { frame, outgoing } of frames) {
          if (!outgoing && payloadOf(frame) === 'through both') resolve();
        }
      });
    });
    await using socket = await innerSocket();
    socket.send('through both', 5000, '10.2.0.9');
    await seen;
    assert.equal(a.stats().peers[0]?.pqState, 'hybrid');
  },

  async staged() {
    const [partyA, partyB] = [party(), party()];
    await using b = await open(configOf(partyB, [behind(partyA, 1)]), { udp: 'native' });
    await using _a = await openOnTun(partyA, behind(partyB, 2, b.tunnel.listenPort), 'pqa');
    setUp('pqa');
    await using socket = await innerSocket();
    // more than one batch of the TUN, so that its memory is used again before there is a session
    const count = 300;
    for (let i = 0; i < count; i++) socket.send(`packet ${i} ${'x'.repeat(i)}`, 5000, '10.2.0.9');
    const arrived = await b.arrived(count);
    assert.deepEqual(
      arrived.map(payloadOf),
      Array.from({ length: count }, (_, i) => `packet ${i} ${'x'.repeat(i)}`),
    );
  },

  async deleted() {
    const peer = party();
    const a = await openOnTun(party(), behind(peer, 2, 9), 'pqa');
    setUp('pqa');
    const lost = new Promise<TunnelEvent>((resolve) => a.onEvent(resolve));
    netlink.deleteLink('pqa');
    assert.equal((await lost).id, 'device-lost');
    await a.close();
    await assert.rejects(a.addPeer(peerOf(party())), { code: 'PQTUN_CLOSED' });
  },

  /** Another port, another mark and another identity, over the same device. */
  async reconfigured() {
    const [partyA, partyB, nextA] = [party(), party(), party()];
    await using b = await open(configOf(partyB, [behind(partyA, 1)]), { udp: 'native' });
    const toB = behind(partyB, 2, b.tunnel.listenPort);
    await using a = await openOnTun(partyA, toB, 'pqa');
    setUp('pqa');
    await using socket = await innerSocket();
    const passes = async (text: string): Promise<void> => {
      socket.send(text, 5000, '10.2.0.9');
      assert.deepEqual((await b.arrived()).map(payloadOf), [text]);
      const answer = once(socket, 'message');
      b.outside.write([reversed(packetTo(text))]);
      assert.equal(String((await answer)[0]), text);
    };
    /** As it came out of the tunnel. */
    const packetTo = (text: string): Uint8Array => {
      const bytes = new Uint8Array(28 + text.length);
      bytes.set([0x45, 0, 0, bytes.length, 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 1, 0, 1, 10, 2, 0, 9]);
      bytes.set([4000 >> 8, 4000 & 0xff, 5000 >> 8, 5000 & 0xff, 0, 8 + text.length], 20);
      bytes.set(Buffer.from(text), 28);
      const sum = bytes.subarray(0, 20).reduce((sum, byte, i) => sum + (i % 2 === 0 ? byte * 256 : byte), 0);
      new DataView(bytes.buffer).setUint16(10, ~((sum & 0xffff) + (sum >>> 16)));
      return bytes;
    };
    await passes('as first');
    const before = a.stats();
    const { listenPort } = before;
    await a.reconfigure(
      configOf(partyA, [toB], { listenPort: listenPort === 4321 ? 4322 : 4321, fwMark: 7 }),
    );
    await passes('from another port');
    const after = a.stats();
    assert.notEqual(after.listenPort, listenPort);
    assert.equal(after.fwMark, 7);
    assert.equal(after.peers[0]?.handshakesCompleted, 1, 'the session stays');
    await a.reconfigure(configOf(partyA, [toB], { fwMark: 8 }));
    await passes('with another mark');
    await b.tunnel.reconfigure(configOf(partyB, [behind(nextA, 1)]));
    await a.reconfigure(configOf(nextA, [toB]));
    await passes('as another');
    assert.deepEqual(a.stats().publicKey, nextA.publicKey);
    assert.equal(a.stats().peers[0]?.handshakesCompleted, 1);
    await assert.rejects(a.reconfigure(configOf(nextA, [toB], { listenPort: b.tunnel.listenPort })), {
      code: 'EADDRINUSE',
    });
    await passes('after a refusal');
  },

  /** A path that takes less than the tunnel: whoever sends inside is told, and from then on what he sends fits. */
  async narrowedTun() {
    const [partyA, partyB] = [party(), party()];
    await using b = await open(configOf(partyB, [behind(partyA, 1)]), { udp: 'native' });
    await using a = await openOnTun(partyA, behind(partyB, 2, b.tunnel.listenPort), 'pqa');
    setUp('pqa');
    await using socket = await innerSocket();
    socket.send('first', 5000, '10.2.0.9');
    await b.arrived();
    netlink.setLink('lo', { mtu: 1400 });
    const again = setInterval(() => socket.send('x'.repeat(1392), 5000, '10.2.0.9', () => undefined), 20);
    const arrived = await b.arrived(2).finally(() => clearInterval(again));
    for (const { length } of arrived) assert(length <= 1400 - 28 - 32, `a packet of ${length} B`);
    assert.equal(a.stats().peers[0]?.pathMtu, 1400);
    assert(a.stats().drops['too-big'] > 0);
    assert.equal(a.stats().drops['send-failed'], 0);
  },

  /** Device, sockets, thread and keys go with the tunnel, in whatever state it is closed. */
  async reopened() {
    const [partyA, partyB] = [party(), party()];
    await using b = await open(configOf(partyB, [behind(partyA, 1)]), { udp: 'native' });
    const held = () => [readdirSync('/proc/self/fd').length, readdirSync('/proc/self/task').length];
    const round = async (number: number): Promise<void> => {
      const a = await openOnTun(partyA, behind(partyB, 2, b.tunnel.listenPort), 'pqa');
      setUp('pqa');
      const socket = await innerSocket();
      for (let i = 0; i < 20; i++) socket.send(`round ${number}`, 5000, '10.2.0.9');
      if (number % 2 === 1) await b.arrived();
      await Promise.all([a.close(), new Promise<void>((resolve) => socket.close(resolve))]);
      assert.equal(netlink.link('pqa'), undefined);
    };
    await round(1);
    const before = held();
    for (let number = 0; number < 20; number++) await round(number);
    assert.deepEqual(held(), before);
  },

  /** Answers leave from the address that was asked, and from another once that one is gone. */
  async sourceLost() {
    const address = Uint8Array.of(10, 3, 0, 1);
    netlink.addAddress('lo', address, 32);
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]), { udp: 'native', bind: ['0.0.0.0'] });
    const endpoint = { host: '10.3.0.1', port: a.tunnel.listenPort };
    await using b = await open(configOf(partyB, [peerOf(partyA, undefined, { endpoint })]), {
      udp: 'native',
    });
    await b.tunnel.ping(partyA.publicKey);
    a.outside.write([packet(partyA, partyB)]);
    await b.arrived();
    assert.deepEqual(b.tunnel.stats().peers[0]?.endpoint?.ip, address);
    netlink.removeAddress('lo', address, 32);
    a.outside.write([packet(partyA, partyB, 200)]);
    assert.equal((await b.arrived())[0]?.length, 200);
    assert.deepEqual(b.tunnel.stats().peers[0]?.endpoint?.ip, Uint8Array.of(127, 0, 0, 1));
    assert.equal(a.tunnel.stats().drops['send-failed'], 0);
  },

  /** A datagram longer than the interface takes: the sender inside is told what fits. */
  async narrowed() {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]), { udp: 'native' });
    await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { udp: 'native' });
    await b.tunnel.ping(partyA.publicKey);
    netlink.setLink('lo', { mtu: 1400 });
    b.outside.write([packet(partyB, partyA, 1420)]); // lost: this is how we learn
    assert.equal((await b.event('dropped')).reason, 'too-big');
    b.outside.write([packet(partyB, partyA, 1420)]);
    const [answer] = await b.arrived();
    assert(answer !== undefined);
    assert.deepEqual([answer[9], answer[20], answer[21]], [1, 3, 4], 'ICMP, fragmentation needed');
    assert.equal(new DataView(answer.buffer).getUint16(26), 1400 - 28 - 32);
    assert.equal(b.tunnel.stats().peers[0]?.pathMtu, 1400);
    assert.equal(b.tunnel.stats().drops['too-big'], 2);
    b.outside.write([packet(partyB, partyA, 1340)]);
    assert.equal((await a.arrived())[0]?.length, 1340);
  },

  /** N3: a change of the route to the peer begins the handshake anew, at once. */
  async networkChanged() {
    const [partyA, partyB] = [party(), party()];
    const endpoint = { host: '10.4.0.1', port: 9 };
    await using a = await open(configOf(partyA, [peerOf(partyB, undefined, { endpoint })]), {
      udp: 'native',
      bind: ['0.0.0.0'],
    });
    a.outside.write([packet(partyA, partyB)]);
    await a.event('dropped'); // no route: the initiation could not be sent
    await using b = await open(configOf(partyB, [peerOf(partyA)]), { udp: 'native', bind: ['0.0.0.0'] });
    await a.tunnel.changePeer(partyB.publicKey, {
      endpoint: { host: '10.4.0.1', port: b.tunnel.listenPort },
    });
    const before = performance.now();
    netlink.addAddress('lo', Uint8Array.of(10, 4, 0, 1), 32);
    await b.arrived();
    // the next attempt of its own would have come 4 s after the first at the earliest, copies apart, which go where the first went
    assert(performance.now() - before < 2_000);
  },
};

const scenario = scenarios[process.argv[2] ?? ''];
assert(scenario !== undefined, 'which scenario?');
netlink.setLink('lo', { up: true });
await scenario();
