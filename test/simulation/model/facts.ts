/** The things the model keeps: hosts as they were configured, keys as they were made, datagrams as they left. */
import type { Profile } from './constants.ts';
import type { Input, PeerFacts } from './observation.ts';
import type { Seen } from './wire.ts';

export interface HostFacts {
  readonly name: string;
  /** How often its program was started; what came of an earlier start is not its any more. */
  boot: number;
  readonly peers: Map<number, PeerFacts>;
  /** Keys made and not wiped. */
  readonly keys: Set<KeyFacts>;
  readonly pairs: Set<Pair>;
  /** Local indices of sessions it ever had as initiator. */
  readonly established: Set<number>;
  /** When it last wiped a key for its age. */
  agedAt: number | undefined;
  /** The input under way. */
  input: InputFacts | undefined;
}

export interface InputFacts {
  readonly input: Input;
  /** Of a datagram. */
  readonly seen: Seen | undefined;
  /** The datagram is one that an honest host sent, unaltered in all that counts. */
  readonly genuine: Genuine | undefined;
  /** A stranger made it with a right mac1. */
  readonly forged: boolean;
  /** Keys made during it. */
  readonly made: KeyFacts[];
  /** The record opened during it. */
  opened: Opened | undefined;
  sent: number;
}

export interface Opened {
  readonly key: KeyFacts;
  readonly counter: number;
  /** It verified for the first time since the program started. */
  readonly fresh: boolean;
  readonly highest: boolean;
}

export interface KeyFacts {
  readonly id: number;
  readonly print: string;
  readonly host: HostFacts;
  readonly boot: number;
  readonly bornAt: number;
  wiped: boolean;
  pair: Pair | undefined;
  /** Counters that have verified, and been taken. */
  readonly taken: Set<number>;
  highestTaken: number;
}

/** The two keys of one end of a session. */
export interface Pair {
  readonly host: HostFacts;
  readonly boot: number;
  readonly role: 'initiator' | 'responder';
  /** Name of the other end, by the datagrams that led here; `undefined`: no honest host's. */
  readonly remote: string | undefined;
  readonly bornAt: number;
  readonly profile: Profile;
  readonly psk: string | undefined;
  readonly send: KeyFacts;
  readonly receive: KeyFacts;
  /** As responder known when the response leaves. */
  localIndex: number | undefined;
}

/** A datagram as an honest host sent it. */
export interface Genuine {
  readonly host: HostFacts;
  readonly boot: number;
  readonly seen: Seen;
  readonly at: number;
  /** Of a response: its sender's end of the session it offers. */
  readonly pair: Pair | undefined;
  /** Of an initiation: the pre-shared keys its sender had then, by the other's name. */
  readonly psk: ReadonlyMap<string, string>;
  /** All fragments of the message it is of, as far as they were sent, by number; empty for what has none. */
  readonly parts: Map<number, Genuine>;
  readonly deliveries: {
    readonly host: HostFacts;
    readonly boot: number;
    readonly from: string;
    readonly at: number;
  }[];
}

/** A record as it was sealed. */
export interface Sealed {
  readonly host: HostFacts;
  readonly plaintext: Uint8Array;
  readonly at: number;
}
