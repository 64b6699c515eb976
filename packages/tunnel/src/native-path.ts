/** The data path inside the addon: TUN, sockets, thread and plane are its own, and the engine alone runs here. */
import type { Instant } from '@pqtun/core';
import type { Clock } from './clock.ts';
import type { DataPath, EngineSettings, OpenedPath, PathEvents, PathFacts, Protocol } from './data-path.ts';
import { delayBounds } from './loop-delay.ts';
import type { NativeTunnelPlane } from './native-data-plane.ts';
import { NativeLoop } from './native-loop.ts';

/** Makes a path of a plane that is open and not started. */
export function nativePath(clock: Clock, native: NativeTunnelPlane): OpenedPath {
  return {
    connect: (engine, on) => new NativePath(clock, native, engine, on),
    close: async () => native.close(),
  };
}

class NativePath implements DataPath {
  readonly #native: NativeTunnelPlane;
  readonly #loop: NativeLoop;

  constructor(clock: Clock, native: NativeTunnelPlane, engine: EngineSettings, on: PathEvents) {
    this.#native = native;
    this.#loop = new NativeLoop({ clock, native, engine, on });
  }

  get interfaceName(): string {
    return this.#native.name;
  }

  get mtu(): number {
    return this.#native.mtu;
  }

  get port(): number {
    return this.#native.port;
  }

  get protocol(): Protocol {
    return this.#loop.protocol;
  }

  facts(): PathFacts {
    const { aead, offloads } = this.#native.status();
    return {
      plane: 'native',
      udp: 'native',
      aead,
      offloads,
      planeCounters: this.#native.counters(),
      loopDelay: { bounds: delayBounds, counts: this.#loop.loopDelayCounts },
    };
  }

  start(): void {
    this.#loop.start();
  }

  call<Result>(act: (now: Instant, protocol: Protocol) => Result): Result {
    return this.#loop.call(act);
  }

  async rebind(port: number, mark: number): Promise<void> {
    await this.#native.rebind({ port, mark });
  }

  setMark(mark: number): void {
    this.#native.setMark(mark);
  }

  renew(engine: EngineSettings): void {
    this.#loop.renew(engine);
  }

  async close(): Promise<void> {
    this.#loop.close();
    await this.#native.close();
  }
}
