/**
 * A party made of core's sans-IO tunnel, a socket of Node's and a clock that may run faster than time. It sees every
 * datagram, and can be told to be under load.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  type EngineEvent,
  endpoint,
  Identity,
  type Instant,
  instant,
  millis,
  type PeerId,
  PortableTunnel,
  Secret,
  type Suite,
  unixMillis,
} from '@pqtun/core';
import { ip } from '../../../test/kit/packets.ts';
import {
  counted,
  type Driver,
  type Emit,
  type EndpointConfig,
  fromHex,
  hostAndPort,
  onlyPeer,
  type Stats,
  toHex,
} from './commands.ts';

/** An event-loop delay no threshold is above, in milliseconds: under load for good. */
const hopelessDelay = 1e9;
const initiations = new Set([0x11, 0x01]);
const mac2Size = 16;
/** Timers of Node hold 31 bits of milliseconds. */
const longestWait = 2 ** 31 - 1;

export class EngineDriver implements Driver {
  readonly #config: EndpointConfig;
  readonly #emit: Emit;
  readonly #socket: Socket;
  readonly #scale: number;
  readonly #identity: Identity;
  readonly #tunnel: PortableTunnel;
  readonly #peer: PeerId;
  readonly #name: string;
  /** Their token → ours, which the engine chooses. */
  readonly #tokens = new Map<string, string>();
  readonly #sentTypes = new Map<string, number>();
  readonly #receivedTypes = new Map<string, number>();
  #sentWithMac2 = 0;
  #timer: NodeJS.Timeout | undefined;

  static async open(config: EndpointConfig, crypto: Suite, emit: Emit): Promise<EngineDriver> {
    const socket = createSocket('udp4');
    const { host, port } = hostAndPort(config.listen ?? '127.0.0.1:0');
    socket.bind(port, host);
    await once(socket, 'listening');
    return new EngineDriver(config, crypto, emit, socket);
  }

  private constructor(config: EndpointConfig, crypto: Suite, emit: Emit, socket: Socket) {
    this.#config = config;
    this.#emit = emit;
    this.#socket = socket;
    this.#scale = config.clockScale ?? 1;
    this.#identity = identityOf(config, crypto);
    this.#tunnel = new PortableTunnel(this.#now(), {
      crypto,
      identity: this.#identity,
      wallClock: () => unixMillis(Date.now()),
      ...(config.deploymentKeys === undefined ? {} : { deploymentKeys: config.deploymentKeys.map(fromHex) }),
      policy: {
        ...(config.suites === undefined ? {} : { suites: config.suites }),
        ...(config.largestDatagram === undefined ? {} : { maxDatagram: config.largestDatagram }),
      },
    });
    this.#name = onlyPeer(config).name;
    this.#peer = this.#addPeer();
    if (config.faults?.forceCookies) this.#tunnel.engine.setLoopDelay(hopelessDelay);
    socket.on('message', (bytes, from) => {
      count(this.#receivedTypes, bytes);
      this.#turn((now) =>
        this.#tunnel.handleDatagram(now, endpoint(ip(from.address), from.port), undefined, bytes),
      );
    });
    socket.on('error', () => undefined); // an ICMP error of an earlier datagram
    this.#turn(() => undefined);
  }

  get listen(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  send(packet: Uint8Array): void {
    this.#turn((now) => this.#tunnel.handlePacket(now, packet));
  }

  initiate(): void {
    this.#turn((now) => this.#tunnel.engine.initiate(now, this.#peer));
  }

  probe(token: string, size: number): void {
    const own = this.#turn((now) => this.#tunnel.engine.ping(now, this.#peer, size));
    if (own === undefined) throw new Error('probe: no session');
    this.#tokens.set(toHex(own), token);
  }

  stats(): Stats {
    const { engine } = this.#tunnel;
    return {
      drops: counted(engine.drops.snapshot()),
      cookieRepliesSent: engine.cookieRepliesSent,
      sentTypes: Object.fromEntries(this.#sentTypes),
      receivedTypes: Object.fromEntries(this.#receivedTypes),
      sentWithMac2: this.#sentWithMac2,
    };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#tunnel.engine.stop(this.#now());
    this.#identity.destroy();
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #addPeer(): PeerId {
    const {
      publicKey,
      kemPublicKey,
      psk,
      deploymentKey,
      endpoint: at,
      persistentKeepalive,
    } = onlyPeer(this.#config);
    const place = at === undefined ? undefined : hostAndPort(at);
    const peer = this.#tunnel.engine.addPeer(this.#now(), {
      publicKey: fromHex(publicKey),
      ...(kemPublicKey === undefined ? {} : { kemPublicKey: fromHex(kemPublicKey) }),
      ...(psk === undefined ? {} : { presharedKey: new Secret(fromHex(psk)) }),
      ...(deploymentKey === undefined ? {} : { deploymentKey: new Secret(fromHex(deploymentKey)) }),
      ...(place === undefined ? {} : { endpoint: endpoint(ip(place.host), place.port) }),
      ...(persistentKeepalive === undefined
        ? {}
        : { persistentKeepalive: millis(persistentKeepalive * 1000) }),
    });
    this.#tunnel.plane.setRoutes([
      { kind: 'add', peer, prefix: new Uint8Array(4), bits: 0 },
      { kind: 'add', peer, prefix: new Uint8Array(16), bits: 0 },
    ]);
    return peer;
  }

  #now(): Instant {
    return instant(performance.now() * this.#scale);
  }

  /** One call into the tunnel, then all that follows from it, then the timer. */
  #turn<T>(call: (now: Instant) => T): T {
    const result = call(this.#now());
    for (let output = this.#tunnel.poll(); output !== undefined; output = this.#tunnel.poll()) {
      if (output.kind === 'packet') {
        this.#emit({ event: 'packet', peer: this.#name, packet: toHex(output.bytes) });
        continue;
      }
      const { bytes, to } = output;
      count(this.#sentTypes, bytes);
      if (initiations.has(bytes[0] ?? 0) && bytes.subarray(-mac2Size).some((byte) => byte !== 0))
        this.#sentWithMac2++;
      this.#socket.send(bytes.slice(), to.port, to.ip.join('.'), () => undefined); // refused: lost, as on any network
    }
    for (let event = this.#tunnel.pollEvent(); event !== undefined; event = this.#tunnel.pollEvent())
      this.#tell(event);
    this.#arm();
    return result;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const due = this.#tunnel.nextDeadline();
    if (due === undefined) return;
    const wait = Math.ceil(Math.max(0, due.at - this.#now()) / this.#scale);
    this.#timer = setTimeout(
      () => this.#turn((now) => this.#tunnel.handleTimeout(now)),
      Math.min(wait, longestWait),
    );
  }

  #tell(event: EngineEvent): void {
    const peer = this.#name;
    switch (event.kind) {
      case 'peer-established':
        return this.#emit({ event: 'established', peer, role: event.role });
      case 'peer-roamed':
        return this.#emit({
          event: 'moved',
          peer,
          endpoint: `${event.endpoint.ip.join('.')}:${event.endpoint.port}`,
        });
      case 'handshake-gave-up':
        return this.#emit({ event: 'gave-up', peer });
      case 'pong': {
        const token = this.#tokens.get(toHex(event.token));
        if (token !== undefined) this.#emit({ event: 'answer', peer, token });
        return;
      }
      default: // expiry, a stale name, a ceiling that nobody keeps here: nobody waits for them
    }
  }
}

function identityOf({ privateKey, kemSeed }: EndpointConfig, crypto: Suite): Identity {
  const seed = kemSeed === undefined ? undefined : new Secret(fromHex(kemSeed));
  return new Identity(crypto, new Secret(fromHex(privateKey)), seed);
}

function count(types: Map<string, number>, bytes: Uint8Array): void {
  const type = (bytes[0] ?? 0).toString(16).padStart(2, '0');
  types.set(type, (types.get(type) ?? 0) + 1);
}
