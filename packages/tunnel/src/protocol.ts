/** Configuration → the engine that is to run it. */
import { type Identity, sameBytes, unixMillis } from '@pqtun/core';
import type { TunnelConfig } from './config.ts';
import type { EngineSettings } from './data-path.ts';
import type { Runtime } from './runtime.ts';

/** What is kept of a configuration besides its peers: nothing secret. */
export type Settings = Pick<TunnelConfig, 'fwMark' | 'suites' | 'maxHandshakeDatagram'>;

export function settingsOf({ fwMark, suites, maxHandshakeDatagram }: TunnelConfig): Settings {
  return {
    ...(fwMark === undefined ? {} : { fwMark }),
    ...(suites === undefined ? {} : { suites }),
    ...(maxHandshakeDatagram === undefined ? {} : { maxHandshakeDatagram }),
  };
}

export interface ProtocolOptions {
  readonly runtime: Runtime;
  readonly config: TunnelConfig;
  readonly identity: Identity;
  readonly timestamps: TimestampKeeper;
}

/** Of an engine without peers. */
export function engineSettings(options: ProtocolOptions): EngineSettings {
  const { runtime, config, identity, timestamps } = options;
  const floor = timestamps.ceiling;
  const { suites, maxHandshakeDatagram } = config;
  return {
    crypto: runtime.suite,
    identity,
    wallClock: () => unixMillis(Date.now()),
    policy: {
      ...(suites === undefined ? {} : { suites }),
      ...(maxHandshakeDatagram === undefined ? {} : { maxDatagram: maxHandshakeDatagram }),
    },
    deploymentKeys: deploymentKeys(config),
    ...(floor === undefined ? {} : { timestampFloor: floor }),
    saveTimestampCeiling: (ceiling) => timestamps.save(ceiling),
  };
}

/** gk accepted from initiators; borrowed from their secrets, which the engine copies. */
export function deploymentKeys(config: TunnelConfig): Uint8Array[] {
  return (config.deploymentKeys ?? ['none' as const]).map((key) =>
    key === 'none' ? new Uint8Array(0) : key.borrow(),
  );
}

/** Whether an engine for `a` may go on as one for `b`: what an engine cannot change in its life is equal. */
export function sameProtocol(
  a: { identity: Identity; config: Settings },
  b: { identity: Identity; config: Settings },
): boolean {
  const [x, y] = [a.identity.kem(1)?.publicKey, b.identity.kem(1)?.publicKey];
  const sameKem = x === undefined || y === undefined ? x === y : sameBytes(x, y);
  return (
    sameKem &&
    sameBytes(a.identity.dh.publicKey, b.identity.dh.publicKey) &&
    [...(a.config.suites ?? [1, 2])].sort().join() === [...(b.config.suites ?? [1, 2])].sort().join() &&
    a.config.maxHandshakeDatagram === b.config.maxHandshakeDatagram
  );
}

/** The timestamp ceiling of protocol.md §5.1 C6: in the caller's store, and here for an engine that follows another. */
export class TimestampKeeper {
  readonly #runtime: Pick<Runtime, 'state'>;
  #ceiling: Uint8Array | undefined;

  /** Throws what the store throws: a tunnel that cannot read its ceiling must not start with none. */
  constructor(runtime: Pick<Runtime, 'state'>) {
    this.#runtime = runtime;
    this.#ceiling = runtime.state?.loadTimestampCeiling();
  }

  get ceiling(): Uint8Array | undefined {
    return this.#ceiling;
  }

  save(ceiling: Uint8Array): boolean {
    this.#ceiling = ceiling.slice();
    try {
      return this.#runtime.state?.saveTimestampCeiling(this.#ceiling) ?? true;
    } catch {
      return false; // a store that throws has kept nothing: the engine raises the alarm
    }
  }
}
