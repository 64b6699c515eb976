/** A party as a program of somebody's would be one: `openTunnel` with a device in memory. Time runs as it does. */
import { memoryDevice, openTunnel, Secret, type Tunnel, type TunnelConfig } from '@pqtun/tunnel';
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

export class TunnelDriver implements Driver {
  readonly listen: string;
  readonly #emit: Emit;
  readonly #tunnel: Tunnel;
  readonly #outside: ReturnType<typeof memoryDevice>['outside'];
  readonly #peer: { readonly name: string; readonly publicKey: Uint8Array };

  static async open(config: EndpointConfig, crypto: 'node' | 'noble', emit: Emit): Promise<TunnelDriver> {
    const { device, outside } = memoryDevice();
    const { host, port } = hostAndPort(config.listen ?? '127.0.0.1:0');
    const tunnel = await openTunnel(tunnelConfig(config, port), {
      device: { kind: 'custom', device },
      crypto,
      udp: 'portable',
      bind: [host],
      initiateOnStart: false, // the runner says when
    });
    return new TunnelDriver(config, host, tunnel, outside, emit);
  }

  private constructor(
    config: EndpointConfig,
    host: string,
    tunnel: Tunnel,
    outside: ReturnType<typeof memoryDevice>['outside'],
    emit: Emit,
  ) {
    const { name, publicKey } = onlyPeer(config);
    this.#emit = emit;
    this.#tunnel = tunnel;
    this.#outside = outside;
    this.#peer = { name, publicKey: fromHex(publicKey) };
    this.listen = `${host}:${tunnel.listenPort}`;
    outside.start(
      (packets) => {
        for (const packet of packets) emit({ event: 'packet', peer: name, packet: toHex(packet) });
      },
      () => undefined, // memory does not fail
    );
    tunnel.onEvent((event) => {
      if (event.id === 'peer-established') emit({ event: 'established', peer: name, role: event.role });
      if (event.id === 'peer-roamed') emit({ event: 'moved', peer: name, endpoint: event.endpoint });
      if (event.id === 'handshake-gave-up') emit({ event: 'gave-up', peer: name });
      if (event.id === 'failed' || event.id === 'device-lost') emit({ event: 'error', text: event.reason });
    });
  }

  send(packet: Uint8Array): void {
    this.#outside.write([packet]);
  }

  /** A ping without a session asks for one. */
  initiate(): void {
    this.#tunnel.ping(this.#peer.publicKey, { timeout: 60_000 }).catch(() => undefined);
  }

  probe(token: string, size: number): void {
    this.#tunnel
      .ping(this.#peer.publicKey, { size })
      .then(() => this.#emit({ event: 'answer', peer: this.#peer.name, token }))
      .catch((error: Error) => this.#emit({ event: 'error', text: error.message }));
  }

  stats(): Stats {
    const { drops, cookieRepliesSent } = this.#tunnel.stats();
    return { drops: counted(drops), cookieRepliesSent };
  }

  close(): Promise<void> {
    this.#outside.close();
    return this.#tunnel.close();
  }
}

function tunnelConfig(config: EndpointConfig, listenPort: number): TunnelConfig {
  const { name, kemPublicKey, publicKey, psk, deploymentKey, endpoint, persistentKeepalive } =
    onlyPeer(config);
  if (kemPublicKey === undefined) throw new Error(`peer ${name}: this driver wants a KEM key`);
  return {
    privateKey: new Secret(fromHex(config.privateKey)),
    ...(config.kemSeed === undefined ? {} : { kemSeed: new Secret(fromHex(config.kemSeed)) }),
    ...(config.deploymentKeys === undefined
      ? {}
      : {
          deploymentKeys: config.deploymentKeys.map((key) =>
            key === '' ? 'none' : new Secret(fromHex(key)),
          ),
        }),
    ...(config.largestDatagram === undefined ? {} : { maxHandshakeDatagram: config.largestDatagram }),
    ...(config.suites === undefined ? {} : { suites: config.suites }),
    listenPort,
    peers: [
      {
        publicKey: fromHex(publicKey),
        kemPublicKey: fromHex(kemPublicKey),
        mode: 'require',
        ...(psk === undefined ? {} : { presharedKey: new Secret(fromHex(psk)) }),
        ...(deploymentKey === undefined ? {} : { deploymentKey: new Secret(fromHex(deploymentKey)) }),
        ...(endpoint === undefined ? {} : { endpoint: hostAndPort(endpoint) }),
        ...(persistentKeepalive === undefined ? {} : { persistentKeepalive }),
        allowedIps: [
          { ip: new Uint8Array(4), bits: 0 },
          { ip: new Uint8Array(16), bits: 0 },
        ],
      },
    ],
  };
}
