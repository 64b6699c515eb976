/**
 * Engine and portable plane as one sans-IO object: a whole tunnel without a socket, a device or a clock.
 *
 * One `handle*` call, then `poll` until it is empty, then `pollEvent` until it is empty, then the next. `nextDeadline` says
 * when `handleTimeout` is wanted.
 */
import type { PacketBuffer } from '../plane/packet-buffer.ts';
import type { PlaneOutput } from '../plane/plane-state.ts';
import { PortablePlane } from '../plane/portable-plane.ts';
import type { Endpoint, Instant, LocalAddress } from '../types.ts';
import { messageType } from '../wire/messages.ts';
import type { EngineEvent } from './context.ts';
import { Engine } from './engine.ts';
import type { EngineOptions } from './options.ts';

export interface PortableTunnelOptions extends Omit<EngineOptions, 'plane'> {
  /** Tunnel MTU in bytes, default 1420. */
  readonly mtu?: number;
}

export class PortableTunnel {
  readonly engine: Engine;
  readonly plane: PortablePlane;

  constructor(now: Instant, { mtu, ...options }: PortableTunnelOptions) {
    this.plane = new PortablePlane({ suite: options.crypto, ...(mtu === undefined ? {} : { mtu }) });
    this.engine = new Engine(now, { ...options, plane: this.plane });
  }

  /**
   * One datagram from the network, of any length and content. `bytes` is the tunnel's until the outputs are polled: transport
   * is decrypted in place, and a `packet` output is a view of it.
   */
  handleDatagram(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    bytes: Uint8Array,
  ): void {
    if (bytes[0] === messageType.transport) this.plane.handleTransport(now, from, localAddress, bytes);
    else this.engine.handleDatagram(now, from, localAddress, bytes);
    this.engine.handleReports(now);
  }

  /** One inner packet to be sent. A `PacketBuffer` is sealed where it lies; bare bytes are copied. */
  handlePacket(now: Instant, packet: PacketBuffer | Uint8Array): void {
    this.plane.handlePacket(now, packet);
    this.engine.handleReports(now);
  }

  handleTimeout(now: Instant): void {
    this.engine.handleTimeout(now);
    this.engine.handleReports(now);
    this.engine.handleTimeout(now); // what the reports made due at once
  }

  /** The next datagram to send or packet to deliver, in order; its bytes are the caller's. */
  poll(): PlaneOutput | undefined {
    return this.plane.poll();
  }

  pollEvent(): EngineEvent | undefined {
    return this.engine.pollEvent();
  }

  nextDeadline(): ReturnType<Engine['nextDeadline']> {
    return this.engine.nextDeadline();
  }
}
