/**
 * Inner packets waiting for a session: first in, first out for each peer, bounded in bytes for each and for all together.
 * docs/data-plane.md.
 */
import { stagedBytesInAll, stagedBytesPerPeer } from '../limits.ts';
import type { PacketBuffer } from './packet-buffer.ts';

/** A small packet is charged as this many bytes, about what it occupies: else 20 B packets would take twelve times the bound. */
export const minStagedCharge = 256;

/** What all queues of one plane share. */
export interface StagingBudget {
  bytes: number;
  readonly perPeer: number;
  readonly inAll: number;
}

export function stagingBudget(perPeer = stagedBytesPerPeer, inAll = stagedBytesInAll): StagingBudget {
  return { bytes: 0, perPeer, inAll };
}

export class StagedQueue {
  readonly #budget: StagingBudget;
  readonly #packets: PacketBuffer[] = [];
  /** Packets before this one have been taken; the array is cut when half of it is. */
  #head = 0;
  #bytes = 0;

  constructor(budget: StagingBudget) {
    this.#budget = budget;
  }

  /** Packets waiting. */
  get size(): number {
    return this.#packets.length - this.#head;
  }

  /** Bytes charged. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes `packet` over and puts it last. Returns how many packets were lost for it. Over the peer's bound its oldest give
   * way. Over the bound of all, too, the oldest of this peer, never another's: no peer can push out what others have waiting;
   * where emptying this queue would not make room, the new packet alone is lost.
   */
  push(packet: PacketBuffer): number {
    const charge = chargeOf(packet);
    const most = Math.min(this.#budget.perPeer, this.#budget.inAll - this.#budget.bytes + this.#bytes);
    if (charge > most) return 1;
    let lost = 0;
    while (this.size > 0 && !this.#fits(charge)) {
      this.shift();
      lost++;
    }
    this.#packets.push(packet.compact());
    this.#charge(charge);
    return lost;
  }

  /** The oldest packet, now the caller's; `undefined` when none waits. */
  shift(): PacketBuffer | undefined {
    const packet = this.#packets[this.#head];
    if (packet === undefined) return undefined;
    this.#head++;
    if (this.#head * 2 >= this.#packets.length) {
      this.#packets.splice(0, this.#head);
      this.#head = 0;
    }
    this.#charge(-chargeOf(packet));
    return packet;
  }

  clear(): void {
    this.#packets.length = 0;
    this.#head = 0;
    this.#charge(-this.#bytes);
  }

  #fits(charge: number): boolean {
    return this.#bytes + charge <= this.#budget.perPeer && this.#budget.bytes + charge <= this.#budget.inAll;
  }

  #charge(bytes: number): void {
    this.#bytes += bytes;
    this.#budget.bytes += bytes;
  }
}

function chargeOf(packet: PacketBuffer): number {
  return Math.max(packet.length, minStagedCharge);
}
