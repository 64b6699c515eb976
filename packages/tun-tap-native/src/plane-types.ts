/**
 * What a native data plane takes and gives, in plain types: the shapes of @pqtun/core's port (plane/plane.ts), whose meaning is
 * described there. This package knows nothing of core; the shapes fit by themselves.
 */

export interface PlaneEndpoint {
  /** 4 B or 16 B, network order; never an IPv4-mapped IPv6 address. */
  readonly ip: Uint8Array;
  readonly port: number;
  /** Interface index of a link-local IPv6 address, else 0. */
  readonly scope: number;
}

export interface PlaneLocalAddress {
  /** 4 B or 16 B, network order. */
  readonly ip: Uint8Array;
  /** 0 when unknown. */
  readonly interfaceIndex: number;
}

export interface PlanePlace {
  readonly endpoint: PlaneEndpoint;
  readonly localAddress: PlaneLocalAddress | undefined;
}

export type PlaneSessionKind = 'hybrid' | 'classical';

export interface PlaneSession {
  readonly peer: number;
  readonly role: 'initiator' | 'responder';
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** 32 B each; copied, and the caller's to wipe. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** 12 B. */
  readonly timestamp: Uint8Array;
  /** Milliseconds on CLOCK_BOOTTIME, as every `now`. */
  readonly bornAt: number;
  readonly limits: {
    readonly rekeyAfterTime: number;
    readonly rejectAfterTime: number;
    readonly rekeyOnReceiveAfter: number;
    readonly rekeyAfterMessages: number;
    readonly rejectAfterMessages: number;
  };
  readonly kind: PlaneSessionKind;
  readonly winsCrossing: boolean;
}

export interface PlanePeerSettings {
  /** `undefined` leaves the value, `null` clears it. */
  readonly endpoint?: PlaneEndpoint | null;
  readonly localAddress?: PlaneLocalAddress | null;
  /** Largest outer UDP payload known to pass, in bytes, above 32. */
  readonly pathMtu?: number;
  readonly kind?: PlaneSessionKind;
}

export type PlaneRouteChange =
  | { readonly kind: 'add'; readonly peer: number; readonly prefix: Uint8Array; readonly bits: number }
  | { readonly kind: 'remove'; readonly peer: number; readonly prefix: Uint8Array; readonly bits: number }
  | { readonly kind: 'clear'; readonly peer: number };

export interface PlaneDatagram {
  readonly to: PlaneEndpoint;
  readonly localAddress: PlaneLocalAddress | undefined;
  readonly bytes: Uint8Array;
}

export interface PlanePeerCounters {
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly packetsSent: number;
}

export interface PlaneConfirmation extends PlanePlace {
  readonly index: number;
  /** 12 B. */
  readonly timestamp: Uint8Array;
  readonly became: 'current' | 'previous';
}

export interface PlanePeerActivity {
  readonly peer: number;
  wantsKey: boolean;
  readonly confirmed: PlaneConfirmation[];
  readonly retired: number[];
  dataSent: boolean;
  dataReceived: boolean;
  recordSent: boolean;
  anySent: boolean;
  anyReceived: boolean;
  roamed: PlanePlace | undefined;
  limitNear: number | undefined;
  tooBig: number | undefined;
}

export type PlaneGateVerdict =
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'passed'; readonly key: number; readonly proven: boolean };

export type PlaneMessage =
  | {
      readonly kind: 'handshake';
      readonly from: PlaneEndpoint;
      readonly localAddress: PlaneLocalAddress | undefined;
      readonly bytes: Uint8Array;
      readonly verdict: PlaneGateVerdict;
    }
  | {
      readonly kind: 'control';
      readonly peer: number;
      readonly from: PlaneEndpoint;
      readonly localAddress: PlaneLocalAddress | undefined;
      readonly payload: Uint8Array;
    };

/** Why the plane drops, in the order of native/plane/drop.h, which is that of core's drop.ts. */
export const planeDropReasons = [
  'bad-length',
  'unknown-type',
  'reserved-bytes',
  'bad-geometry',
  'suite-disabled',
  'bad-mac1',
  'classical-disabled',
  'downgrade-refused',
  'rate-limited',
  'proven-rate-limited',
  'no-slot',
  'under-load',
  'duplicate-fragment',
  'reassembly-expired',
  'copy-refused',
  'bad-dh',
  'bad-identity',
  'unknown-peer',
  'mode-mismatch',
  'bad-timestamp',
  'stale-timestamp',
  'pending-lost',
  'bad-kem-key',
  'unexpected-response',
  'no-response-slot',
  'bad-response',
  'unexpected-cookie',
  'bad-cookie',
  'unknown-index',
  'profile-mismatch',
  'bad-tag',
  'replayed',
  'counter-limit',
  'session-expired',
  'stale-confirm',
  'cannot-confirm',
  'bad-inner-packet',
  'bad-inner-length',
  'source-not-allowed',
  'control-on-classical',
  'unknown-control',
  'answer-limit',
  'no-route',
  'no-endpoint',
  'staging-full',
  'too-big',
  'send-failed',
  'queue-full',
] as const;
export type PlaneDrop = (typeof planeDropReasons)[number];

export interface PlaneReports {
  readonly activity: readonly PlanePeerActivity[];
  readonly messages: readonly PlaneMessage[];
  readonly drops: ReadonlyMap<PlaneDrop, number>;
}

/** What takeReports() of a native plane gives: `more` messages wait for the next turn. */
export interface NativePlaneReports extends PlaneReports {
  /** That the gate sent. */
  readonly cookieReplies: number;
  readonly more: boolean;
}
