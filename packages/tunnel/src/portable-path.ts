/** The data path through JavaScript: a device, a socket, and the portable plane between them. */
import { type Instant, PortableTunnel } from '@pqtun/core';
import type { DeviceChoice } from './api.ts';
import type { Clock } from './clock.ts';
import type { DataPath, EngineSettings, OpenedPath, PathEvents, PathFacts, Protocol } from './data-path.ts';
import { Device } from './device.ts';
import { openDgramSocket } from './dgram-socket.ts';
import type { DatagramSocket, PacketDevice, SocketOptions } from './io.ts';
import { delayBounds } from './loop-delay.ts';
import type { Native } from './native.ts';
import { openNativeDevice, openNativeSocket } from './native-io.ts';

export interface PortablePathChoice {
  readonly clock: Clock;
  /** A TUN and native UDP need it. */
  readonly native: Native | undefined;
  /** A custom one is the caller's until there is a tunnel, which closes it. */
  readonly device: DeviceChoice;
  readonly udp: 'native' | 'portable';
  readonly bind: SocketOptions['bind'];
  readonly port: number;
  readonly mark: number;
}

type OpenSocket = (port: number, mark: number) => Promise<DatagramSocket>;

/** Opens device and socket. Rejects with the system's error, and nothing stays open then. */
export async function openPortablePath(choice: PortablePathChoice): Promise<OpenedPath> {
  const { clock, native, udp, bind } = choice;
  const openSocket: OpenSocket = (port, mark) =>
    native === undefined || udp === 'portable'
      ? openDgramSocket({ port, mark, bind })
      : openNativeSocket(native, { port, mark, bind });
  const device = openDevice(choice.device, native);
  const closeDevice = (): void => {
    if (choice.device.kind === 'tun') device.close();
  };
  try {
    const socket = await openSocket(choice.port, choice.mark);
    return {
      connect: (engine, on) => new PortablePath({ clock, device, socket, openSocket, engine, on }),
      close: () => {
        closeDevice();
        return socket.close();
      },
    };
  } catch (error) {
    closeDevice();
    throw error;
  }
}

function openDevice(choice: DeviceChoice, native: Native | undefined): PacketDevice {
  if (choice.kind === 'custom') return choice.device;
  if (native === undefined) throw new Error('a TUN without the addon'); // whoever chose has seen to it
  return openNativeDevice(native, choice);
}

interface PortablePathParts {
  readonly clock: Clock;
  readonly device: PacketDevice;
  readonly socket: DatagramSocket;
  readonly openSocket: OpenSocket;
  readonly engine: EngineSettings;
  readonly on: PathEvents;
}

class PortablePath implements DataPath {
  readonly #clock: Clock;
  readonly #packets: PacketDevice;
  readonly #openSocket: OpenSocket;
  readonly #device: Device;
  #socket: DatagramSocket;
  /** Name of the back end, which does both handshakes and packets here. */
  readonly #cipher: string;
  #closed = false;

  constructor({ clock, device, socket, openSocket, engine, on }: PortablePathParts) {
    this.#clock = clock;
    this.#packets = device;
    this.#socket = socket;
    this.#openSocket = openSocket;
    this.#cipher = engine.crypto.name;
    this.#device = new Device({ clock, device, socket, protocol: this.#build(engine), on });
  }

  get interfaceName(): string {
    return this.#packets.name;
  }

  get mtu(): number {
    return this.#packets.mtu;
  }

  get port(): number {
    return this.#socket.port;
  }

  get protocol(): PortableTunnel {
    return this.#device.protocol;
  }

  facts(): PathFacts {
    return {
      plane: 'portable',
      udp: this.#socket.kind,
      aead: { name: this.#cipher, reason: 'packets pass through JavaScript' },
      offloads: [],
      planeCounters: {},
      loopDelay: { bounds: delayBounds, counts: this.#device.loopDelayCounts },
    };
  }

  start(): void {
    this.#device.start();
  }

  call<Result>(act: (now: Instant, protocol: Protocol) => Result): Result {
    return this.#device.call(act);
  }

  async rebind(port: number, mark: number): Promise<void> {
    const socket = await this.#openSocket(port, mark);
    if (this.#closed) return socket.close();
    const old = this.#socket;
    this.#socket = socket;
    this.#device.replaceSocket(socket);
    await old.close();
  }

  setMark(mark: number): void {
    this.#socket.setMark(mark);
  }

  renew(engine: EngineSettings): void {
    this.#device.replaceProtocol(this.#build(engine));
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#device.close();
    return this.#socket.close();
  }

  #build(engine: EngineSettings): PortableTunnel {
    return new PortableTunnel(this.#clock.now(), { ...engine, mtu: this.mtu });
  }
}
