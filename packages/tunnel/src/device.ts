/**
 * The loop of a tunnel over the portable plane, and the way of a packet through it:
 *  1. something comes in: datagrams, inner packets, a deadline, or a call of the tunnel's owner
 *  2. the clock is read, once
 *  3. the protocol gets it, piece by piece; after each piece, what it has to send and to tell is collected. Of initiations it gets
 *     a few; the others have turns of their own, after those of what has come in meanwhile (`initiation-queue.ts`)
 *  4. what fell due meanwhile is done
 *  5. the inner packets are written to the device as one batch, the datagrams to the socket as another
 *  6. the one timer is armed
 *  7. events are told, now that all is at rest: whoever hears them may call back in
 *
 * Memory: datagrams are decrypted and inner packets sealed where they lie, in memory that the next turn overwrites. That is
 * sound because step 5 ends before the turn does, and what has to wait is copied by the plane.
 */
import {
  type EngineEvent,
  headRoom,
  type Instant,
  type OutgoingDatagram,
  PacketBuffer,
  type PortableTunnel,
  tailRoom,
} from '@pqtun/core';
import type { Clock } from './clock.ts';
import type { PathEvents, RefusedDatagrams } from './data-path.ts';
import { InitiationQueue } from './initiation-queue.ts';
import type { DatagramSocket, IncomingDatagram, PacketDevice, SocketEvents } from './io.ts';
import { nextImmediate, outcomeOf, Turns } from './turns.ts';

export interface DeviceOptions {
  readonly clock: Clock;
  readonly device: PacketDevice;
  readonly socket: DatagramSocket;
  readonly protocol: PortableTunnel;
  readonly on: PathEvents;
  /** Runs a function once the loop has looked for input again. Default `setImmediate`. */
  readonly afterInput?: (run: () => void) => { close(): void };
}

/** First byte of a transport datagram. protocol.md §3. */
const transportType = 4;

export class Device {
  readonly #device: PacketDevice;
  readonly #on: PathEvents;
  readonly #turns: Turns;
  readonly #initiations = new InitiationQueue();
  readonly #afterInput: (run: () => void) => { close(): void };
  /** The turn of the initiations that wait. */
  #waitingTurn: { close(): void } | undefined;
  /** Whether the device leaves room to seal in place, and the socket gives memory back at once. */
  #inPlace = false;
  #socket: DatagramSocket;
  #protocol: PortableTunnel;

  constructor({ clock, device, socket, protocol, on, afterInput = nextImmediate }: DeviceOptions) {
    this.#afterInput = afterInput;
    this.#device = device;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#on = on;
    this.#turns = new Turns({
      clock,
      on,
      protocol: () => this.#protocol,
      onTimer: () => this.#input((now, protocol) => protocol.handleTimeout(now)),
      onLoopDelay: (tell) => this.#input((now) => tell(now)),
    });
  }

  get protocol(): PortableTunnel {
    return this.#protocol;
  }

  /** Of the event loop's delay, as `TunnelStats` has it. */
  get loopDelayCounts(): readonly number[] {
    return this.#turns.loopDelayCounts;
  }

  start(): void {
    this.replaceSocket(this.#socket);
    this.#device.start(
      (packets) => this.#onPackets(packets),
      (error) => this.#lost(error),
    );
  }

  /** From now on this socket is sent through and listened to; the old one stays the caller's to close. */
  replaceSocket(socket: DatagramSocket): void {
    this.#socket = socket;
    const { headroom = 0, tailroom = 0 } = this.#device;
    this.#inPlace = socket.sendsAtOnce && headroom >= headRoom && tailroom >= tailRoom;
    socket.start(this.#socketEvents(socket));
  }

  /** From now on this protocol runs; the old one must have been stopped. */
  replaceProtocol(protocol: PortableTunnel): void {
    this.#protocol = protocol;
    this.#turns.forgetDeadline();
    this.#initiations.clear();
  }

  /** A turn for the tunnel's owner. What `act` throws is the caller's; what it did until then is sent all the same. */
  call<Result>(act: (now: Instant, protocol: PortableTunnel) => Result): Result {
    return outcomeOf((turn) => this.#input(turn), act);
  }

  /** No callback of socket, device or clock does anything after this. */
  close(): void {
    this.#turns.close();
    this.#waitingTurn?.close();
    this.#initiations.clear();
    this.#device.close();
  }

  /* inputs */

  #onDatagrams(datagrams: readonly IncomingDatagram[]): void {
    this.#turns.onInput();
    this.#initiations.beginTurn();
    this.#input((now, protocol, collect) => {
      for (const datagram of datagrams) {
        const { from, localAddress, bytes } = datagram;
        if (this.#mustWait(protocol, datagram)) continue;
        protocol.handleDatagram(now, from, localAddress, bytes);
        collect();
      }
    });
    this.#callWaiting();
  }

  /** Whether it is an initiation beyond this turn's share: then it is kept, or lost and counted. */
  #mustWait({ engine }: PortableTunnel, datagram: IncomingDatagram): boolean {
    const lane = engine.initiationOf(datagram.from, datagram.bytes);
    if (lane === undefined) return false;
    const placement = this.#initiations.place(lane, datagram);
    if (placement === 'full') engine.drops.count('queue-full');
    return placement !== 'now';
  }

  #callWaiting(): void {
    if (this.#turns.closed || this.#initiations.isEmpty) return;
    this.#waitingTurn ??= this.#afterInput(() => {
      this.#waitingTurn = undefined;
      this.#initiations.beginTurn();
      this.#input((now, protocol, collect) => {
        for (let next = this.#initiations.next(); next !== undefined; next = this.#initiations.next()) {
          protocol.handleDatagram(now, next.from, next.localAddress, next.bytes);
          collect();
        }
      });
      this.#callWaiting();
    });
  }

  #onPackets(packets: readonly Uint8Array[]): void {
    this.#turns.onInput();
    this.#input((now, protocol, collect) => {
      for (const packet of packets) {
        protocol.handlePacket(now, this.#inPlace ? lend(packet) : packet);
        collect();
      }
    });
  }

  /* the turn */

  #input(act: (now: Instant, protocol: PortableTunnel, collect: () => void) => void): void {
    this.#turns.run((now) => {
      const protocol = this.#protocol;
      const turn = new Outputs();
      act(now, protocol, () => turn.collect(protocol));
      turn.collect(protocol);
      const next = protocol.nextDeadline();
      if (next !== undefined && next.at <= now) {
        protocol.handleTimeout(now);
        turn.collect(protocol);
      }
      this.#write(turn);
      return turn.events;
    });
  }

  #write({ packets, datagrams }: Outputs): void {
    if (packets.length > 0) {
      try {
        this.#device.write(packets);
      } catch (error) {
        this.#lost(error instanceof Error ? error : new Error(String(error)));
      }
    }
    if (datagrams.length > 0) this.#socket.send(datagrams);
  }

  #lost(error: Error): void {
    if (!this.#turns.closed) this.#on.onDeviceLost(error);
  }

  #socketEvents(socket: DatagramSocket): SocketEvents {
    return {
      onDatagrams: (datagrams) => this.#onDatagrams(datagrams),
      onSendFailed: (datagram, code) => {
        if (!this.#turns.closed) this.#on.onSendFailed(refused(datagram), code);
      },
      onSourceLost: () => {
        if (!this.#turns.closed) this.#on.onSourceLost();
      },
      onError: (error) => {
        if (socket === this.#socket) this.#lost(error);
      },
    };
  }
}

function refused({ to, bytes }: OutgoingDatagram): RefusedDatagrams {
  return { to, length: bytes.length, isTransport: bytes[0] === transportType, count: 1 };
}

/** What one turn leaves behind. */
class Outputs {
  readonly datagrams: OutgoingDatagram[] = [];
  readonly packets: Uint8Array[] = [];
  readonly events: EngineEvent[] = [];

  collect(protocol: PortableTunnel): void {
    for (let output = protocol.poll(); output !== undefined; output = protocol.poll()) {
      if (output.kind === 'packet') this.packets.push(output.bytes);
      else this.datagrams.push(output);
    }
    for (let event = protocol.pollEvent(); event !== undefined; event = protocol.pollEvent()) {
      this.events.push(event);
    }
  }
}

/** A view with the room around it that its device has promised. */
function lend(packet: Uint8Array): PacketBuffer {
  const room = headRoom + packet.length + tailRoom;
  const memory = new Uint8Array(packet.buffer, packet.byteOffset - headRoom, room);
  return PacketBuffer.lend(memory, headRoom, packet.length);
}
