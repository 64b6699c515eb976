/**
 * A bad network between two parties on loopback: whoever writes to `front` reaches `target`, and back. Loss and order are
 * drawn from a seed. What the sender counts on is counted here too: datagrams by type, and how large handshakes became.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Random } from '../test/kit/random.ts';

export interface Weather {
  readonly seed: number;
  readonly loss: number;
  /** Milliseconds; each datagram waits for a time drawn from 0 to this. More than the gap between two reorders them. */
  readonly jitter: number;
}

const handshakeTypes = new Set([0x11, 0x12]);

export class Relay implements AsyncDisposable {
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #weather: Weather;
  readonly #random: Random;
  readonly #pending = new Set<NodeJS.Timeout>();
  #client: { port: number; address: string } | undefined;
  lost = 0;
  carried = 0;
  /** Pairs that left in another order than they came in. */
  overtaken = 0;
  largestHandshake = 0;
  #arrived = 0;
  #lastLeft = 0;

  private constructor(front: Socket, back: Socket, weather: Weather) {
    this.#front = front;
    this.#back = back;
    this.#weather = weather;
    this.#random = new Random(weather.seed);
  }

  static async open(target: string, weather: Weather): Promise<Relay> {
    const [address = '', port = ''] = target.split(':');
    const [front, back] = await Promise.all([bound(), bound()]);
    const relay = new Relay(front, back, weather);
    front.on('message', (bytes, from) => {
      relay.#client = from;
      relay.#carry(bytes, (datagram) => back.send(datagram, Number(port), address, () => undefined));
    });
    back.on('message', (bytes) => {
      const client = relay.#client;
      if (client === undefined) return;
      relay.#carry(bytes, (datagram) => front.send(datagram, client.port, client.address, () => undefined));
    });
    return relay;
  }

  /** The address for whoever begins. */
  get front(): string {
    const { address, port } = this.#front.address();
    return `${address}:${port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#pending) clearTimeout(timer);
    const closed = [this.#front, this.#back].map((socket) => once(socket, 'close'));
    this.#front.close();
    this.#back.close();
    await Promise.all(closed);
  }

  #carry(bytes: Buffer, send: (datagram: Buffer) => void): void {
    if (handshakeTypes.has(bytes[0] ?? 0))
      this.largestHandshake = Math.max(this.largestHandshake, bytes.length);
    const number = ++this.#arrived;
    if (this.#random.chance(this.#weather.loss)) {
      this.lost++;
      return;
    }
    const leave = (): void => {
      this.carried++;
      if (number < this.#lastLeft) this.overtaken++;
      this.#lastLeft = number;
      send(bytes);
    };
    if (this.#weather.jitter === 0) return leave();
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      leave();
    }, this.#random.fraction() * this.#weather.jitter);
    this.#pending.add(timer);
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined); // an ICMP error of an earlier datagram
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}
