/**
 * One inner packet with room around it, so that it is sealed where it lies: header before, padding and tag behind.
 *
 * Who owns it when: whoever reads the TUN owns the memory until it hands the buffer to `handlePacket`; from then on it is
 * the plane's, which may stage it, overwrite it by sealing, and pass a view of it on as a datagram to send. So the memory
 * must not be a slot that is read into again before that datagram has left: take fresh memory for each packet, or `lend` a
 * slot, which is then copied where the packet has to wait. A bare `Uint8Array` stays its caller's: the plane copies it. That room is stated and never guessed from the underlying
 * `ArrayBuffer` has a reason: pooled buffers have neighbours there, which sealing in place would overwrite.
 */
import { invariant } from '../errors.ts';
import { paddingUnit, tagSize } from '../limits.ts';
import { transportHeader } from '../wire/messages.ts';

/** Bytes needed before the packet: the transport header. */
export const headRoom = transportHeader.size;
/** Bytes needed behind it: the largest padding and the tag. */
export const tailRoom = paddingUnit - 1 + tagSize;

export class PacketBuffer {
  /** Head-room, packet, tail-room, and perhaps more on either side. */
  readonly memory: Uint8Array;
  /** Where the packet begins in `memory`, in bytes. */
  readonly offset: number;
  #length: number;
  #lent = false;

  /** Takes over `memory`. `PQTUN_INVARIANT` where there are not 16 B before and 31 B behind the packet. */
  constructor(memory: Uint8Array, offset: number, length: number) {
    invariant(offset >= headRoom && length >= 0, 'a packet buffer has no head-room');
    invariant(offset + length + tailRoom <= memory.length, 'a packet buffer has no tail-room');
    this.memory = memory;
    this.offset = offset;
    this.#length = length;
  }

  /**
   * A packet whose memory is only lent: it may be sealed where it lies, and its datagram must leave before the lender
   * takes the memory back; a packet that has to wait for a session is copied. Otherwise as the constructor.
   */
  static lend(memory: Uint8Array, offset: number, length: number): PacketBuffer {
    const buffer = new PacketBuffer(memory, offset, length);
    buffer.#lent = true;
    return buffer;
  }

  /** A fresh buffer of exactly the room needed; `packet` stays the caller's. */
  static copyOf(packet: Uint8Array): PacketBuffer {
    const memory = new Uint8Array(headRoom + packet.length + tailRoom);
    memory.set(packet, headRoom);
    return new PacketBuffer(memory, headRoom, packet.length);
  }

  /** Length of the packet in bytes. */
  get length(): number {
    return this.#length;
  }

  /** The packet, a view. */
  get packet(): Uint8Array {
    return this.memory.subarray(this.offset, this.offset + this.#length);
  }

  /** Cuts the packet to its first `length` bytes; what is cut off becomes tail-room. */
  trim(length: number): void {
    invariant(length >= 0 && length <= this.#length, 'trimming cannot lengthen a packet');
    this.#length = length;
  }

  /** This buffer, or a copy of its packet where the memory is lent or more than twice what is needed: for packets that have to wait. */
  compact(): PacketBuffer {
    const copies = this.#lent || this.memory.length > 2 * (headRoom + this.#length + tailRoom);
    return copies ? PacketBuffer.copyOf(this.packet) : this;
  }
}
