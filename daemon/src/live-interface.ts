/**
 * A running interface: the tunnel, the system around it and the state on disk, held to one configuration. A change takes effect
 * in all three, or in none.
 */
import { randomFillSync } from 'node:crypto';
import path from 'node:path';
import { Secret, secretBytes } from '@pqtun/core';
import type { EndpointSpec, Tunnel, TunnelConfig } from '@pqtun/tunnel';
import { parseEndpoint } from './address-text.ts';
import { type DaemonConfig, secretsOf } from './config/model.ts';
import { ControlError, type PeerChangeRequest, type Request } from './control/protocol.ts';
import { addressText, type Status, statusOf } from './control/status.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Act } from './link/act.ts';
import type { Journal } from './link/journal.ts';
import { LinkSession } from './link/link-session.ts';
import { chooseMtu, choosePlacement, literalEndpoints } from './link/placement.ts';
import { isFullTunnel, type Placement, planLink, srcValidMark } from './link/plan.ts';
import { changePeers, type PeerStep } from './peer-changes.ts';
import { ensurePrivateDirectory } from './private-files.ts';
import { publicBytes, publicText } from './secret-text.ts';
import type { ServiceOptions, ServiceWorld } from './service-world.ts';
import { FileState } from './state.ts';
import { type DeviceView, getAnswer } from './uapi/get-answer.ts';
import type { SetRequest } from './uapi/request.ts';
import { applySet, type KemMemory } from './uapi/set-config.ts';
import type { UndoStack } from './undo-stack.ts';

/**
 * Frames that wait in front of the native plane, each of up to 64 KiB, where a TUN lets 500: what waits there is the tunnel's delay
 * under load, and a turn of the plane takes no more than these at once. docs/data-plane.md.
 */
const nativeQueueLength = 64;

export class LiveInterface {
  readonly tunnel: Tunnel;
  readonly #options: ServiceOptions;
  readonly #world: ServiceWorld;
  readonly #link: LinkSession;
  readonly #state: FileState;
  readonly #mtu: number;
  readonly #queueLength: number | undefined;
  /** As it was before us. */
  readonly #srcValidMark: string;
  readonly #since: number;
  #config: DaemonConfig;
  #placement: Placement | undefined;
  /** Of hybrid peers that were removed over the UAPI socket. */
  #kemMemory: KemMemory = new Map();

  /** Opens state and tunnel and sets up the system; what was done is on `undo`, also when it throws. */
  static async open(
    config: DaemonConfig,
    options: ServiceOptions,
    world: ServiceWorld,
    journal: Journal,
    undo: UndoStack,
  ): Promise<LiveInterface> {
    const { interfaceName, stateDirectory, crypto } = options;
    const { netlink } = world.system;
    ensurePrivateDirectory(stateDirectory);
    const state = new FileState({
      file: path.join(stateDirectory, `${interfaceName}.state`),
      onAlarm: (event, why) => world.log(event, { why }),
    });
    state.retain(keysOf(config));
    const known = keysOf(config).flatMap((key) => state.loadEndpoint(key)?.ip ?? []);
    const mtu = chooseMtu(config, [...literalEndpoints(config), ...known], netlink);
    const placement = isFullTunnel(config) ? choosePlacement(config, netlink) : undefined;
    undo.push('state', () => void state.flush());
    const device =
      options.tunFd === undefined
        ? ({ kind: 'tun', name: interfaceName, mtu } as const)
        : ({ kind: 'tun', fd: options.tunFd } as const);
    const tunnel = await world.openTunnel(effective(config, placement), {
      device,
      state,
      crypto,
      ...config.dataPath,
      ...(options.plane !== undefined && { plane: options.plane }),
    });
    undo.push('tunnel', () => tunnel.close());
    if (tunnel.interfaceName !== interfaceName)
      throw new CommandError(
        exitCodes.usage,
        `the device handed over is ${tunnel.interfaceName}, not ${interfaceName}`,
      );
    const link = new LinkSession(world.system, journal);
    const live = new LiveInterface({ tunnel, options, world, link, state, mtu, config, placement });
    undo.push('system', () => live.#logProblems(link.undo()));
    link.change(live.#plan(config, placement));
    return live;
  }

  private constructor(parts: {
    tunnel: Tunnel;
    options: ServiceOptions;
    world: ServiceWorld;
    link: LinkSession;
    state: FileState;
    mtu: number;
    config: DaemonConfig;
    placement: Placement | undefined;
  }) {
    this.tunnel = parts.tunnel;
    this.#options = parts.options;
    this.#world = parts.world;
    this.#link = parts.link;
    this.#state = parts.state;
    this.#mtu = parts.mtu;
    this.#queueLength = parts.tunnel.stats().plane === 'native' ? nativeQueueLength : undefined;
    this.#config = parts.config;
    this.#placement = parts.placement;
    this.#srcValidMark = parts.world.system.readSysctl(srcValidMark);
    this.#since = parts.world.wallClock();
  }

  get config(): DaemonConfig {
    return this.#config;
  }

  status(): Status {
    const { tunnel } = this;
    const { version } = this.#options;
    return statusOf({
      stats: tunnel.stats(),
      fingerprints: tunnel.fingerprints,
      config: this.#config,
      since: this.#since,
      version,
    });
  }

  /** Carries out the requests of `pqtun set`. Throws `ControlError` or the tunnel's error; then nothing changed. */
  async set(
    requests: readonly PeerChangeRequest[],
    secrets: readonly Secret[],
  ): Promise<readonly PeerStep[]> {
    const { config, steps } = changePeers(this.#config, requests, secrets, this.#world.keys);
    try {
      await this.change(config, steps);
    } catch (error) {
      destroyUnshared(config, this.#config);
      throw error;
    }
    return steps;
  }

  /** The answer to `get` on the UAPI socket; holds keys, the caller wipes it. */
  uapiGet(): Uint8Array {
    const { tunnel } = this;
    const { peers, listenPort, fwMark } = tunnel.stats();
    const keyless = this.#config.tunnel.privateKey === undefined;
    const view: DeviceView = {
      tunnel: this.#config.tunnel,
      listenPort,
      fwMark,
      fingerprints: keyless ? new Map() : tunnel.fingerprints,
      stats: new Map(peers.map((peer) => [publicText(peer.publicKey), peer])),
    };
    return getAnswer(view);
  }

  /** Carries out a set request of the UAPI socket. Throws `UapiError` or the tunnel's error; then nothing changed. */
  async uapiSet(request: SetRequest): Promise<void> {
    const places = new Map(
      this.tunnel.stats().peers.map(({ publicKey, endpoint }) => [publicText(publicKey), endpoint]),
    );
    const { config, moved, memory } = applySet(request, {
      config: this.#config,
      keys: this.#world.keys,
      memory: this.#kemMemory,
      endpointOf: (peer) => specOf(places.get(peer)),
    });
    try {
      await this.change(config);
    } catch (error) {
      destroyUnshared(config, this.#config);
      throw error;
    }
    this.#kemMemory = memory;
    if (config.tunnel.privateKey === undefined) return;
    for (const { publicKey, endpoint } of moved) await this.tunnel.changePeer(publicKey, { endpoint });
  }

  /**
   * Leads tunnel and system to `next`, or back to where they were and throws. `next` is ours afterwards, the old one's secrets are
   * wiped. `steps`: how to change the tunnel without touching peers that are not meant.
   */
  async change(next: DaemonConfig, steps?: readonly PeerStep[]): Promise<void> {
    const before = this.#config;
    const placement = this.#placementOf(next);
    const sameMark = effective(next, placement).fwMark === effective(before, this.#placement).fwMark;
    try {
      const keyed = next.tunnel.privateKey !== undefined; // else the tunnel has no peers to change
      if (steps !== undefined && sameMark && keyed) await carryOut(this.tunnel, steps);
      else await this.tunnel.reconfigure(effective(next, placement));
      this.#logProblems(this.#link.change(this.#plan(next, placement)));
    } catch (error) {
      await this.tunnel.reconfigure(effective(before, this.#placement));
      throw error;
    }
    this.#config = next;
    this.#placement = placement;
    this.#state.retain(keysOf(next));
    destroyUnshared(before, next);
  }

  rekey({ publicKey }: Request & { op: 'rekey' }): void {
    this.tunnel.rekey(this.#keyOfPeer(publicKey));
  }

  async ping({ publicKey, size, timeout }: Request & { op: 'ping-peer' }): Promise<{ roundTrip: number }> {
    const bytes = this.#keyOfPeer(publicKey);
    const options = { ...(size !== undefined && { size }), ...(timeout !== undefined && { timeout }) };
    return { roundTrip: await this.tunnel.ping(bytes, options) };
  }

  #keyOfPeer(publicKey: string): Uint8Array {
    const bytes = publicBytes(publicKey, 32);
    const known = this.#config.tunnel.peers.some((peer) => publicText(peer.publicKey) === publicKey);
    if (bytes === undefined || !known) {
      throw new ControlError('no-such-peer', `no peer has the key ${publicKey}`);
    }
    return bytes;
  }

  /** A full tunnel keeps table and priorities, unless it is told another mark: the rules must follow it, or it would loop. */
  #placementOf(next: DaemonConfig): Placement | undefined {
    if (!isFullTunnel(next)) return undefined;
    const { fwMark } = next.tunnel;
    const there = this.#placement;
    if (there !== undefined && (fwMark === undefined || fwMark === there.mark)) return there;
    return choosePlacement(next, this.#world.system.netlink);
  }

  #plan(config: DaemonConfig, placement: Placement | undefined): Act[] {
    const device = this.tunnel.interfaceName;
    return planLink({
      config,
      device,
      mtu: this.#mtu,
      queueLength: this.#queueLength,
      placement,
      srcValidMark: this.#srcValidMark,
    });
  }

  #logProblems(problems: readonly string[]): void {
    for (const why of problems) this.#world.log('undo-failed', { what: 'system', why });
  }
}

/**
 * What the tunnel is told. A full tunnel marks its own datagrams, so that they are not routed into it. Without a private key
 * there are no peers, and a stand-in that nobody knows the public key of: no handshake can be made or answered.
 */
function effective(config: DaemonConfig, placement: Placement | undefined): TunnelConfig {
  const { privateKey, peers, ...rest } = config.tunnel;
  return {
    ...rest,
    ...(placement !== undefined && { fwMark: placement.mark }),
    privateKey: privateKey ?? standIn(),
    peers: privateKey === undefined ? [] : peers,
  };
}

let standInKey: Secret | undefined;

/** One for the process: that the interface has no key before and after a change is no change of its identity. */
function standIn(): Secret {
  if (standInKey !== undefined) return standInKey;
  const bytes = secretBytes(32);
  randomFillSync(bytes);
  standInKey = new Secret(bytes);
  return standInKey;
}

function specOf(at: { ip: Uint8Array; port: number; scope: number } | undefined): EndpointSpec | undefined {
  return at === undefined ? undefined : parseEndpoint(addressText(at));
}

async function carryOut(tunnel: Tunnel, steps: readonly PeerStep[]): Promise<void> {
  for (const step of steps) {
    switch (step.kind) {
      case 'add':
        await tunnel.addPeer(step.peer);
        break;
      case 'change':
        await tunnel.changePeer(step.publicKey, step.change);
        break;
      case 'remove':
        await tunnel.removePeer(step.publicKey);
        break;
      case 'reset-timestamp':
        tunnel.resetTimestamp(step.publicKey);
        break;
      default:
        step satisfies never;
    }
  }
}

/** Wipes the secrets of `old` that `kept` does not use. */
function destroyUnshared(old: DaemonConfig, kept: DaemonConfig): void {
  const shared = new Set(secretsOf(kept.tunnel));
  for (const secret of secretsOf(old.tunnel)) if (!shared.has(secret)) secret.destroy();
}

function keysOf(config: DaemonConfig): Uint8Array[] {
  return config.tunnel.peers.map(({ publicKey }) => publicKey);
}
