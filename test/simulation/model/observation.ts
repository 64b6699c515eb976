/**
 * What the model is told, in the order it happens: everything that goes into a host and comes out of it, the keys it makes,
 * uses and wipes, and what it shows of itself. Hosts are named, addresses and secrets are texts; nothing here is the engine's.
 */
import type { Profile } from './constants.ts';

export type Observation =
  /** The program was ended without a word and started again (or for the first time): nothing of before is left. */
  | { readonly kind: 'boot'; readonly at: number; readonly host: string }
  /** A peer was added or changed: this holds from now on. */
  | { readonly kind: 'peer'; readonly at: number; readonly host: string; readonly peer: PeerFacts }
  | { readonly kind: 'peer-gone'; readonly at: number; readonly host: string; readonly peer: number }
  | { readonly kind: 'input'; readonly at: number; readonly host: string; readonly input: Input }
  /** A key for records was set up; `print` is equal for equal keys and tells nothing of them. */
  | {
      readonly kind: 'key';
      readonly at: number;
      readonly host: string;
      readonly key: number;
      readonly print: string;
    }
  | {
      readonly kind: 'sealed';
      readonly at: number;
      readonly host: string;
      readonly key: number;
      readonly counter: number;
      readonly plaintext: Uint8Array;
    }
  /** A record verified. */
  | {
      readonly kind: 'opened';
      readonly at: number;
      readonly host: string;
      readonly key: number;
      readonly counter: number;
    }
  | { readonly kind: 'wiped'; readonly at: number; readonly host: string; readonly key: number }
  | {
      readonly kind: 'sent';
      readonly at: number;
      readonly host: string;
      readonly to: string;
      readonly bytes: Uint8Array;
    }
  /** An inner packet came out, as if from this peer. */
  | {
      readonly kind: 'delivered';
      readonly at: number;
      readonly host: string;
      readonly peer: number;
      readonly bytes: Uint8Array;
    }
  /** The input is over, and so is all that came of it. */
  | { readonly kind: 'done'; readonly at: number; readonly host: string; readonly view: View }
  /** A stranger who knows the addressee's public key made this datagram: its mac1 is right, and nothing else of it. */
  | { readonly kind: 'forged'; readonly at: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'reconfigured';
      readonly at: number;
      readonly host: string;
      readonly change: Reconfiguration;
    }
  /** All faults have ended; data from one host to another took so long to get through, or did not. */
  | {
      readonly kind: 'flow';
      readonly at: number;
      readonly host: string;
      readonly to: string;
      readonly took: number | undefined;
      readonly bound: number;
    }
  /** From now on no user and no attacker sends anything, and nothing is lost. */
  | { readonly kind: 'quiet'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number };

export type Input =
  | { readonly kind: 'datagram'; readonly from: string; readonly bytes: Uint8Array }
  | { readonly kind: 'packet'; readonly bytes: Uint8Array }
  | { readonly kind: 'timeout' | 'act' | 'boot' };

export interface PeerFacts {
  readonly peer: number;
  /** Name of the host that has its keys. */
  readonly remote: string;
  readonly kind: 'hybrid' | 'classical';
  readonly profile: Profile;
  /** A name for the pre-shared key; equal names, equal keys. */
  readonly psk: string;
  /** Allowed IPs, as `10.0.0.0/8`. */
  readonly allowed: readonly string[];
  /** PersistentKeepalive in milliseconds. */
  readonly keepalive: number | undefined;
}

/** What a host shows after an input. */
export interface View {
  /** Reasons whose counters rose. */
  readonly drops: readonly string[];
  /** Whether its state is the same as before the input; `undefined`: not looked at. */
  readonly unchanged: boolean | undefined;
  /** Where it believes each peer to be. */
  readonly endpoints: ReadonlyMap<number, string | undefined>;
  readonly indices: number;
  readonly answered: number;
  readonly slots: number;
  readonly sources: number;
  /** Private keys of handshakes in flight. */
  readonly ephemerals: number;
  readonly stagedBytes: number | undefined;
}

export interface Reconfiguration {
  readonly verb: string;
  /** Whether it may succeed. */
  readonly legal: boolean;
  readonly threw: string | undefined;
  /** State of each peer, by number, before and after. */
  readonly before: ReadonlyMap<number, string>;
  readonly after: ReadonlyMap<number, string>;
  /** Peers it names. */
  readonly touched: readonly number[];
}
