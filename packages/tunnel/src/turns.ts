/**
 * What both loops of a tunnel, `device.ts` and `native-loop.ts`, do the same way: a turn at a time, the clock read once in it, one
 * timer armed behind it, the events told when all is at rest, and a mistake of ours caught.
 */
import type { Engine, EngineEvent, Instant } from '@pqtun/core';
import type { Clock, ClockTimer } from './clock.ts';
import { LoopDelay } from './loop-delay.ts';

export interface TurnEvents {
  /** After each turn, with what the engine has to tell. */
  onTurn(now: Instant, events: readonly EngineEvent[]): void;
  /** A bug of ours met a packet; nothing of the protocol may be used any more. */
  onFailure(error: unknown): void;
}

interface Clocked {
  readonly engine: Pick<Engine, 'setLoopDelay' | 'isUnderLoad'>;
  nextDeadline(): { readonly at: Instant } | undefined;
}

export interface TurnsOptions {
  readonly clock: Clock;
  readonly on: TurnEvents;
  /** What runs now. */
  readonly protocol: () => Clocked;
  /** A deadline has come: make a turn that does what is due. */
  readonly onTimer: () => void;
  /** Make a turn in which the engine learns of the event loop's delay. */
  readonly onLoopDelay: (tell: (now: Instant) => void) => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #timer: ClockTimer;
  readonly #loopDelay: LoopDelay;
  readonly #untold: { readonly now: Instant; readonly events: readonly EngineEvent[] }[] = [];
  #armedFor: Instant | undefined;
  #isTelling = false;
  #closed = false;

  constructor(options: TurnsOptions) {
    const { clock, protocol, onTimer, onLoopDelay } = options;
    this.#options = options;
    this.#timer = clock.timer(() => {
      this.#armedFor = undefined;
      onTimer();
    });
    this.#loopDelay = new LoopDelay(clock, (delay) =>
      onLoopDelay((now) => {
        const { engine } = protocol();
        engine.setLoopDelay(delay);
        if (engine.isUnderLoad(now)) this.#loopDelay.onInput(); // so that its end is noticed, too
      }),
    );
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether a turn that is made now is a listener's, and so belongs to the one that is being told. */
  get isTelling(): boolean {
    return this.#isTelling;
  }

  /** Of the event loop's delay, as `TunnelStats` has it. */
  get loopDelayCounts(): readonly number[] {
    return this.#loopDelay.counts;
  }

  /** Call when something came in from outside. */
  onInput(): void {
    this.#loopDelay.onInput();
  }

  /** One turn; `act` does all of it but arming and telling, and returns the events. Nothing happens once closed. */
  run(act: (now: Instant) => readonly EngineEvent[]): void {
    if (this.#closed) return;
    const { clock, on } = this.#options;
    try {
      const now = clock.now();
      const events = act(now);
      this.#arm();
      this.#untold.push({ now, events });
      this.#tell();
    } catch (error) {
      on.onFailure(error); // whatever it was, it came of a mistake: nothing that is received throws
    }
  }

  /**
   * A turn that a listener makes is told when the one before it has been, not within it: a peer whose session begins is probed at once,
   * and where a thousand begin together each would be told deeper inside the other.
   */
  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let turn = this.#untold.shift(); turn !== undefined; turn = this.#untold.shift())
        if (!this.#closed) this.#options.on.onTurn(turn.now, turn.events);
    } finally {
      this.#isTelling = false;
    }
  }

  /** Call when another engine runs: no deadline of the old one holds. */
  forgetDeadline(): void {
    this.#armedFor = undefined;
  }

  /** No timer does anything after this. */
  close(): void {
    this.#closed = true;
    this.#timer.close();
    this.#loopDelay.close();
  }

  /** A later deadline than the one armed is left to it: it costs a wake-up, while data moves deadlines with every packet. */
  #arm(): void {
    const at = this.#options.protocol().nextDeadline()?.at;
    if (at === undefined || this.#closed || (this.#armedFor !== undefined && this.#armedFor <= at)) return;
    this.#armedFor = at;
    this.#timer.arm(at);
  }
}

/** Runs `act` within the turn that `turn` makes, and gives what it returned, or throws what it threw, once that is over. */
export function outcomeOf<Input extends readonly unknown[], Result>(
  turn: (act: (...input: Input) => void) => void,
  act: (...input: Input) => Result,
): Result {
  let outcome: { value: Result } | { error: unknown } | undefined;
  turn((...input) => {
    try {
      outcome = { value: act(...input) };
    } catch (error) {
      outcome = { error };
    }
  });
  if (outcome === undefined) throw new Error('called on a closed device');
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/** Runs a function once the event loop has looked for input again. */
export function nextImmediate(run: () => void): { close(): void } {
  const immediate = setImmediate(run);
  return { close: () => clearImmediate(immediate) };
}
