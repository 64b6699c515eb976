/**
 * What the contract needs of a plane besides the port: its packet entry points with an injected clock, and a few ways to look
 * inside. One adapter for each plane; the suite runs on all of them alike.
 */
import {
  type DataPlane,
  type Endpoint,
  type Instant,
  type LocalAddress,
  type PlaneOutput,
  PortablePlane,
  type SessionIndex,
} from '@pqtun/core';
import { nobleSuite, type RecordKey, type Suite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import { NativeTestPlane } from 'tun-tap-native/testing/plane-data-plane';
import { nativePort, outputOf } from './native-port.ts';

export interface PlaneUnderTest {
  readonly plane: DataPlane;
  /** One inner packet from the TUN; stays the caller's. */
  onTun(now: Instant, packet: Uint8Array): void;
  /** One datagram from the socket; the plane's from here on. */
  onUdp(now: Instant, from: Endpoint, localAddress: LocalAddress | undefined, datagram: Uint8Array): void;
  /** Everything put out since the last call, in order. */
  drain(): readonly PlaneOutput[];
  setMtu(mtu: number): void;
  /** The plane's state but keys, routes and drop counters, as text. Equal text, equal state. */
  fingerprint(): string;
  /** Skips a send counter forward. */
  advanceSendCounter(index: SessionIndex, next: number): void;
  /** Record keys made and not yet destroyed. */
  liveKeys(): number;
}

export interface PlaneMaker {
  /** Shown in test names. */
  readonly name: string;
  make(): PlaneUnderTest;
  /** Whether it does §6 itself. */
  readonly hasGate: boolean;
  /** What the other end of each session is made with; another implementation than the plane's, so that the two are crossed. */
  readonly farSuite: Suite;
}

/** Every plane that must keep the contract. */
export const planes: readonly PlaneMaker[] = [
  portable(nodeSuite(), nobleSuite()),
  portable(nobleSuite(), nodeSuite()),
  native('evp', nobleSuite()),
  native('raw', nodeSuite()),
];

function portable(suite: Suite, farSuite: Suite): PlaneMaker {
  return {
    name: `portable plane, ${suite.name}`,
    hasGate: false,
    farSuite,
    make: () => portableUnderTest(suite),
  };
}

export function portableUnderTest(suite: Suite): PlaneUnderTest {
  const live = new Set<RecordKey>();
  const plane = new PortablePlane({ suite: { recordKey: (key) => tracked(suite.recordKey(key), live) } });
  return {
    plane,
    onTun: (now, packet) => plane.handlePacket(now, packet),
    onUdp(now, from, localAddress, datagram) {
      if (datagram[0] === 4) plane.handleTransport(now, from, localAddress, datagram);
      else plane.handleOther(from, localAddress, datagram);
    },
    drain: () => drain(plane),
    setMtu: (mtu) => plane.setMtu(mtu),
    fingerprint: () => plane.fingerprint(),
    advanceSendCounter: (index, next) => plane.advanceSendCounter(index, next),
    liveKeys: () => live.size,
  };
}

/** All that a portable plane has put out. */
export function drain(plane: PortablePlane): PlaneOutput[] {
  const outputs: PlaneOutput[] = [];
  for (let output = plane.poll(); output !== undefined; output = plane.poll()) outputs.push(output);
  return outputs;
}

function native(engine: string, farSuite: Suite): PlaneMaker {
  return { name: `native plane, ${engine}`, hasGate: true, farSuite, make: () => nativeUnderTest(engine) };
}

function nativeUnderTest(engine: string): PlaneUnderTest {
  const native = new NativeTestPlane({ engine });
  return {
    plane: nativePort(native),
    onTun: (now, packet) => native.handlePacket(now, packet),
    onUdp: (now, from, localAddress, datagram) => native.handleUdp(now, from, localAddress, datagram),
    drain: () => native.drain().map(outputOf),
    setMtu: (mtu) => native.setMtu(mtu),
    fingerprint: () => native.fingerprint(),
    advanceSendCounter: (index, next) => native.advanceSendCounter(index, next),
    liveKeys: () => native.counts().liveKeys,
  };
}

/** The same key, which leaves `live` when it is destroyed. */
function tracked(key: RecordKey, live: Set<RecordKey>): RecordKey {
  const shown: RecordKey = {
    seal: (counter, plaintext, out) => key.seal(counter, plaintext, out),
    open: (counter, sealed, out) => key.open(counter, sealed, out),
    destroy() {
      key.destroy();
      live.delete(shown);
    },
  };
  live.add(shown);
  return shown;
}
