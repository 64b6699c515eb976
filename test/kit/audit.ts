/**
 * Watches a world for what must never happen, whatever the network does, and sends packets it can tell apart.
 * No nonce twice, nothing delivered twice, nothing that was not sent, byte for byte; no session used past its age.
 */
import { limits, type PeerId, sameBytes } from '@pqtun/core';
import type { Host } from './host.ts';
import { innerPacket } from './packets.ts';
import { counterOf, kindOf, receiverIndexOf } from './wire-view.ts';
import type { Datagram, Observer, World } from './world.ts';

interface SentPacket {
  readonly from: Host;
  readonly to: Host;
  readonly bytes: Uint8Array;
  arrivedAt: number | undefined;
}

const serialOffset = 20;

export class Audit implements Observer {
  readonly violations: string[] = [];
  readonly #world: World;
  readonly #rejectAfter: number;
  readonly #packets: SentPacket[] = [];
  /** By sender and receiver index: last counter, and when the first left. */
  readonly #sessions = new Map<string, { counter: bigint; readonly firstAt: number }>();

  constructor(world: World, profile: limits.RekeyProfile = 'standard') {
    this.#world = world;
    this.#rejectAfter = limits.sessionLimits(profile).rejectAfterTime;
    world.observers.push(this);
  }

  /** Sends one packet of `length` B (at least 28) that no other equals; its serial number. */
  send(from: Host, to: Host, length = 100): number {
    const serial = this.#packets.length;
    const bytes = innerPacket(from.inner, to.inner, length, serial);
    new DataView(bytes.buffer).setUint32(serialOffset, serial);
    this.#packets.push({ from, to, bytes, arrivedAt: undefined });
    from.send(bytes);
    return serial;
  }

  arrivedAt(serial: number): number | undefined {
    return this.#packets[serial]?.arrivedAt;
  }

  arrived(serial: number): boolean {
    return this.arrivedAt(serial) !== undefined;
  }

  /** Serial numbers of what has not arrived. */
  missing(): number[] {
    return this.#packets.flatMap(({ arrivedAt }, serial) => (arrivedAt === undefined ? [serial] : []));
  }

  get sent(): number {
    return this.#packets.length;
  }

  onSent(sender: Host, datagram: Datagram): void {
    if (kindOf(datagram) !== 'transport') return;
    const name = `${sender.name}/${receiverIndexOf(datagram)}`;
    const counter = counterOf(datagram);
    const session = this.#sessions.get(name);
    if (session === undefined) {
      this.#sessions.set(name, { counter, firstAt: this.#world.now });
      return;
    }
    if (counter <= session.counter) this.#report(`I1: ${name} used counter ${counter} again`);
    if (this.#world.now - session.firstAt >= this.#rejectAfter) this.#report(`I7: ${name} is past its age`);
    session.counter = counter;
  }

  onDelivered(receiver: Host, _peer: PeerId, bytes: Uint8Array): void {
    const serial =
      bytes.length < 24 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(serialOffset);
    const packet = this.#packets[serial];
    if (packet === undefined || !sameBytes(packet.bytes, bytes) || packet.to !== receiver) {
      this.#report(`I3: ${receiver.name} was given a packet nobody sent to it`);
      return;
    }
    if (packet.arrivedAt !== undefined) this.#report(`I2: packet ${serial} arrived twice`);
    packet.arrivedAt ??= this.#world.now;
  }

  #report(what: string): void {
    this.violations.push(`at ${this.#world.now} ms, ${what}`);
  }
}
