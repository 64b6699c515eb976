/** What is under way and what it weighs: packets are delivered once each, and addresses get no more than they gave. */
import type { Endpoint } from '@pqtun/core';
import { must } from '../target.ts';

export class Ledger {
  /** Packets on their way, so many times each, by where they go. */
  readonly #packets = new Map<string, number>();
  /** Handshake bytes from each address less those to it. */
  readonly #balance = new Map<string, number>();

  /** Call when a packet was handed in somewhere, to come out at `where`. */
  underWay(where: string, packet: Uint8Array): void {
    const name = nameOf(where, packet);
    this.#packets.set(name, (this.#packets.get(name) ?? 0) + 1);
  }

  /** Call when a packet came out at `where`. */
  arrived(where: string, packet: Uint8Array): void {
    const name = nameOf(where, packet);
    const left = this.#packets.get(name) ?? 0;
    must(left > 0, 'I2, I3: a packet was delivered that nobody sent, or twice');
    this.#packets.set(name, left - 1);
  }

  /** Whether a packet that was handed in has not come out yet. */
  waits(where: string, packet: Uint8Array): boolean {
    return (this.#packets.get(nameOf(where, packet)) ?? 0) > 0;
  }

  /** Adds handshake bytes that came from an address (negative: went to it); what it has given more than it got. */
  count(at: Endpoint, bytes: number): number {
    const name = `${at.ip}/${at.port}`;
    const sum = (this.#balance.get(name) ?? 0) + bytes;
    this.#balance.set(name, sum);
    return sum;
  }
}

function nameOf(where: string, packet: Uint8Array): string {
  return `${where} ${Buffer.from(packet).toString('latin1')}`;
}
