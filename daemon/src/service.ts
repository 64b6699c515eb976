/**
 * One interface from start to stop, with everything around the tunnel.
 *
 * Start, each step undone in reverse when a later one fails, and on stop:
 *  1. read the configuration: nothing has happened yet if it is refused
 *  2. take the control socket: one daemon per interface
 *  3. take back what a killed predecessor left in the system
 *  4. PreUp
 *  5. open state and tunnel (the device appears)
 *  6. addresses, link, name servers, routes, rules
 *  7. PostUp; ready
 */
import path from 'node:path';
import type { Secret } from '@pqtun/core';
import type { OpenOptions, Tunnel, TunnelConfig, TunnelEvent } from '@pqtun/tunnel';
import { type DaemonConfig, destroyConfig, type HookKind, secretsOf } from './config/model.ts';
import type { PublicKeyCheck } from './config/public-key-check.ts';
import { writeConfig } from './config/write.ts';
import { ControlError, type PeerChangeRequest, protocolVersion, type Request } from './control/protocol.ts';
import { ControlServer, type PeerCredentials } from './control/server.ts';
import { socketPath } from './control/socket-path.ts';
import { type Status, statusOf } from './control/status.ts';
import type { EventLog } from './events.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { LinkSystem } from './link/act.ts';
import { fileJournal } from './link/journal.ts';
import { LinkSession, undoLeftovers } from './link/link-session.ts';
import { chooseMtu, choosePlacement, literalEndpoints } from './link/placement.ts';
import { isFullTunnel, type Placement, planLink, srcValidMark } from './link/plan.ts';
import { changePeers, type PeerStep } from './peer-changes.ts';
import { ensurePrivateDirectory, replaceFile } from './private-files.ts';
import { restartNeeded } from './restart-needed.ts';
import { publicBytes, publicText } from './secret-text.ts';
import { FileState } from './state.ts';

export interface ServiceOptions {
  readonly interfaceName: string;
  readonly configFile: string;
  readonly runtimeDirectory: string;
  readonly stateDirectory: string;
  readonly crypto: 'node' | 'noble';
  readonly version: string;
}

/** What the service needs of the world; fakes of it in tests. */
export interface ServiceWorld {
  readonly openTunnel: (config: TunnelConfig, options: OpenOptions) => Promise<Tunnel>;
  readonly system: LinkSystem;
  readonly keys: PublicKeyCheck;
  /** Reads and parses the configuration anew; secrets are the service's from then on. Throws `ConfigError` or `CommandError`. */
  readonly readConfig: () => DaemonConfig;
  readonly runHook: (command: string, interfaceName: string) => Promise<void>;
  readonly credentials: (fd: number) => PeerCredentials;
  /** sd_notify; must not throw. */
  readonly notify: (state: string) => void;
  readonly log: EventLog;
  /** Milliseconds, forward only. */
  readonly now: () => number;
  readonly wallClock: () => number;
}

type Phase = 'new' | 'running' | 'stopping' | 'stopped';

export class Service {
  /** Fulfilled when everything is undone: `false` when the tunnel was lost rather than asked to stop. */
  readonly finished: Promise<boolean>;
  readonly #options: ServiceOptions;
  readonly #world: ServiceWorld;
  readonly #undo: { readonly what: string; readonly run: () => Promise<void> | void }[] = [];
  readonly #onTunnelEvent: ((event: TunnelEvent) => void)[] = [];
  #finish: (orderly: boolean) => void = () => {};
  #phase: Phase = 'new';
  /** Reload, set and stop come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #control: ControlServer | undefined;
  #running: Running | undefined;

  constructor(options: ServiceOptions, world: ServiceWorld) {
    this.#options = options;
    this.#world = world;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Brings everything up, or throws and leaves nothing behind. A stop asked for meanwhile follows. */
  start(): Promise<void> {
    return this.#inTurn(() => this.#start());
  }

  async #start(): Promise<void> {
    const { log } = this.#world;
    log('starting', { config: this.#options.configFile, version: this.#options.version });
    try {
      const config = this.#world.readConfig();
      this.#onUndo('secrets', () => destroyConfig(this.#running?.config ?? config));
      await this.#openControl();
      this.#takeBackLeftovers();
      await this.#hooks(config, 'preUp');
      this.#onUndo('PostDown', () => this.#hooksLogged(this.#running?.config ?? config, 'postDown'));
      await this.#bringUp(config);
      await this.#hooks(config, 'postUp');
    } catch (error) {
      log('start-failed', { why: errorText(error) });
      await this.#undoAll();
      await this.closeControl(0);
      this.#phase = 'stopped';
      throw error;
    }
    this.#phase = 'running';
    this.#world.notify('READY=1');
    this.#reportStatus();
    log('ready', {
      listenPort: this.#running?.tunnel.listenPort,
      peers: this.#running?.config.tunnel.peers.length,
    });
  }

  /** Orderly stop; harmless when repeated. The control socket stays for the reply: `closeControl` ends it. */
  stop(orderly = true): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#phase !== 'running') return;
      this.#phase = 'stopping';
      this.#world.notify('STOPPING=1');
      this.#world.log('stopping');
      const config = this.#running?.config;
      if (config !== undefined) {
        await this.#hooksLogged(config, 'preDown');
        if (config.saveConfig) this.#saveConfig(config);
      }
      await this.#undoAll();
      this.#phase = 'stopped';
      this.#world.log('stopped');
      this.#finish(orderly);
    });
  }

  /** Ends the control socket once replies are out. Call after `finished`. */
  async closeControl(grace?: number): Promise<void> {
    await this.#control?.close(grace);
    this.#control = undefined;
  }

  /** Reads the file again: the whole of it takes effect, or nothing and the reason is thrown. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const running = this.#requireRunning();
      this.#world.notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
      let next: DaemonConfig | undefined;
      try {
        next = this.#world.readConfig();
        const held = restartNeeded(running.config, next);
        if (held.length > 0)
          throw new ControlError(
            'bad-config',
            `${held.join(', ')}: a change takes a restart; nothing was applied`,
          );
        await this.#apply(running, next);
        this.#world.log('reloaded', { peers: next.tunnel.peers.length });
      } catch (error) {
        if (next !== undefined && next !== running.config) destroyConfig(next);
        this.#world.log('reload-refused', { why: errorText(error) });
        throw error instanceof ControlError ? error : new ControlError('bad-config', errorText(error));
      } finally {
        this.#world.notify('READY=1');
        this.#reportStatus();
      }
    });
  }

  status(): Status {
    const { tunnel, config, since } = this.#requireRunning();
    return statusOf({
      stats: tunnel.stats(),
      fingerprints: tunnel.fingerprints,
      config,
      since,
      version: this.#options.version,
    });
  }

  /** Adds a listener for the tunnel's events, before or after the start. */
  onTunnelEvent(listener: (event: TunnelEvent) => void): void {
    this.#onTunnelEvent.push(listener);
  }

  /** Call about once a second. */
  sweep(): void {
    this.#control?.sweep();
  }

  /* start */

  async #openControl(): Promise<void> {
    const { runtimeDirectory, interfaceName } = this.#options;
    const file = socketPath(runtimeDirectory, interfaceName);
    ensurePrivateDirectory(runtimeDirectory);
    const control = new ControlServer({
      handle: (request, secrets) => this.#handle(request, secrets),
      credentials: this.#world.credentials,
      now: this.#world.now,
      onEvent: (event, fields) => this.#world.log(event, fields),
    });
    await control.listen(file);
    this.#control = control;
  }

  #takeBackLeftovers(): void {
    const { log, system } = this.#world;
    try {
      const { undone, problems } = undoLeftovers(system, this.#journal());
      if (undone > 0) log('leftovers-undone', { count: undone });
      for (const why of problems) log('leftovers-kept', { why });
    } catch (error) {
      log('leftovers-kept', { why: errorText(error) });
      this.#journal().clear();
    }
  }

  async #bringUp(config: DaemonConfig): Promise<void> {
    const { system, log } = this.#world;
    const { interfaceName, stateDirectory, crypto } = this.#options;
    ensurePrivateDirectory(stateDirectory);
    const state = new FileState({
      file: path.join(stateDirectory, `${interfaceName}.state`),
      onAlarm: (event, why) => log(event, { why }),
    });
    state.retain(config.tunnel.peers.map(({ publicKey }) => publicKey));
    const placement = isFullTunnel(config) ? choosePlacement(config, system.netlink) : undefined;
    const known = config.tunnel.peers.flatMap(({ publicKey }) => state.loadEndpoint(publicKey)?.ip ?? []);
    const mtu = chooseMtu(config, [...literalEndpoints(config), ...known], system.netlink);
    const link = new LinkSession(system, fileJournal(this.#journalFile()));
    this.#onUndo('state', () => void state.flush());
    const tunnel = await this.#world.openTunnel(effective(config, placement), {
      device: { kind: 'tun', name: interfaceName, mtu },
      state,
      crypto,
    });
    this.#onUndo('tunnel', () => tunnel.close());
    tunnel.onEvent((event) => this.#tunnelEvent(event));
    this.#onUndo('system', () => this.#logProblems(link.undo()));
    const since = this.#world.wallClock();
    this.#running = {
      tunnel,
      config,
      link,
      state,
      mtu,
      placement,
      srcValidMark: system.readSysctl(srcValidMark),
      since,
    };
    link.change(this.#plan(this.#running, config, placement));
  }

  /* change */

  async #set(requests: readonly PeerChangeRequest[], secrets: readonly Secret[]): Promise<void> {
    const running = this.#requireRunning();
    const { config, steps } = changePeers(running.config, requests, secrets, this.#world.keys);
    try {
      await this.#apply(running, config, steps);
    } catch (error) {
      destroyUnshared(config, running.config);
      throw error;
    }
    this.#world.log('peers-changed', {
      steps: steps.map(({ kind }) => kind),
      peers: config.tunnel.peers.length,
    });
  }

  /** Leads tunnel and system to `next`, or back to where they were. `steps`: how to change the tunnel without touching the rest. */
  async #apply(running: Running, next: DaemonConfig, steps?: readonly PeerStep[]): Promise<void> {
    const { system } = this.#world;
    const before = running.config;
    const placement = isFullTunnel(next)
      ? (running.placement ?? choosePlacement(next, system.netlink))
      : undefined;
    const sameMark = effective(next, placement).fwMark === effective(before, running.placement).fwMark;
    try {
      if (steps !== undefined && sameMark) await carryOut(running.tunnel, steps);
      else await running.tunnel.reconfigure(effective(next, placement));
      this.#logProblems(running.link.change(this.#plan(running, next, placement)));
    } catch (error) {
      await running.tunnel.reconfigure(effective(before, running.placement));
      throw error;
    }
    running.config = next;
    running.placement = placement;
    running.state.retain(next.tunnel.peers.map(({ publicKey }) => publicKey));
    destroyUnshared(before, next);
  }

  #plan(running: Running, config: DaemonConfig, placement: Placement | undefined) {
    const { mtu, srcValidMark: mark } = running;
    return planLink({ config, device: running.tunnel.interfaceName, mtu, placement, srcValidMark: mark });
  }

  /* requests */

  async #handle(request: Request, secrets: readonly Secret[]): Promise<unknown> {
    switch (request.op) {
      case 'version':
        return { version: this.#options.version, protocol: protocolVersion };
      case 'ping':
        return { phase: this.#phase };
      case 'status':
        return this.status();
      case 'set':
        return this.#inTurn(() => this.#set(request.peers, secrets));
      case 'reload':
        return this.reload();
      case 'stop':
        return this.stop();
      case 'ping-peer':
        return this.#pingPeer(request);
      default:
        return request satisfies never;
    }
  }

  async #pingPeer(request: Request & { op: 'ping-peer' }): Promise<{ roundTrip: number }> {
    const { tunnel, config } = this.#requireRunning();
    const publicKey = publicBytes(request.publicKey, 32);
    if (
      publicKey === undefined ||
      !config.tunnel.peers.some((peer) => publicText(peer.publicKey) === request.publicKey)
    ) {
      throw new ControlError('no-such-peer', `no peer has the key ${request.publicKey}`);
    }
    const { size, timeout } = request;
    const options = { ...(size !== undefined && { size }), ...(timeout !== undefined && { timeout }) };
    return { roundTrip: await tunnel.ping(publicKey, options) };
  }

  /* events */

  #tunnelEvent(event: TunnelEvent): void {
    const { id, ...fields } = event;
    this.#world.log(id, printable(fields));
    for (const listener of this.#onTunnelEvent) listener(event);
    if (id === 'peer-established' || id === 'peer-expired') this.#reportStatus();
    if (id === 'device-lost' || id === 'failed') void this.stop(false);
  }

  /** The line `systemctl status` shows. */
  #reportStatus(): void {
    if (this.#phase !== 'running' || this.#running === undefined) return;
    const { peers } = this.#running.tunnel.stats();
    const live = peers.filter(({ pqState }) => pqState !== 'none').length;
    this.#world.notify(`STATUS=${live} of ${peers.length} peers have a session`);
  }

  /* stop */

  #saveConfig(config: DaemonConfig): void {
    const bytes = writeConfig(config);
    try {
      replaceFile(this.#options.configFile, bytes);
      this.#world.log('config-saved', { file: this.#options.configFile });
    } catch (error) {
      this.#world.log('config-not-saved', { why: errorText(error) });
    } finally {
      bytes.fill(0);
    }
  }

  #onUndo(what: string, run: () => Promise<void> | void): void {
    this.#undo.push({ what, run });
  }

  /** In reverse; a step that fails is logged and the rest still done. */
  async #undoAll(): Promise<void> {
    for (let step = this.#undo.pop(); step !== undefined; step = this.#undo.pop()) {
      try {
        await step.run();
      } catch (error) {
        this.#world.log('undo-failed', { what: step.what, why: errorText(error) });
      }
    }
    this.#running = undefined;
  }

  #logProblems(problems: readonly string[]): void {
    for (const why of problems) this.#world.log('undo-failed', { what: 'system', why });
  }

  async #hooks(config: DaemonConfig, kind: HookKind): Promise<void> {
    for (const command of config.hooks[kind]) {
      try {
        await this.#world.runHook(command, this.#options.interfaceName);
      } catch (error) {
        throw new CommandError(exitCodes.failure, `${kind}: ${errorText(error)}`, { cause: error });
      }
    }
  }

  async #hooksLogged(config: DaemonConfig, kind: HookKind): Promise<void> {
    try {
      await this.#hooks(config, kind);
    } catch (error) {
      this.#world.log('hook-failed', { why: errorText(error) });
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => {});
    return result;
  }

  #requireRunning(): Running {
    if (this.#phase !== 'running' || this.#running === undefined) {
      throw new ControlError(
        'busy',
        this.#phase === 'new' ? 'the tunnel is still coming up' : 'the daemon is stopping',
      );
    }
    return this.#running;
  }

  #journal() {
    return fileJournal(this.#journalFile());
  }

  #journalFile(): string {
    return path.join(this.#options.runtimeDirectory, `${this.#options.interfaceName}.journal`);
  }
}

interface Running {
  readonly tunnel: Tunnel;
  readonly link: LinkSession;
  readonly state: FileState;
  readonly mtu: number;
  /** As it was before us. */
  readonly srcValidMark: string;
  readonly since: number;
  config: DaemonConfig;
  placement: Placement | undefined;
}

/** A full tunnel marks its own datagrams, so that they are not routed into it. */
function effective(config: DaemonConfig, placement: Placement | undefined): TunnelConfig {
  return placement === undefined ? config.tunnel : { ...config.tunnel, fwMark: placement.mark };
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

/** Public keys as text; all other fields of events are fit to print as they are. */
function printable(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) =>
      value instanceof Uint8Array ? ['peer', publicText(value)] : [key, value],
    ),
  );
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
