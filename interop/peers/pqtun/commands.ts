/** What the endpoint reads and writes. The same as pqtun-go's (its README lists them), less what only that one can do. */
import type { PartyConfig } from '../peer.ts';

/** The configuration file: as every implementation's, and which back end of ours. */
export interface EndpointConfig extends PartyConfig {
  readonly suites?: readonly (1 | 2)[];
}

/** One line of standard input. `quit`, or the end of input, ends the program. */
export type Command =
  /** An inner packet, hex. */
  | { readonly do: 'send'; readonly peer: string; readonly packet: string }
  /** A handshake now. */
  | { readonly do: 'initiate'; readonly peer: string }
  /** An inner probe of `size` B; `token` comes back with the answer. */
  | { readonly do: 'probe'; readonly peer: string; readonly token: string; readonly size: number }
  | { readonly do: 'stats' }
  | { readonly do: 'quit' };

/** One line of standard output. */
export type Event =
  | { readonly event: 'ready'; readonly listen: string }
  | { readonly event: 'established'; readonly peer: string; readonly role: 'initiator' | 'responder' }
  | { readonly event: 'packet'; readonly peer: string; readonly packet: string }
  | { readonly event: 'answer'; readonly peer: string; readonly token: string }
  | { readonly event: 'moved'; readonly peer: string; readonly endpoint: string }
  | { readonly event: 'gave-up'; readonly peer: string }
  | ({ readonly event: 'stats' | 'bye' } & Stats)
  | { readonly event: 'error'; readonly text: string };

export interface Stats {
  /** By reason, zeros left out. */
  readonly drops: Readonly<Record<string, number>>;
  readonly cookieRepliesSent: number;
  /** Datagrams by type byte in hex; absent where the driver does not see them. */
  readonly sentTypes?: Readonly<Record<string, number>>;
  readonly receivedTypes?: Readonly<Record<string, number>>;
  /** Initiations (fragments, or type 1) that left with a mac2. */
  readonly sentWithMac2?: number;
}

/** One way to run a party. What happens is told to `emit`, as it happens. */
export interface Driver {
  /** Address and port, for `ready`. */
  readonly listen: string;
  send(packet: Uint8Array): void;
  initiate(): void;
  /** Throws without a session. */
  probe(token: string, size: number): void;
  stats(): Stats;
  close(): Promise<void>;
}

export type Emit = (event: Event) => void;

export const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** `127.0.0.1:51820` in its parts. IPv4 only: tests know no other. */
export function hostAndPort(text: string): { host: string; port: number } {
  const [host = '', port = ''] = text.split(':');
  return { host, port: Number(port) };
}

/** The party's only remote one. */
export function onlyPeer(config: EndpointConfig) {
  const [peer, ...others] = config.peers;
  if (peer === undefined || others.length > 0) throw new Error('the endpoint wants exactly one peer');
  return peer;
}

/** Drop counters that are not zero. */
export function counted(drops: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(drops).filter(([, count]) => count > 0));
}
