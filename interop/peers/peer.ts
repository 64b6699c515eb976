/** What any pqtun implementation must let itself be told to take part: one party with one remote party, over UDP. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import { JsonLines, type PeerEvent, type Spawn, spawnHere } from './json-lines.ts';

/** The configuration both endpoint programs read, as JSON; byte strings are hex. */
export interface PartyConfig {
  /** `127.0.0.1:0`: any free port. */
  readonly listen?: string;
  readonly privateKey: string;
  /** Absent for a party with classical peers only. */
  readonly kemSeed?: string;
  readonly deploymentKeys?: readonly string[];
  readonly largestDatagram?: number;
  /** How much faster than real time the protocol's clock runs. */
  readonly clockScale?: number;
  readonly faults?: { readonly forceCookies?: boolean };
  readonly peers: readonly RemoteConfig[];
}

export interface RemoteConfig {
  readonly name: string;
  readonly suite?: 1 | 2;
  readonly publicKey: string;
  /** Absent: a classical peer, which our endpoint alone knows. */
  readonly kemPublicKey?: string;
  readonly psk?: string;
  readonly deploymentKey?: string;
  readonly endpoint?: string;
  readonly persistentKeepalive?: number;
}

/** An implementation: how to start it, and what to call it. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
  readonly command: string;
  /** Before `run --config FILE`. */
  readonly args: readonly string[];
  /** Between `run --config FILE` and the end. */
  readonly runArgs?: readonly string[];
}

/** The name every party gives its one remote party. */
export const remoteName = 'peer';

export class InteropPeer implements AsyncDisposable {
  readonly name: string;
  readonly #lines: JsonLines;
  readonly #folder: string;
  #listen = '';
  #sessions = 0;

  private constructor(name: string, lines: JsonLines, folder: string) {
    this.name = name;
    this.#lines = lines;
    this.#folder = folder;
  }

  /** Starts a program and waits until its socket is bound. */
  static async start(
    implementation: Implementation,
    role: string,
    config: PartyConfig,
    spawn: Spawn = spawnHere,
  ): Promise<InteropPeer> {
    const folder = temporaryFolder('interop');
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
    const { name, command, args, runArgs = [] } = implementation;
    const lines = new JsonLines(
      `${name} (${role})`,
      spawn(command, [...args, 'run', '--config', file, ...runArgs]),
    );
    const peer = new InteropPeer(lines.name, lines, folder);
    try {
      peer.#listen = String((await lines.take('ready', 30_000))['listen']);
      return peer;
    } catch (error) {
      await peer.stop();
      throw error;
    }
  }

  /** Address and port of its socket. */
  get listen(): string {
    return this.#listen;
  }

  initiate(): void {
    this.#lines.tell({ do: 'initiate', peer: remoteName });
  }

  /** One inner packet into the tunnel. */
  send(packet: Uint8Array): void {
    this.#lines.tell({ do: 'send', peer: remoteName, packet: Buffer.from(packet).toString('hex') });
  }

  /** Waits for this very packet to come out. */
  async receive(packet: Uint8Array, patience?: number): Promise<void> {
    const text = Buffer.from(packet).toString('hex');
    await this.#lines.take('packet', patience, (event) => event['packet'] === text);
  }

  /** Packets that have come out and were not waited for, as hex, in order. */
  received(): string[] {
    return this.#lines.takeAll('packet').map((event) => String(event['packet']));
  }

  /** A probe of `size` bytes and its answer; throws where the answer tells another length. */
  async probe(size: number): Promise<void> {
    const token = Buffer.alloc(8);
    token.writeBigUInt64BE(BigInt(nextToken++));
    const text = token.toString('hex');
    this.#lines.tell({ do: 'probe', peer: remoteName, token: text, size, kind: 'probe' });
    const answer = await this.#lines.take('answer', undefined, (event) => event['token'] === text);
    // our engine keeps the length to itself
    if (answer['length'] !== undefined && answer['length'] !== size) {
      throw new Error(`${this.name}: a probe of ${size} B was answered for ${answer['length']} B`);
    }
  }

  /** The next session that is confirmed here. */
  async established(patience?: number): Promise<PeerEvent> {
    const event = await this.#lines.take('established', patience);
    this.#sessions++;
    return event;
  }

  /** How many sessions have been confirmed here. */
  get sessions(): number {
    this.#sessions += this.#lines.takeAll('established').length;
    return this.#sessions;
  }

  async stats(): Promise<PeerEvent> {
    this.#lines.tell({ do: 'stats' });
    return this.#lines.take('stats');
  }

  /** What it could not do, if anything. */
  errors(): string[] {
    return this.#lines.takeAll('error').map((event) => String(event['text']));
  }

  async stop(): Promise<void> {
    await this.#lines.stop();
    removeNow(this.#folder);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

let nextToken = 1;
