/**
 * How packets move between a device and the network, and engine and plane with them: through JavaScript (`portable-path.ts`)
 * or inside the addon (`native-path.ts`). The tunnel above knows neither.
 */
import type { DataPlane, Endpoint, Engine, EngineOptions, Instant } from '@pqtun/core';
import type { OffloadName, TunnelStats } from './api.ts';
import type { TurnEvents } from './turns.ts';

/** What the owner of a path may call, within a turn. */
export interface Protocol {
  readonly engine: Engine;
  readonly plane: DataPlane;
}

/** An engine to be, whatever moves its packets. */
export type EngineSettings = Omit<EngineOptions, 'plane'>;

/** Datagrams to one place that the system did not take. */
export interface RefusedDatagrams {
  readonly to: Endpoint;
  /** Of the shortest of them, in bytes. */
  readonly length: number;
  /** Whether they carried users' packets: type 4. */
  readonly isTransport: boolean;
  readonly count: number;
}

/** What a path has to say. */
export interface PathEvents extends TurnEvents {
  /** `code`: the system's, `EMSGSIZE` or `ENETUNREACH` for two. */
  onSendFailed(refused: RefusedDatagrams, code: string): void;
  /** A source address of ours is gone. */
  onSourceLost(): void;
  /** The system does something for us no longer, or again; `reason` says why. */
  onOffloadChanged(name: OffloadName, active: boolean, reason: string | undefined): void;
  /** No more packets will come: the device is gone, or the socket. */
  onDeviceLost(error: Error): void;
}

/** What a path tells of itself. */
export type PathFacts = Pick<
  TunnelStats,
  'plane' | 'udp' | 'aead' | 'offloads' | 'planeCounters' | 'loopDelay'
>;

export interface DataPath {
  readonly interfaceName: string;
  /** Of the device, in bytes. */
  readonly mtu: number;
  /** UDP port. */
  readonly port: number;
  readonly protocol: Protocol;
  facts(): PathFacts;
  start(): void;
  /** A turn for the tunnel's owner. What `act` throws is the caller's; what it did until then is sent all the same. */
  call<Result>(act: (now: Instant, protocol: Protocol) => Result): Result;
  /** Opens another port. Rejects with the system's error, and goes on over the old one then; sessions stay either way. */
  rebind(port: number, mark: number): Promise<void>;
  /** Sets the mark of what is sent from now on. Throws the system's error, or `PQTUN_UNSUPPORTED`. */
  setMark(mark: number): void;
  /** Begins anew as another party, over the same device and socket; the engine before must have been stopped. */
  renew(engine: EngineSettings): void;
  /** Nothing is told any more once this is called, and all is closed when it resolves. */
  close(): Promise<void>;
}

/** A device and sockets that are open, and silent until there is a tunnel above them. */
export interface OpenedPath {
  /** Makes a path of it, which owns it from then on. */
  connect(engine: EngineSettings, on: PathEvents): DataPath;
  /** For when there will be no tunnel. Harmless when repeated. */
  close(): Promise<void>;
}
