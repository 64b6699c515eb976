/**
 * The loop of a tunnel whose packets the addon moves; JavaScript sees none of them:
 *  1. the addon's thread wakes us because there is something to report, or a deadline has come, or the tunnel's owner calls
 *  2. the clock is read, once
 *  3. the engine takes the reports: state of peers all at once, of the messages a turn's share; what it sends goes through the plane
 *  4. what is due is done
 *  5. the one timer is armed, events are told
 *  6. what the addon met besides is told: datagrams the system refused, an offload given up
 *  7. messages beyond the share have a turn of their own, after whatever else the event loop has waiting
 */
import { Engine, type EngineEvent, type Instant } from '@pqtun/core';
import type { Clock } from './clock.ts';
import type { EngineSettings, PathEvents, Protocol } from './data-path.ts';
import type { NativeTunnelPlane, ShellEvent } from './native-data-plane.ts';
import { NativePlane } from './native-plane.ts';
import { nextImmediate, outcomeOf, Turns } from './turns.ts';

export interface NativeLoopOptions {
  readonly clock: Clock;
  readonly native: NativeTunnelPlane;
  readonly engine: EngineSettings;
  readonly on: PathEvents;
  /** Runs a function once the loop has looked for input again. Default `setImmediate`. */
  readonly afterInput?: (run: () => void) => { close(): void };
}

interface Running extends Protocol {
  readonly plane: NativePlane;
  nextDeadline(): ReturnType<Engine['nextDeadline']>;
}

export class NativeLoop {
  readonly #clock: Clock;
  readonly #native: NativeTunnelPlane;
  readonly #on: PathEvents;
  readonly #turns: Turns;
  readonly #afterInput: (run: () => void) => { close(): void };
  /** The turn of the messages that wait. */
  #waitingTurn: { close(): void } | undefined;
  #protocol: Running;

  constructor({ clock, native, engine, on, afterInput = nextImmediate }: NativeLoopOptions) {
    this.#clock = clock;
    this.#native = native;
    this.#on = on;
    this.#afterInput = afterInput;
    this.#protocol = this.#build(engine, undefined);
    this.#turns = new Turns({
      clock,
      on,
      protocol: () => this.#protocol,
      onTimer: () => this.#turn((now, { engine }) => engine.handleTimeout(now)),
      onLoopDelay: (tell) => this.#turn((now) => tell(now)),
    });
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  /** Of the event loop's delay, as `TunnelStats` has it. */
  get loopDelayCounts(): readonly number[] {
    return this.#turns.loopDelayCounts;
  }

  start(): void {
    this.#native.start({
      onReports: () => {
        this.#turns.onInput();
        this.#turn(() => undefined);
      },
      onLost: (error) => {
        if (!this.#turns.closed) this.#on.onDeviceLost(error);
      },
    });
  }

  /** A turn for the tunnel's owner. What `act` throws is the caller's; what it did until then is done all the same. */
  call<Result>(act: (now: Instant, protocol: Protocol) => Result): Result {
    return outcomeOf((turn) => this.#turn(turn), act);
  }

  /** From now on an engine of these settings runs; the old one must have been stopped. */
  renew(engine: EngineSettings): void {
    this.#protocol = this.#build(engine, this.#protocol.plane);
    this.#turns.forgetDeadline();
  }

  /** No callback of the addon or the clock does anything after this. The addon's plane is the caller's to close. */
  close(): void {
    this.#turns.close();
    this.#waitingTurn?.close();
  }

  #build(settings: EngineSettings, after: NativePlane | undefined): Running {
    const plane = new NativePlane(this.#native, after);
    const engine = new Engine(this.#clock.now(), { ...settings, plane });
    return { engine, plane, nextDeadline: () => engine.nextDeadline() };
  }

  /* the turn */

  #turn(act: (now: Instant, protocol: Protocol) => void): void {
    this.#turns.run((now) => {
      const { engine, plane } = this.#protocol;
      if (!this.#turns.isTelling) plane.beginTurn(); // a listener's turn has no share of its own
      act(now, this.#protocol);
      engine.handleReports(now);
      const next = engine.nextDeadline();
      if (next !== undefined && next.at <= now) {
        engine.handleTimeout(now);
        engine.handleReports(now);
        engine.handleTimeout(now); // what the reports made due at once
      }
      return eventsOf(engine);
    });
    this.#tellShellEvents();
    this.#callWaiting();
  }

  #tellShellEvents(): void {
    if (this.#turns.closed) return;
    try {
      for (const event of this.#native.takeEvents()) this.#onShellEvent(event);
    } catch (error) {
      this.#on.onFailure(error);
    }
  }

  #onShellEvent(event: ShellEvent): void {
    if (this.#turns.closed) return; // whoever heard the one before may have closed us
    switch (event.kind) {
      case 'send-failed':
        return this.#on.onSendFailed(event, event.code);
      case 'source-lost':
        return this.#on.onSourceLost();
      case 'offload-changed':
        return this.#on.onOffloadChanged(event.name, event.active, event.reason);
      default:
        event satisfies never;
    }
  }

  #callWaiting(): void {
    if (this.#turns.closed || !this.#protocol.plane.hasMore) return;
    this.#waitingTurn ??= this.#afterInput(() => {
      this.#waitingTurn = undefined;
      this.#turn(() => undefined);
    });
  }
}

function eventsOf(engine: Engine): EngineEvent[] {
  const events: EngineEvent[] = [];
  for (let event = engine.pollEvent(); event !== undefined; event = engine.pollEvent()) events.push(event);
  return events;
}
