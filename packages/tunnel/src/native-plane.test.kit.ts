/**
 * For tests: the addon's data plane as a tunnel sees it, made of core's portable plane, a socket of Node and a device in memory.
 * Packets move in turns of their own, reports wait until they are fetched, and messages come a few at a time, as in the addon.
 */
import {
  instant,
  type OutgoingDatagram,
  type PlaneMessage,
  type PlaneReports,
  PortablePlane,
  peerId,
  Secret,
  sessionIndex,
} from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import type { PacketDevice } from './api.ts';
import type { Clock } from './clock.ts';
import { openDgramSocket } from './dgram-socket.ts';
import type { DatagramSocket, SocketOptions } from './io.ts';
import type { NativeTunnelPlane, PlaneStatus, ShellEvent } from './native-data-plane.ts';
import type { PlaneVerbs } from './native-plane.ts';

type Verb<Name extends keyof PlaneVerbs> = Parameters<NonNullable<PlaneVerbs[Name]>>;

export interface FakedPlaneOptions {
  readonly clock: Clock;
  readonly device: PacketDevice;
  readonly bind: SocketOptions['bind'];
  readonly port: number;
}

export async function openFakedPlane({ clock, device, bind, port }: FakedPlaneOptions): Promise<FakedPlane> {
  const open = (wanted: number) => openDgramSocket({ port: wanted, mark: 0, bind });
  return new FakedPlane(clock, device, await open(port), open);
}

export class FakedPlane implements NativeTunnelPlane {
  readonly interfaceIndex = 0;
  readonly #clock: Clock;
  readonly #device: PacketDevice;
  readonly #openSocket: (port: number) => Promise<DatagramSocket>;
  readonly #plane: PortablePlane;
  #socket: DatagramSocket;
  #on: Parameters<NativeTunnelPlane['start']>[0] | undefined;
  #events: ShellEvent[] = [];
  #messages: PlaneMessage[] = [];
  #wakeUp: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(
    clock: Clock,
    device: PacketDevice,
    socket: DatagramSocket,
    openSocket: (port: number) => Promise<DatagramSocket>,
  ) {
    this.#clock = clock;
    this.#device = device;
    this.#socket = socket;
    this.#openSocket = openSocket;
    this.#plane = new PortablePlane({ suite: nodeSuite(), mtu: device.mtu });
  }

  /* the shell */

  get name(): string {
    return this.#device.name;
  }

  get mtu(): number {
    return this.#device.mtu;
  }

  get port(): number {
    return this.#socket.port;
  }

  start(on: Parameters<NativeTunnelPlane['start']>[0]): void {
    this.#on = on;
    this.#listen(this.#socket);
    this.#device.start(
      (packets) => {
        for (const packet of packets) this.#plane.handlePacket(this.#clock.now(), packet);
        this.#flush();
        this.#wake();
      },
      (error) => this.#on?.onLost(error),
    );
  }

  takeEvents(): readonly ShellEvent[] {
    return this.#events.splice(0);
  }

  async rebind({ port }: { port: number }): Promise<void> {
    const socket = await this.#openSocket(port);
    if (this.#closed) return socket.close();
    const old = this.#socket;
    this.#socket = socket;
    this.#listen(socket);
    await old.close();
  }

  setMark(mark: number): void {
    this.#socket.setMark(mark);
  }

  status(): PlaneStatus {
    return { aead: { name: 'faked', reason: 'this is a test' }, offloads: [] };
  }

  counters(): Record<string, number> {
    return {};
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#on = undefined;
    clearImmediate(this.#wakeUp);
    this.#device.close();
    await this.#socket.close();
  }

  /* verbs */

  install(...[now, session]: Verb<'install'>): void {
    this.#plane.install(instant(now), {
      ...session,
      peer: peerId(session.peer),
      localIndex: sessionIndex(session.localIndex),
      remoteIndex: sessionIndex(session.remoteIndex),
      bornAt: instant(session.bornAt),
      // the numbers of core's own limits, on their way back to it
      limits: session.limits as Parameters<PortablePlane['install']>[1]['limits'],
      sendKey: Secret.copyOf(session.sendKey),
      receiveKey: Secret.copyOf(session.receiveKey),
    });
    this.#flush();
  }

  retire(...[now, index]: Verb<'retire'>): void {
    this.#plane.retire(instant(now), sessionIndex(index));
  }

  wipeKeys(...[now, peer]: Verb<'wipeKeys'>): void {
    this.#plane.wipeKeys(instant(now), peerId(peer));
  }

  removePeer(...[now, peer]: Verb<'removePeer'>): void {
    this.#plane.removePeer(instant(now), peerId(peer));
  }

  setPeer(...[peer, settings]: Verb<'setPeer'>): void {
    this.#plane.setPeer(peerId(peer), settings);
  }

  resetTimestamp(...[peer]: Verb<'resetTimestamp'>): void {
    this.#plane.resetTimestamp(peerId(peer));
  }

  setRoutes(...[changes]: Verb<'setRoutes'>): void {
    this.#plane.setRoutes(changes.map((change) => ({ ...change, peer: peerId(change.peer) })));
  }

  transmit(...[now, peer, payload, to]: Verb<'transmit'>): boolean {
    const sent = this.#plane.transmit(instant(now), peerId(peer), payload, to);
    this.#flush();
    return sent;
  }

  flushStaged(...[now, peer]: Verb<'flushStaged'>): void {
    this.#plane.flushStaged(instant(now), peerId(peer));
    this.#flush();
  }

  purgeStaged(...[peer]: Verb<'purgeStaged'>): void {
    this.#plane.purgeStaged(peerId(peer));
  }

  sendDatagrams(...[datagrams]: Verb<'sendDatagrams'>): void {
    this.#plane.sendDatagrams(datagrams);
    this.#flush();
  }

  takeReports(most: number): PlaneReports & { readonly more: boolean } {
    const reports = this.#plane.takeReports();
    this.#messages.push(...reports.messages);
    const messages = this.#messages.splice(0, Math.min(most, 4)); // few, so that some wait
    return { ...reports, messages, more: this.#messages.length > 0 };
  }

  peerCounters(...[peers]: Verb<'peerCounters'>) {
    return this.#plane.peerCounters(peers.map(peerId));
  }

  /* turns */

  #listen(socket: DatagramSocket): void {
    socket.start({
      onDatagrams: (datagrams) => {
        for (const { bytes, from, localAddress } of datagrams) {
          if (bytes[0] === 4) this.#plane.handleTransport(this.#clock.now(), from, localAddress, bytes);
          else this.#plane.handleOther(from, localAddress, bytes);
        }
        this.#flush();
        this.#wake();
      },
      onSendFailed: (datagram, code) => this.#onSendFailed(datagram, code),
      onSourceLost: () => this.#events.push({ kind: 'source-lost' }),
      onError: (error) => {
        if (socket === this.#socket) this.#on?.onLost(error);
      },
    });
  }

  #onSendFailed({ to, bytes }: OutgoingDatagram, code: string): void {
    const { length } = bytes;
    this.#events.push({ kind: 'send-failed', to, length, isTransport: bytes[0] === 4, code, count: 1 });
    this.#wake();
  }

  #flush(): void {
    const packets: Uint8Array[] = [];
    const datagrams: OutgoingDatagram[] = [];
    for (let output = this.#plane.poll(); output !== undefined; output = this.#plane.poll()) {
      if (output.kind === 'packet') packets.push(output.bytes);
      else datagrams.push(output);
    }
    try {
      if (packets.length > 0) this.#device.write(packets);
    } catch (error) {
      this.#on?.onLost(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.#closed && datagrams.length > 0) this.#socket.send(datagrams);
  }

  #wake(): void {
    if (this.#closed) return;
    this.#wakeUp ??= setImmediate(() => {
      this.#wakeUp = undefined;
      this.#on?.onReports();
    });
  }
}
