/**
 * The second implementation's handshakes and records over a whole tunnel of ours: datagrams in, datagrams and packets out.
 * test/vectors/pqtun-v1.md describes the file; packages/core/src/handshake/pqtun-v1.test.ts looks at each step of it.
 *
 * Chance is scripted. node:crypto settles that of its encapsulations itself, so with it only what comes before them, and the
 * session's records, can be held against the file byte for byte.
 */
import {
  type Endpoint,
  endpoint,
  Identity,
  idOf,
  instant,
  limits,
  type PlaneOutput,
  PortablePlane,
  PortableTunnel,
  peerId,
  Secret,
  type Suite,
  sessionIndex,
  unixMillis,
} from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { fromHex, readVectors, toHex } from '../kit/vectors.ts';

type Make = (options: { random: (length: number) => Uint8Array }) => Suite;

interface Party {
  readonly privateKey: string;
  readonly kemSeed: string;
  readonly publicKey: string;
  readonly kemPublicKey: string;
  readonly id: string;
}
interface Handshake {
  readonly name: string;
  readonly suite: limits.SuiteId;
  readonly initiator: Party;
  readonly responder: Party;
  readonly psk: string;
  readonly deploymentKey: string;
  readonly chance: Readonly<
    Record<'e_i' | 'kemSeed_i' | 'm_k1' | 'ts' | 'e_r' | 'm_k2' | 'm_k3', string> &
      Record<'senderI' | 'senderR', number>
  >;
  readonly steps: readonly { readonly step: string; readonly name: string; readonly value: string }[];
  readonly datagrams: readonly {
    readonly largestDatagram: number;
    readonly initiation: readonly string[];
    readonly response: readonly string[];
  }[];
  readonly cookies: readonly {
    readonly sourceBytes: string;
    readonly secret: string;
    readonly nonce: string;
    readonly reply: string;
    readonly initiation: readonly string[];
  }[];
  readonly records: readonly {
    readonly from: 'initiator' | 'responder';
    readonly what: string;
    readonly counter: string;
    readonly payload: string;
    readonly datagram: string;
  }[];
}

const { handshakes } = readVectors<{ readonly handshakes: readonly Handshake[] }>('pqtun-v1.json');
const start = instant(1_000);
const initiatorAt = endpoint(Uint8Array.of(192, 0, 2, 1), 51820);
const responderAt = endpoint(Uint8Array.of(198, 51, 100, 1), 51820);
const noSecret = '00'.repeat(32);
const defaultM = limits.defaultMaxDatagram;
const sides = [
  ['initiator', 'responder'],
  ['responder', 'initiator'],
] as const;
type Side = (typeof sides)[number][number];

describe.each([
  ['noble', nobleSuite as Make],
  ['node', nodeSuite as Make],
])('with the %s back end', (_backend, make) => {
  describe.each(handshakes)('$name', (vector) => {
    it('§2: the initiator and the responder are known by their IDs', () => {
      const crypto = make({ random: scripted(vector, 'initiator') });
      for (const { publicKey, kemPublicKey, id } of [vector.initiator, vector.responder]) {
        expect(toHex(idOf(crypto, vector.suite, fromHex(publicKey), fromHex(kemPublicKey)))).toBe(id);
      }
    });

    it.each(vector.datagrams)('I2–R8: answers the initiation for M = $largestDatagram', (set) => {
      const tunnel = party(make, vector, 'responder', set.largestDatagram);
      const answer = sent(deliver(tunnel, initiatorAt, set.initiation));
      expect(answer.map(({ length }) => length)).toEqual(set.response.map(({ length }) => length));
      expect(refusals(tunnel)).toEqual({});
    });

    it.each(vector.cookies)(
      '§3.3: under load sends this cookie to $sourceBytes, takes its proof',
      (cookie) => {
        const tunnel = party(make, vector, 'responder', defaultM, [cookie.secret], [cookie.nonce]);
        tunnel.engine.setLoopDelay(1e6);
        const from = endpointOf(cookie.sourceBytes);
        const { initiation, response } = datagramsFor(vector, defaultM);
        expect(sent(deliver(tunnel, from, initiation))).toEqual([cookie.reply]);
        expect(refusals(tunnel)).toEqual({ 'under-load': initiation.length });
        const answer = sent(deliver(tunnel, from, cookie.initiation));
        expect(answer.map(typeOf)).toEqual(response.map(typeOf));
      },
    );

    it('§3.4: the initiator seals these records, the keepalive of N2 first', () => {
      const plane = planeOf(make, vector, 'initiator');
      expect([...sent(drain(plane)), ...sealed(plane, firstRecords(vector, 'initiator').slice(1))]).toEqual(
        firstRecords(vector, 'initiator').map(({ datagram }) => datagram),
      );
    });

    it('§3.4: the responder seals these records, once it has heard one', () => {
      const plane = planeOf(make, vector, 'responder');
      deliver(plane, initiatorAt, [firstRecords(vector, 'initiator')[0]?.datagram ?? '']);
      expect(sealed(plane, firstRecords(vector, 'responder'))).toEqual(
        firstRecords(vector, 'responder').map(({ datagram }) => datagram),
      );
    });

    it.each(sides)('§3.4: the %s opens the records of the %s', (role, other) => {
      expect(opened(planeOf(make, vector, role), vector, other)).toEqual(innerPackets(vector, other));
    });

    it('§5.3: a counter above 2^53 is refused, not misread', () => {
      const plane = planeOf(make, vector, 'initiator');
      const last = vector.records.find(({ counter }) => BigInt(counter) > BigInt(Number.MAX_SAFE_INTEGER));
      deliver(plane, responderAt, [last?.datagram ?? '']);
      expect(plane.drops.of('counter-limit')).toBe(1);
    });
  });
});

describe('with the noble back end, whose encapsulations can be given', () => {
  const make = nobleSuite as Make;

  describe.each(handshakes)('$name', (vector) => {
    describe.each(vector.datagrams)('M = $largestDatagram', ({ largestDatagram, initiation, response }) => {
      it('I1–I8: sends this initiation', () => {
        expect(sent(begin(party(make, vector, 'initiator', largestDatagram)))).toEqual(initiation);
      });

      it('R1–R8: sends this response', () => {
        const tunnel = party(make, vector, 'responder', largestDatagram);
        expect(sent(deliver(tunnel, initiatorAt, initiation))).toEqual(response);
      });

      it('R2–S1, N2: takes this response, and says so under its keys', () => {
        const tunnel = party(make, vector, 'initiator', largestDatagram);
        begin(tunnel);
        expect(sent(deliver(tunnel, responderAt, response))).toEqual([
          firstRecords(vector, 'initiator')[0]?.datagram,
        ]);
        expect(opened(tunnel, vector, 'responder')).toEqual(innerPackets(vector, 'responder'));
      });

      it('S1, C1: is confirmed by the first record, and delivers those that follow', () => {
        const tunnel = party(make, vector, 'responder', largestDatagram);
        deliver(tunnel, initiatorAt, initiation);
        expect(opened(tunnel, vector, 'initiator')).toEqual(innerPackets(vector, 'initiator'));
        expect(tunnel.pollEvent()).toMatchObject({ kind: 'peer-established', role: 'responder' });
      });
    });

    it.each(vector.cookies)('N3: sends this initiation on the cookie for $sourceBytes', (cookie) => {
      const tunnel = party(make, vector, 'initiator', defaultM);
      begin(tunnel);
      expect(sent(deliver(tunnel, responderAt, [cookie.reply]))).toEqual(cookie.initiation);
    });
  });
});

/* parties */

const peer = peerId(1);

/** One side of a handshake as a whole tunnel; `keys` and `nonces` are drawn before its own values. */
function party(
  make: Make,
  vector: Handshake,
  role: Side,
  maxDatagram: number,
  keys: readonly string[] = [noSecret],
  nonces: readonly string[] = [],
): PortableTunnel {
  const crypto = make({ random: scripted(vector, role, keys, nonces) });
  const own = vector[role];
  const other = vector[role === 'initiator' ? 'responder' : 'initiator'];
  const gk = vector.deploymentKey === '' ? undefined : vector.deploymentKey;
  const tunnel = new PortableTunnel(start, {
    crypto,
    identity: new Identity(crypto, secret(own.privateKey), secret(own.kemSeed)),
    wallClock: () => unixMillis(wallOf(vector.chance.ts)),
    policy: { maxDatagram },
    ...(role === 'responder' && gk !== undefined ? { deploymentKeys: [fromHex(gk)] } : {}),
  });
  const id = tunnel.engine.addPeer(start, {
    publicKey: fromHex(other.publicKey),
    kemPublicKey: fromHex(other.kemPublicKey),
    presharedKey: secret(vector.psk),
    ...(role === 'initiator' ? { endpoint: responderAt } : {}),
    ...(role === 'initiator' && gk !== undefined ? { deploymentKey: secret(gk) } : {}),
  });
  for (const size of [4, 16])
    tunnel.plane.setRoutes([{ kind: 'add', peer: id, prefix: new Uint8Array(size), bits: 0 }]);
  return tunnel;
}

/** A plane with the session of the file installed, as one side has it. */
function planeOf(make: Make, vector: Handshake, role: Side): PortablePlane {
  const plane = new PortablePlane({ suite: make({ random: (length) => new Uint8Array(length) }) });
  const [send, receive] = role === 'initiator' ? ['T_ir', 'T_ri'] : ['T_ri', 'T_ir'];
  const { senderI, senderR, ts } = vector.chance;
  const [local, remote] = role === 'initiator' ? [senderI, senderR] : [senderR, senderI];
  plane.setPeer(peer, { kind: 'hybrid', endpoint: role === 'initiator' ? responderAt : initiatorAt });
  for (const size of [4, 16]) plane.setRoutes([{ kind: 'add', peer, prefix: new Uint8Array(size), bits: 0 }]);
  plane.install(start, {
    peer,
    role,
    localIndex: sessionIndex(local),
    remoteIndex: sessionIndex(remote),
    sendKey: secret(stepValue(vector, send)),
    receiveKey: secret(stepValue(vector, receive)),
    timestamp: fromHex(ts),
    bornAt: start,
    limits: limits.sessionLimits('standard'),
    kind: 'hybrid',
    winsCrossing: true,
  });
  return plane;
}

/** Chance as a party draws it: indices and jitter 4 B, keys 32 B, nonces 24 B, the KEM seed 64 B. */
function scripted(
  { chance }: Handshake,
  role: Side,
  keys: readonly string[] = [noSecret],
  nonces: readonly string[] = [],
): (length: number) => Uint8Array {
  const index = new Uint8Array(4);
  new DataView(index.buffer).setUint32(0, role === 'initiator' ? chance.senderI : chance.senderR);
  const own = role === 'initiator' ? [chance.e_i, chance.m_k1] : [chance.e_r, chance.m_k2, chance.m_k3];
  const left = [...keys, ...own, ...nonces, chance.kemSeed_i].map(fromHex);
  return (length) => {
    if (length === index.length) return index.slice(); // jitter too: it only moves times
    const at = left.findIndex((value) => value.length === length);
    const [value] = at < 0 ? [] : left.splice(at, 1);
    if (value === undefined) throw new Error(`the script has no ${length} B left`);
    return value;
  };
}

/* in and out */

function begin(tunnel: PortableTunnel): PlaneOutput[] {
  const [id] = tunnel.engine.peerIds();
  if (id === undefined) throw new Error('no peer');
  tunnel.engine.initiate(start, id);
  tunnel.handleTimeout(start);
  return drain(tunnel);
}

function deliver(
  to: PortableTunnel | PortablePlane,
  from: Endpoint,
  datagrams: readonly string[],
): PlaneOutput[] {
  const outputs: PlaneOutput[] = [];
  for (const text of datagrams) {
    if (to instanceof PortableTunnel) to.handleDatagram(start, from, undefined, fromHex(text));
    else to.handleTransport(start, from, undefined, fromHex(text));
    outputs.push(...drain(to));
  }
  return outputs;
}

/** Everything there is to poll; bytes copied, since the next input may use them again. */
function drain(from: Pick<PortablePlane, 'poll'>): PlaneOutput[] {
  const outputs: PlaneOutput[] = [];
  for (let output = from.poll(); output !== undefined; output = from.poll()) {
    outputs.push({ ...output, bytes: output.bytes.slice() });
  }
  return outputs;
}

const sent = (outputs: readonly PlaneOutput[]): string[] =>
  outputs.flatMap(({ kind, bytes }) => (kind === 'datagram' ? [toHex(bytes) ?? ''] : []));

const typeOf = (datagram: string): string => datagram.slice(0, 2);

/** What a plane makes of payloads: inner packets from the TUN, the rest of its own accord. */
function sealed(plane: PortablePlane, records: Handshake['records']): string[] {
  return records.flatMap(({ payload }) => {
    const bytes = fromHex(payload);
    if (isInner(payload)) plane.handlePacket(start, bytes);
    else plane.transmit(start, peer, bytes);
    return sent(drain(plane));
  });
}

/** The inner packets that come out when every record of `from` whose counter we can hold arrives, in order. */
function opened(to: PortableTunnel | PortablePlane, vector: Handshake, from: Side): string[] {
  const at = from === 'initiator' ? initiatorAt : responderAt;
  const outputs = deliver(
    to,
    at,
    countable(vector, from).map(({ datagram }) => datagram),
  );
  return outputs.flatMap(({ kind, bytes }) => (kind === 'packet' ? [toHex(bytes) ?? ''] : []));
}

function innerPackets(vector: Handshake, from: Side): string[] {
  return countable(vector, from).flatMap(({ payload }) => (isInner(payload) ? [payload] : []));
}

const isInner = (payload: string): boolean => /^[46]/.test(payload);

function countable({ records }: Handshake, from: Side): Handshake['records'] {
  return records.filter((record) => record.from === from && Number(record.counter) < 2 ** 52);
}

/** Those whose counters follow one another from 0: what a plane of ours can be made to send. */
function firstRecords(vector: Handshake, from: Side): Handshake['records'] {
  return countable(vector, from).filter(({ counter }, at) => Number(counter) === at);
}

function datagramsFor({ datagrams }: Handshake, m: number): Handshake['datagrams'][number] {
  const found = datagrams.find(({ largestDatagram }) => largestDatagram === m);
  if (found === undefined) throw new Error(`no datagrams for M = ${m}`);
  return found;
}

function refusals(tunnel: PortableTunnel): Record<string, number> {
  const counts = Object.entries(tunnel.engine.drops.snapshot());
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

/* small parts */

function stepValue({ steps }: Handshake, name: string): string {
  return steps.find((step) => step.step === 'S1' && step.name === name)?.value ?? '';
}

function secret(text: string): Secret {
  return new Secret(fromHex(text));
}

/** ip ‖ BE16(port). */
function endpointOf(text: string): Endpoint {
  const bytes = fromHex(text);
  return endpoint(bytes.slice(0, -2), new DataView(bytes.buffer).getUint16(bytes.length - 2));
}

/** Milliseconds since 1970 of a TAI64N, a little after it: a double would else round it down a grain. */
function wallOf(ts: string): number {
  const view = new DataView(fromHex(ts).buffer);
  return Number(view.getBigUint64(0) - 2n ** 62n - 10n) * 1000 + view.getUint32(8) / 1e6 + 0.5;
}
