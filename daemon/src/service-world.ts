/** What a service is told, and what it needs of the world. */
import type { OpenOptions, Tunnel, TunnelConfig } from '@pqtun/tunnel';
import type { DaemonConfig, PlaneChoice } from './config/model.ts';
import type { PublicKeyCheck } from './config/public-key-check.ts';
import type { PeerCredentials } from './control/local-server.ts';
import type { EventLog } from './events.ts';
import type { LinkSystem } from './link/act.ts';

export interface ServiceOptions {
  readonly interfaceName: string;
  /** Absent: configured by `wg` alone; there is nothing to reload or to save. */
  readonly configFile?: string;
  readonly runtimeDirectory: string;
  readonly stateDirectory: string;
  readonly crypto: 'node' | 'noble';
  /** What moves packets, whatever the configuration says. */
  readonly plane?: PlaneChoice;
  readonly version: string;
  readonly uapi: UapiChoice;
  /** A TUN opened by whoever started us; its name is the interface's. */
  readonly tunFd?: number;
}

export type UapiChoice =
  | { readonly kind: 'off' }
  /** `required`: without the socket there is no start; else it is logged and the tunnel comes up all the same. */
  | {
      readonly kind: 'directory';
      readonly directory: string;
      readonly required: boolean;
      /** Somebody who removes the socket means us to stop, as `wg-quick` does where `ip link del` is not known. */
      readonly stopWithSocket?: true;
    }
  /** A listening socket that was handed to us. */
  | { readonly kind: 'descriptor'; readonly fd: number };

/** The world around a service; fakes of it in tests. */
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
