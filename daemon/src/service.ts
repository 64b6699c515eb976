/**
 * One interface from start to stop, with everything around the tunnel.
 *
 * Start, each step undone in reverse when a later one fails, and on stop:
 *  1. read the configuration: nothing has happened yet if it is refused
 *  2. take the control socket: one daemon per interface
 *  3. take back what a killed predecessor left in the system
 *  4. PreUp
 *  5. state, tunnel (the device appears), addresses, link, name servers, routes, rules: `live-interface.ts`
 *  6. UAPI socket
 *  7. PostUp, which may use both sockets; ready
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Secret } from '@pqtun/core';
import type { TunnelEvent } from '@pqtun/tunnel';
import { type DaemonConfig, destroyConfig, type HookKind } from './config/model.ts';
import { writeConfig } from './config/write.ts';
import { ControlError, protocolVersion, type Request } from './control/protocol.ts';
import { ControlServer } from './control/server.ts';
import { socketPath } from './control/socket-path.ts';
import type { Status } from './control/status.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { fileJournal, type Journal } from './link/journal.ts';
import { undoLeftovers } from './link/link-session.ts';
import { LiveInterface } from './live-interface.ts';
import { ensurePrivateDirectory, replaceFile } from './private-files.ts';
import { restartNeeded } from './restart-needed.ts';
import { publicText } from './secret-text.ts';
import type { ServiceOptions, ServiceWorld } from './service-world.ts';
import { errno, UapiError } from './uapi/errno.ts';
import type { SetRequest } from './uapi/request.ts';
import { ensureUapiDirectory, UapiServer } from './uapi/server.ts';
import { UndoStack } from './undo-stack.ts';

type Phase = 'new' | 'running' | 'stopping' | 'stopped';

export class Service {
  /** Fulfilled when everything is undone: `false` when the tunnel was lost rather than asked to stop. */
  readonly finished: Promise<boolean>;
  readonly #options: ServiceOptions;
  readonly #world: ServiceWorld;
  readonly #journal: Journal;
  readonly #undo: UndoStack;
  readonly #onTunnelEvent: ((event: TunnelEvent) => void)[] = [];
  #finish: (orderly: boolean) => void = () => {};
  #phase: Phase = 'new';
  /** Start, reload, set and stop come one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #control: ControlServer | undefined;
  #uapi: UapiServer | undefined;
  #live: LiveInterface | undefined;
  /** Sessions came or went since the status line was written. */
  #isStatusStale = false;

  constructor(options: ServiceOptions, world: ServiceWorld) {
    this.#options = options;
    this.#world = world;
    this.#journal = fileJournal(path.join(options.runtimeDirectory, `${options.interfaceName}.journal`));
    this.#undo = new UndoStack((what, error) => world.log('undo-failed', { what, why: errorText(error) }));
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Brings everything up, or throws and leaves nothing behind. A stop asked for meanwhile follows. */
  async start(): Promise<void> {
    try {
      const live = await this.#inTurn(() => this.#bringUp());
      // Not in turn: a PostUp command may be `wg set` or `pqtun set`, which wait for their turn.
      await this.#hooks(live.config, 'postUp');
    } catch (error) {
      this.#world.log('start-failed', { why: errorText(error) });
      await this.#inTurn(() => this.#abandon());
      throw error;
    }
    await this.#inTurn(async () => this.#ready());
  }

  /** Orderly stop; harmless when repeated. The control socket stays for the reply: `closeControl` ends it. */
  stop(orderly = true): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#phase !== 'running') return;
      this.#phase = 'stopping';
      this.#world.notify('STOPPING=1');
      this.#world.log('stopping');
      if (this.#live !== undefined) {
        await this.#hooksLogged(this.#live.config, 'preDown');
        if (this.#live.config.saveConfig) this.#saveConfig(this.#live.config);
      }
      await this.#undo.undoAll();
      this.#live = undefined;
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
      const live = this.#requireLive();
      this.#world.notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
      try {
        await this.#reload(live);
        this.#world.log('reloaded', { peers: live.config.tunnel.peers.length });
      } catch (error) {
        this.#world.log('reload-refused', { why: errorText(error) });
        throw error instanceof ControlError ? error : new ControlError('bad-config', errorText(error));
      } finally {
        this.#world.notify('READY=1');
        this.#reportStatus();
      }
    });
  }

  get isUp(): boolean {
    return this.#phase === 'running';
  }

  /** Throws `ControlError` `busy` unless the interface is up. */
  status(): Status {
    return this.#requireLive().status();
  }

  /** Adds a listener for the tunnel's events, before or after the start. */
  onTunnelEvent(listener: (event: TunnelEvent) => void): void {
    this.#onTunnelEvent.push(listener);
  }

  /** Call about once a second. */
  sweep(): void {
    this.#control?.sweep();
    this.#uapi?.sweep();
    if (this.#isStatusStale) this.#reportStatus();
    this.#stopWithSocket();
  }

  #stopWithSocket(): void {
    const { uapi: choice, interfaceName } = this.#options;
    if (choice.kind !== 'directory' || choice.stopWithSocket !== true) return;
    if (this.#uapi === undefined || this.#phase !== 'running') return;
    if (!fs.existsSync(socketPath(choice.directory, interfaceName))) void this.stop();
  }

  /* start */

  async #bringUp(): Promise<LiveInterface> {
    this.#world.log('starting', { config: this.#options.configFile, version: this.#options.version });
    const config = this.#world.readConfig();
    this.#undo.push('secrets', () => destroyConfig(this.#live?.config ?? config));
    await this.#openControl();
    this.#takeBackLeftovers();
    await this.#hooks(config, 'preUp');
    this.#undo.push('PostDown', () => this.#hooksLogged(this.#live?.config ?? config, 'postDown'));
    const live = await LiveInterface.open(config, this.#options, this.#world, this.#journal, this.#undo);
    this.#live = live;
    live.tunnel.onEvent((event) => this.#tunnelEvent(event));
    this.#phase = 'running';
    await this.#openUapi();
    return live;
  }

  /** Unless it was stopped while PostUp ran. */
  #ready(): void {
    if (this.#phase !== 'running' || this.#live === undefined) return;
    this.#world.notify('READY=1');
    this.#reportStatus();
    const { tunnel, config } = this.#live;
    this.#logOffloads(this.#live);
    this.#world.log('ready', { listenPort: tunnel.listenPort, peers: config.tunnel.peers.length });
  }

  /** What the native plane found wanting at the start; later ones come as events. What was switched off is known. */
  #logOffloads({ tunnel, config }: LiveInterface): void {
    for (const { name, active, reason } of tunnel.stats().offloads) {
      if (active || config.dataPath.offloads[name] === false) continue;
      this.#world.log('offload-off', { offload: name, reason });
    }
  }

  async #abandon(): Promise<void> {
    this.#phase = 'stopping';
    await this.#undo.undoAll();
    await this.closeControl(0);
    this.#live = undefined;
    this.#phase = 'stopped';
  }

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

  async #openUapi(): Promise<void> {
    const { uapi: choice, interfaceName } = this.#options;
    if (choice.kind === 'off') return;
    const server = new UapiServer({
      get: () => this.#requireForUapi('running', 'stopping').uapiGet(),
      set: (request) => this.#uapiSet(request),
      credentials: this.#world.credentials,
      now: this.#world.now,
      onEvent: (event, fields) => this.#world.log(event, fields),
    });
    try {
      if (choice.kind === 'descriptor') await server.adopt(choice.fd);
      else {
        const file = socketPath(choice.directory, interfaceName);
        ensureUapiDirectory(choice.directory);
        await server.listen(file);
      }
    } catch (error) {
      if (choice.kind === 'descriptor' || choice.required) throw error;
      this.#world.log('uapi-unavailable', { why: errorText(error) });
      return;
    }
    this.#uapi = server;
    this.#undo.push('UAPI socket', () => server.close());
    this.#world.log('uapi-listening', choice.kind === 'directory' ? { directory: choice.directory } : {});
  }

  /** A journal that cannot be read is set aside: it must not keep the tunnel down, but somebody should know. */
  #takeBackLeftovers(): void {
    const { log, system } = this.#world;
    try {
      const { undone, problems } = undoLeftovers(system, this.#journal);
      if (undone > 0) log('leftovers-undone', { count: undone });
      for (const why of problems) log('leftovers-kept', { why });
    } catch (error) {
      log('leftovers-kept', { why: errorText(error) });
      this.#journal.clear();
    }
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
        this.#requireLive(); // a PreDown command must not wait for the stop that waits for it
        return this.#inTurn(async () => {
          const live = this.#requireLive();
          const steps = await live.set(request.peers, secrets);
          this.#world.log('peers-changed', {
            steps: steps.map(({ kind }) => kind),
            peers: live.config.tunnel.peers.length,
          });
        });
      case 'reload':
        return this.reload();
      case 'stop':
        return this.stop();
      case 'rekey':
        return this.#requireLive().rekey(request);
      case 'ping-peer':
        return this.#requireLive().ping(request);
      default:
        return request satisfies never;
    }
  }

  async #uapiSet(request: SetRequest): Promise<void> {
    this.#requireForUapi('running'); // a PreDown command must not wait for the stop that waits for it
    await this.#inTurn(async () => {
      const live = this.#requireForUapi('running');
      await live.uapiSet(request);
      this.#world.log('peers-changed', { over: 'uapi', peers: live.config.tunnel.peers.length });
    });
  }

  #requireForUapi(...phases: readonly Phase[]): LiveInterface {
    if (phases.includes(this.#phase) && this.#live !== undefined) return this.#live;
    throw new UapiError(errno.busy, 'the daemon is stopping');
  }

  async #reload(live: LiveInterface): Promise<void> {
    if (this.#options.configFile === undefined)
      throw new ControlError('bad-config', 'there is no file to read: this interface is configured by wg');
    const next = this.#world.readConfig();
    try {
      const held = restartNeeded(live.config, next);
      if (held.length > 0) {
        const why = `${held.join(', ')}: a change takes a restart; nothing was applied`;
        throw new ControlError('bad-config', why);
      }
      await live.change(next);
    } catch (error) {
      destroyConfig(next);
      throw error;
    }
  }

  /* events */

  #tunnelEvent(event: TunnelEvent): void {
    const { id, ...fields } = event;
    this.#world.log(id, printable(fields));
    for (const listener of this.#onTunnelEvent) listener(event);
    if (id === 'peer-established' || id === 'peer-expired') this.#isStatusStale = true;
    // Whoever made an interface for wg ends it by removing the device, as wg-quick does
    if (id === 'device-lost') void this.stop(this.#options.configFile === undefined);
    if (id === 'failed') void this.stop(false);
  }

  /** The line `systemctl status` shows. Looks at every peer: at most once a second, not with each handshake of a large hub. */
  #reportStatus(): void {
    this.#isStatusStale = false;
    if (this.#phase !== 'running' || this.#live === undefined) return;
    const { peers } = this.#live.tunnel.stats();
    const live = peers.filter(({ pqState }) => pqState !== 'none').length;
    this.#world.notify(`STATUS=${live} of ${peers.length} peers have a session`);
  }

  /* hooks and files */

  #saveConfig(config: DaemonConfig): void {
    const { configFile: file } = this.#options;
    if (file === undefined) return;
    if (config.tunnel.privateKey === undefined) {
      this.#world.log('config-not-saved', {
        why: 'there is no private key, without which the file would be refused',
      });
      return;
    }
    const bytes = writeConfig(config);
    try {
      replaceFile(file, bytes);
      this.#world.log('config-saved', { file });
    } catch (error) {
      this.#world.log('config-not-saved', { why: errorText(error) });
    } finally {
      bytes.fill(0);
    }
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

  #requireLive(): LiveInterface {
    if (this.#phase === 'running' && this.#live !== undefined) return this.#live;
    const why = this.#phase === 'new' ? 'the tunnel is still coming up' : 'the daemon is stopping';
    throw new ControlError('busy', why);
  }
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
