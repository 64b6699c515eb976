/** A real WireGuard program in a namespace of a lab, with a TUN of its own. wireguard-go and gotatun are started alike. */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { collect, endChild, type Namespace } from '../../test/kit/lab/namespace.ts';
import { removeAtExit, removeNow } from '../../test/kit/temporary.ts';
import { socketFolder, Uapi } from './uapi.ts';

/** A WireGuard implementation: what starts it in the foreground when given an interface's name. */
export interface WireguardProgram {
  readonly name: string;
  readonly version: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export class WireguardPeer {
  readonly interfaceName: string;
  readonly uapi: Uapi;
  readonly #child: ChildProcess;
  readonly #log: () => string;

  private constructor(interfaceName: string, child: ChildProcess) {
    this.interfaceName = interfaceName;
    this.uapi = new Uapi(interfaceName);
    this.#child = child;
    this.#log = collect(child);
  }

  /** Starts it; `interfaceName` is unique on this machine, for all control sockets lie in one folder. */
  static async start(
    namespace: Namespace,
    program: WireguardProgram,
    interfaceName: string,
    address: string,
    mtu: number,
  ): Promise<WireguardPeer> {
    const child = namespace.spawn(program.command, [...program.args, interfaceName], {
      env: { ...process.env, ...program.env },
    });
    const peer = new WireguardPeer(interfaceName, child);
    removeAtExit(peer.#socket);
    try {
      await peer.#untilItAnswers(program);
      await namespace.help('configure', interfaceName, [address], mtu);
      return peer;
    } catch (error) {
      await peer.stop();
      throw error;
    }
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.interfaceName} has no process`);
    return pid;
  }

  /** What it has printed, at most the last 256 KiB. */
  get log(): string {
    return this.#log();
  }

  /** Stops the process where it stands; what is sent to it meanwhile waits in its socket. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await endChild(this.#child);
    removeNow(this.#socket);
  }

  get #socket(): string {
    return `${socketFolder}/${this.interfaceName}.sock`;
  }

  async #untilItAnswers(program: WireguardProgram): Promise<void> {
    const end = Date.now() + 15_000;
    for (;;) {
      if (existsSync(this.#socket)) {
        try {
          await this.uapi.get();
          return;
        } catch {
          // bound, not listening yet
        }
      }
      if (this.#child.exitCode !== null || this.#child.signalCode !== null || Date.now() > end) {
        throw new Error(`${program.name} did not start:\n${this.log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
