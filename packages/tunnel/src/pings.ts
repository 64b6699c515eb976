/** Pings under way: each waits for a session, then for the answer to its probe, and not for ever. */

import { ipKey, type PeerId, PqtunError } from '@pqtun/core';
import { bad, checkInteger } from './check-config.ts';

/** Largest probe in bytes that a UDP datagram carries over IPv4. */
const largest = 65_472;
const longest = 3_600_000;

/** Checks the options of a ping. Throws `PQTUN_BAD_CONFIG`. */
export function checkPing(options: { timeout?: number; size?: number }): {
  timeout: number;
  size: number | undefined;
} {
  const { timeout = 5000, size } = options;
  checkInteger('options.timeout', timeout, 1, longest);
  if (size !== undefined && checkInteger('options.size', size, 16, largest) % 16 !== 0) {
    throw bad('options.size', 'expected a multiple of 16');
  }
  return { timeout, size };
}

interface Ping {
  readonly peer: PeerId;
  readonly length: number | undefined;
  readonly resolve: (roundTrip: number) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
  /** Of the probe on its way; `undefined` while there is no session to send it under. */
  token: string | undefined;
}

/** Sends one probe; its token, or `undefined` without a session. */
export type SendProbe = (peer: PeerId, length: number | undefined) => Uint8Array | undefined;

export class Pings {
  readonly #send: SendProbe;
  readonly #pings = new Set<Ping>();

  constructor(send: SendProbe) {
    this.#send = send;
  }

  /** Resolves with the round trip in milliseconds; rejects with `PQTUN_NO_ANSWER` after `timeout`. */
  start(peer: PeerId, timeout: number, length?: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pings.delete(ping);
        const what =
          ping.token === undefined ? 'there was no session with the peer' : 'the peer did not answer';
        reject(new PqtunError('PQTUN_NO_ANSWER', `${what} within ${timeout} ms`));
      }, timeout);
      const ping: Ping = { peer, length, resolve, reject, timer, token: undefined };
      this.#pings.add(ping);
      this.#trySend(ping);
    });
  }

  /** Whether a ping to this peer waits for a session. */
  waits(peer: PeerId): boolean {
    return [...this.#pings].some((ping) => ping.peer === peer && ping.token === undefined);
  }

  /** Call when a session with this peer stands. */
  onEstablished(peer: PeerId): void {
    for (const ping of this.#pings) if (ping.peer === peer && ping.token === undefined) this.#trySend(ping);
  }

  onPong(token: Uint8Array, roundTrip: number): void {
    const key = ipKey(token);
    for (const ping of this.#pings) {
      if (ping.token !== key) continue;
      this.#end(ping);
      ping.resolve(roundTrip);
    }
  }

  /** Ends those to one peer, or all. */
  end(why: string, peer?: PeerId): void {
    for (const ping of [...this.#pings]) {
      if (peer !== undefined && ping.peer !== peer) continue;
      this.#end(ping);
      ping.reject(new PqtunError('PQTUN_CLOSED', why));
    }
  }

  #trySend(ping: Ping): void {
    const token = this.#send(ping.peer, ping.length);
    ping.token = token && ipKey(token);
  }

  #end(ping: Ping): void {
    clearTimeout(ping.timer);
    this.#pings.delete(ping);
  }
}
