/** The addon's data plane as a tunnel uses it: core's verbs, and the shell around them that owns socket, TUN and thread. */
import type { Endpoint } from '@pqtun/core';
import type { OffloadName, OffloadStatus } from './api.ts';
import type { PlaneVerbs } from './native-plane.ts';

export interface NativeTunnelPlane extends PlaneVerbs {
  readonly name: string;
  /** 0 when an adopted device lives in another network namespace. */
  readonly interfaceIndex: number;
  /** UDP port. */
  readonly port: number;
  /** Tunnel MTU in bytes. */
  readonly mtu: number;
  /**
   * Starts the thread. `onReports`: there is something for `takeReports` or `takeEvents`; comes again as long as there is. `onLost`:
   * device or socket are gone, nothing follows.
   */
  start(on: { onReports: () => void; onLost: (error: Error) => void }): void;
  takeEvents(): readonly ShellEvent[];
  /** Other sockets in place of those there are, which stay when it throws the system's error. */
  rebind(udp: { port: number; mark: number; bind?: readonly Uint8Array[] }): void | Promise<void>;
  setMark(mark: number): void;
  status(): PlaneStatus;
  /** Named totals since the start. */
  counters(): Readonly<Record<string, number>>;
  /** Ends the thread, closes all. Harmless when repeated. */
  close(): void | Promise<void>;
}

export interface PlaneStatus {
  readonly aead: { readonly name: string; readonly reason: string | undefined };
  readonly offloads: readonly OffloadStatus[];
}

export type ShellEvent =
  /** The system refused `count` datagrams to one place; `length` is that of the shortest. */
  | {
      readonly kind: 'send-failed';
      readonly to: Endpoint;
      readonly length: number;
      readonly isTransport: boolean;
      readonly code: string;
      readonly count: number;
    }
  | { readonly kind: 'source-lost' }
  | {
      readonly kind: 'offload-changed';
      readonly name: OffloadName;
      readonly active: boolean;
      readonly reason: string | undefined;
    };
