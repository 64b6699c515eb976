import {
  type PlaneDrop,
  type PlaneEndpoint,
  type PlaneLocalAddress,
  planeDropReasons,
} from '../plane-types.ts';
import { PlaneVerbs, type PlaneVerbsBinding, packPlace } from '../plane-verbs.ts';
import { planeEdge } from './plane-edge.ts';

/** What native/testing/data_plane_edge.cc exports besides the verbs. */
interface DataPlaneEdge extends PlaneVerbsBinding {
  create(engine: string, mtu: number, clampMss: boolean, coalesce: boolean, trains: boolean): object;
  close(plane: object): void;
  handlePacket(plane: object, now: number, packet: Uint8Array, flush: boolean): void;
  handleFrame(plane: object, now: number, frame: Uint8Array, flush: boolean): void;
  handleUdp(
    plane: object,
    now: number,
    place: Uint8Array,
    bytes: Uint8Array,
    segmentSize: number,
    truncated: boolean,
    flush: boolean,
  ): void;
  flush(plane: object, now: number): void;
  drain(plane: object): [Uint8Array | number, Uint8Array[]][];
  counts(plane: object): [number, number, number, number, number, number];
  total(plane: object, reason: number): number;
  allow(plane: object, coalesce: boolean, trains: boolean, refuseSuperFrames: boolean): void;
  failSeals(plane: object, count: number): void;
  fingerprint(plane: object): string;
  advanceSendCounter(plane: object, index: number, next: number): void;
  layout(): number[];
  bench(
    from: object,
    to: object,
    now: number,
    frames: readonly Uint8Array[],
    perTurn: number,
    receiveSingly: boolean,
  ): [sendingNanos: number, receivingNanos: number];
}

export type NativeOutput =
  | {
      readonly kind: 'datagram';
      readonly to: PlaneEndpoint;
      readonly localAddress: PlaneLocalAddress | undefined;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'packet'; readonly peer: number; readonly bytes: Uint8Array };

export interface NativePlaneOptions {
  /** evp, raw, multibuffer or auto. */
  readonly engine: string;
  readonly mtu?: number;
  readonly clampMss?: boolean;
  readonly coalesce?: boolean;
  readonly trains?: boolean;
}

/** Whether more is to come in this batch, or it ends here and what waits leaves. */
export type BatchEnd = 'flush' | 'more';

/** The native plane with the verbs of the port, packets by hand, and a recorder where the shell would be. */
export class NativeTestPlane extends PlaneVerbs {
  readonly #edge: DataPlaneEdge;
  readonly #plane: object;

  constructor({ engine, mtu = 1420, clampMss = false, coalesce = true, trains = true }: NativePlaneOptions) {
    const edge = planeEdge<DataPlaneEdge>('dataPlane');
    const plane = edge.create(engine, mtu, clampMss, coalesce, trains);
    super(edge, plane);
    this.#edge = edge;
    this.#plane = plane;
  }

  close(): void {
    this.#edge.close(this.#plane);
  }

  /** A packet of its own from the TUN; stays the caller's. */
  handlePacket(now: number, packet: Uint8Array, end: BatchEnd = 'flush'): void {
    this.#edge.handlePacket(this.#plane, now, packet, end === 'flush');
  }

  /** A frame from the TUN, virtio header and packet or super-frame; stays the caller's. */
  handleFrame(now: number, frame: Uint8Array, end: BatchEnd = 'flush'): void {
    this.#edge.handleFrame(this.#plane, now, frame, end === 'flush');
  }

  /** What one read of the socket brought, several datagrams with a segment size; stays the caller's. */
  handleUdp(
    now: number,
    from: PlaneEndpoint,
    localAddress: PlaneLocalAddress | undefined,
    bytes: Uint8Array,
    end: BatchEnd = 'flush',
    { segmentSize = 0, truncated = false } = {},
  ): void {
    const place = packPlace(from, localAddress);
    this.#edge.handleUdp(this.#plane, now, place, bytes, segmentSize, truncated, end === 'flush');
  }

  flush(now: number): void {
    this.#edge.flush(this.#plane, now);
  }

  /** What left since the last call, in order; trains cut into datagrams, super-frames into packets. */
  drain(): NativeOutput[] {
    return this.#edge.drain(this.#plane).flatMap(([at, pieces]): NativeOutput[] => {
      if (typeof at === 'number') return pieces.map((bytes) => ({ kind: 'packet', peer: at, bytes }));
      const { endpoint: to, localAddress } = unpackPlace(at);
      return pieces.map((bytes) => ({ kind: 'datagram', to, localAddress, bytes }));
    });
  }

  /** Sent and written since the plane was made, keys that live, and what the shell is told of reports. */
  counts() {
    const [trains, records, frames, liveKeys, pending, urgent] = this.#edge.counts(this.#plane);
    return { trains, records, frames, liveKeys, pending: pending !== 0, urgent: urgent !== 0 };
  }

  /** Drops for that reason since the plane was made. */
  total(reason: PlaneDrop): number {
    return this.#edge.total(this.#plane, planeDropReasons.indexOf(reason));
  }

  allow({ coalesce = true, trains = true, refuseSuperFrames = false }): void {
    this.#edge.allow(this.#plane, coalesce, trains, refuseSuperFrames);
  }

  /** So many of the next records fail to be sealed. */
  failSeals(count: number): void {
    this.#edge.failSeals(this.#plane, count);
  }

  fingerprint(): string {
    return this.#edge.fingerprint(this.#plane);
  }

  advanceSendCounter(index: number, next: number): void {
    this.#edge.advanceSendCounter(this.#plane, index, next);
  }

  /** Time that this plane takes to send the frames, `perTurn` a turn, and `to` to receive them, by trains or singly. */
  bench(
    to: NativeTestPlane,
    now: number,
    frames: readonly Uint8Array[],
    perTurn: number,
    receiveSingly = false,
  ) {
    return this.#edge.bench(this.#plane, to.#plane, now, frames, perTurn, receiveSingly);
  }
}

/** Sizes of native/plane/report_layout.h, and the number of reasons to drop. */
export function nativeReportLayout(): number[] {
  return planeEdge<DataPlaneEdge>('dataPlane').layout();
}

function unpackPlace(place: Uint8Array): {
  endpoint: PlaneEndpoint;
  localAddress: PlaneLocalAddress | undefined;
} {
  const view = new DataView(place.buffer, place.byteOffset, place.byteLength);
  const localSize = view.getUint32(40, true);
  return {
    endpoint: {
      ip: place.slice(0, place[16]),
      port: view.getUint16(18, true),
      scope: view.getUint32(20, true),
    },
    localAddress:
      localSize === 0
        ? undefined
        : { ip: place.slice(24, 24 + localSize), interfaceIndex: view.getUint32(44, true) },
  };
}
