/**
 * The loop of a tunnel, and the way of a packet through it:
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
import type { Clock, ClockTimer } from './clock.ts';
import { InitiationQueue } from './initiation-queue.ts';
import type { DatagramSocket, IncomingDatagram, PacketDevice, SocketEvents } from './io.ts';
import { LoopDelay } from './loop-delay.ts';

export interface DeviceOptions {
  readonly clock: Clock;
  readonly device: PacketDevice;
  readonly socket: DatagramSocket;
  readonly protocol: PortableTunnel;
  readonly on: DeviceEvents;
  /** Runs a function once the loop has looked for input again. Default `setImmediate`. */
  readonly afterInput?: (run: () => void) => { close(): void };
}

export interface DeviceEvents {
  /** After each turn, with what the protocol has to tell. */
  onTurn(now: Instant, events: readonly EngineEvent[]): void;
  onSendFailed(datagram: OutgoingDatagram, code: string): void;
  /** A source address of ours is gone. */
  onSourceLost(): void;
  /** No more packets will come: the device is gone, or the socket. */
  onDeviceLost(error: Error): void;
  /** A bug of ours met a packet; nothing of the protocol may be used any more. */
  onFailure(error: unknown): void;
}

export class Device {
  readonly #clock: Clock;
  readonly #device: PacketDevice;
  readonly #on: DeviceEvents;
  readonly #loopDelay: LoopDelay;
  readonly #timer: ClockTimer;
  readonly #initiations = new InitiationQueue();
  readonly #afterInput: (run: () => void) => { close(): void };
  /** The turn of the initiations that wait. */
  #waitingTurn: { close(): void } | undefined;
  /** Whether the device leaves room to seal in place, and the socket gives memory back at once. */
  #inPlace = false;
  #socket: DatagramSocket;
  #protocol: PortableTunnel;
  #armedFor: Instant | undefined;
  #closed = false;

  constructor({ clock, device, socket, protocol, on, afterInput = nextImmediate }: DeviceOptions) {
    this.#afterInput = afterInput;
    this.#clock = clock;
    this.#device = device;
    this.#socket = socket;
    this.#protocol = protocol;
    this.#on = on;
    this.#timer = clock.timer(() => this.#onTimer());
    this.#loopDelay = new LoopDelay(clock, (delay) => this.#onLoopDelay(delay));
  }

  get protocol(): PortableTunnel {
    return this.#protocol;
  }

  /** Of the event loop's delay, as `TunnelStats` has it. */
  get loopDelayCounts(): readonly number[] {
    return this.#loopDelay.counts;
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
    this.#armedFor = undefined;
    this.#initiations.clear();
  }

  /** A turn for the tunnel's owner. What `act` throws is the caller's; what it did until then is sent all the same. */
  call<Result>(act: (now: Instant, protocol: PortableTunnel) => Result): Result {
    let outcome: { value: Result } | { error: unknown } | undefined;
    this.#input((now, protocol) => {
      try {
        outcome = { value: act(now, protocol) };
      } catch (error) {
        outcome = { error };
      }
    });
    if (outcome === undefined) throw new Error('called on a closed device');
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** No callback of socket, device or clock does anything after this. */
  close(): void {
    this.#closed = true;
    this.#timer.close();
    this.#loopDelay.close();
    this.#waitingTurn?.close();
    this.#initiations.clear();
    this.#device.close();
  }

  /* inputs */

  #onDatagrams(datagrams: readonly IncomingDatagram[]): void {
    this.#loopDelay.onInput();
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
    if (this.#closed || this.#initiations.isEmpty) return;
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
    this.#loopDelay.onInput();
    this.#input((now, protocol, collect) => {
      for (const packet of packets) {
        protocol.handlePacket(now, this.#inPlace ? lend(packet) : packet);
        collect();
      }
    });
  }

  #onTimer(): void {
    this.#armedFor = undefined;
    this.#input((now, protocol) => protocol.handleTimeout(now));
  }

  #onLoopDelay(delay: number): void {
    this.#input((now, { engine }) => {
      engine.setLoopDelay(delay);
      if (engine.isUnderLoad(now)) this.#loopDelay.onInput(); // so that its end is noticed, too
    });
  }

  /* the turn */

  #input(act: (now: Instant, protocol: PortableTunnel, collect: () => void) => void): void {
    if (this.#closed) return;
    try {
      this.#turn(act);
    } catch (error) {
      this.#on.onFailure(error); // whatever it was, it came of a mistake: nothing that is received throws
    }
  }

  #turn(act: (now: Instant, protocol: PortableTunnel, collect: () => void) => void): void {
    const protocol = this.#protocol;
    const turn = new Outputs();
    const now = this.#clock.now();
    act(now, protocol, () => turn.collect(protocol));
    turn.collect(protocol);
    const next = protocol.nextDeadline();
    if (next !== undefined && next.at <= now) {
      protocol.handleTimeout(now);
      turn.collect(protocol);
    }
    this.#write(turn);
    this.#arm();
    if (!this.#closed) this.#on.onTurn(now, turn.events);
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

  /** A later deadline than the one armed is left to it: it costs a wake-up, while data moves deadlines with every packet. */
  #arm(): void {
    const at = this.#protocol.nextDeadline()?.at;
    if (at === undefined || this.#closed || (this.#armedFor !== undefined && this.#armedFor <= at)) return;
    this.#armedFor = at;
    this.#timer.arm(at);
  }

  #lost(error: Error): void {
    if (!this.#closed) this.#on.onDeviceLost(error);
  }

  #socketEvents(socket: DatagramSocket): SocketEvents {
    return {
      onDatagrams: (datagrams) => this.#onDatagrams(datagrams),
      onSendFailed: (datagram, code) => {
        if (!this.#closed) this.#on.onSendFailed(datagram, code);
      },
      onSourceLost: () => {
        if (!this.#closed) this.#on.onSourceLost();
      },
      onError: (error) => {
        if (socket === this.#socket) this.#lost(error);
      },
    };
  }
}

function nextImmediate(run: () => void): { close(): void } {
  const immediate = setImmediate(run);
  return { close: () => clearImmediate(immediate) };
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
