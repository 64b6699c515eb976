/** The data path inside the addon: TUN, sockets, thread and plane are its own, and the engine alone runs here. */
import { type Instant, PqtunError } from '@pqtun/core';
import type { DeviceChoice, OpenOptions } from './api.ts';
import type { Clock } from './clock.ts';
import type { DataPath, EngineSettings, OpenedPath, PathEvents, PathFacts, Protocol } from './data-path.ts';
import { delayBounds } from './loop-delay.ts';
import type { Native } from './native.ts';
import type { NativeTunnelPlane } from './native-data-plane.ts';
import { NativeLoop } from './native-loop.ts';

export interface NativePathChoice {
  readonly clock: Clock;
  readonly native: Native;
  readonly device: Extract<DeviceChoice, { kind: 'tun' }>;
  readonly options: Pick<OpenOptions, 'aead' | 'offloads' | 'clampMss'>;
  readonly bind: Bind;
  readonly port: number;
  readonly mark: number;
}

type Bind = readonly Uint8Array[] | undefined;

/** Opens TUN and sockets. Throws the system's error, or `PQTUN_UNSUPPORTED` for a cipher that is not here; nothing stays open then. */
export function openNativePath({ clock, native, device, options, ...udp }: NativePathChoice): OpenedPath {
  const { aead, offloads, clampMss = true } = options;
  const { name, fd, mtu } = device;
  const { port, mark, bind } = udp;
  try {
    const plane = native.openDataPlane({
      tun: { ...(name === undefined ? {} : { name }), ...(fd === undefined ? {} : { fd }) },
      udp: { port, mark, ...(bind === undefined ? {} : { bind }) },
      clampMss,
      ...(mtu === undefined ? {} : { mtu }),
      ...(aead === undefined ? {} : { aead }),
      ...(offloads === undefined ? {} : { offloads }),
    });
    return nativePath(clock, plane, bind);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_AEAD_UNAVAILABLE')
      throw new PqtunError('PQTUN_UNSUPPORTED', `options.aead: ${error.message}`);
    throw error;
  }
}

/** Makes a path of a plane that is open and not started. `bind`: the addresses its sockets are bound to. */
export function nativePath(clock: Clock, native: NativeTunnelPlane, bind: Bind): OpenedPath {
  return {
    connect: (engine, on) => new NativePath(clock, native, bind, engine, on),
    close: async () => native.close(),
  };
}

class NativePath implements DataPath {
  readonly #native: NativeTunnelPlane;
  readonly #bind: Bind;
  readonly #loop: NativeLoop;

  constructor(clock: Clock, native: NativeTunnelPlane, bind: Bind, engine: EngineSettings, on: PathEvents) {
    this.#native = native;
    this.#bind = bind;
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
    const bind = this.#bind;
    await this.#native.rebind({ port, mark, ...(bind === undefined ? {} : { bind }) });
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
