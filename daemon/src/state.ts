/**
 * What must survive a restart: the initiator's timestamp ceiling (protocol.md §5.1 C6) and each peer's last confirmed endpoint.
 *
 * One text file, `<state-dir>/<interface>.state`, replaced whole:
 *   pqtun-state 1
 *   ceiling <12 B hex>
 *   endpoint <public key> <address> <port> <scope>      (one line a peer)
 *   sha256 <hex of all bytes above>
 * The ceiling is on disk when `saveTimestampCeiling` returns. Endpoints are collected and written together, `endpointDelay`
 * after the first one, then at most once in `endpointRest` so that a flash card outlives peers that wander, and on an orderly
 * stop. A hub killed before that waits until its gateways call: 15 s instead of none.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import type { StateStore } from '@pqtun/tunnel';
import { formatIp, parseInteger, parseIp } from './address-text.ts';
import { type ReplaceStep, replaceFile } from './private-files.ts';
import { publicBytes, publicText } from './secret-text.ts';

export interface KeptEndpoint {
  readonly ip: Uint8Array;
  readonly port: number;
  readonly scope: number;
}

export interface StateOptions {
  readonly file: string;
  /** Told when the file is damaged or cannot be written; `why` is one line. */
  readonly onAlarm: (event: 'state-damaged' | 'state-not-saved', why: string) => void;
  /** Calls `run` once after `delay` ms; default a timer that does not keep the process alive. */
  readonly schedule?: (run: () => void, delay: number) => void;
  /** For fault tests. */
  readonly afterStep?: (step: ReplaceStep) => void;
}

export const endpointDelay = 250;
export const endpointRest = 5_000;
const timestampSize = 12;
const maxEndpoints = 65_536;
const maxStateLength = 16 * 1024 * 1024;
const header = 'pqtun-state 1\n';

/** `StateStore` over one file. A damaged file raises an alarm and counts as none. */
export class FileState implements StateStore {
  readonly #options: StateOptions;
  readonly #endpoints = new Map<string, KeptEndpoint>();
  #ceiling: Uint8Array | undefined;
  #dirty = false;
  #flushPending = false;
  #failing = false;

  constructor(options: StateOptions) {
    this.#options = options;
    this.#load();
  }

  loadTimestampCeiling(): Uint8Array | undefined {
    return this.#ceiling && Uint8Array.from(this.#ceiling);
  }

  saveTimestampCeiling(ceiling: Uint8Array): boolean {
    this.#ceiling = Uint8Array.from(ceiling);
    this.#dirty = true;
    return this.flush();
  }

  loadEndpoint(publicKey: Uint8Array): KeptEndpoint | undefined {
    return this.#endpoints.get(publicText(publicKey));
  }

  /** `false` while writing fails; the endpoint is kept in memory and tried again with the next write. */
  saveEndpoint(publicKey: Uint8Array, at: KeptEndpoint): boolean {
    const peer = publicText(publicKey);
    if (!this.#endpoints.has(peer) && this.#endpoints.size >= maxEndpoints) return false;
    this.#endpoints.set(peer, { ip: Uint8Array.from(at.ip), port: at.port, scope: at.scope });
    this.#dirty = true;
    this.#scheduleFlush();
    return !this.#failing;
  }

  /** Forgets the endpoints of peers that are configured no more. */
  retain(publicKeys: Iterable<Uint8Array>): void {
    const kept = new Set(Array.from(publicKeys, publicText));
    for (const peer of this.#endpoints.keys()) {
      if (!kept.has(peer)) this.#dirty = this.#endpoints.delete(peer) || this.#dirty;
    }
    if (this.#dirty) this.#scheduleFlush();
  }

  /** Writes what is not on disk yet; `false` when that failed. */
  flush(): boolean {
    if (!this.#dirty) return true;
    try {
      replaceFile(this.#options.file, Buffer.from(this.#text()), this.#options.afterStep);
      this.#dirty = false;
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#options.onAlarm('state-not-saved', errorText(error)); // once, not every block
      this.#failing = true;
    }
    return !this.#failing;
  }

  #scheduleFlush(): void {
    if (this.#flushPending) return; // or resting after one: what is dirty then is written at its end
    this.#flushPending = true;
    const schedule = this.#options.schedule ?? ((run, delay) => setTimeout(run, delay).unref());
    schedule(() => {
      this.flush();
      schedule(() => {
        this.#flushPending = false;
        if (this.#dirty) this.#scheduleFlush();
      }, endpointRest);
    }, endpointDelay);
  }

  #text(): string {
    let text = header;
    if (this.#ceiling !== undefined) text += `ceiling ${Buffer.from(this.#ceiling).toString('hex')}\n`;
    for (const [peer, at] of this.#endpoints)
      text += `endpoint ${peer} ${formatIp(at.ip)} ${at.port} ${at.scope}\n`;
    return `${text}sha256 ${checksum(text)}\n`;
  }

  #load(): void {
    const text = this.#read();
    if (text === undefined) return;
    const sumAt = text.lastIndexOf('sha256 ');
    if (
      !text.startsWith(header) ||
      sumAt < 0 ||
      text.slice(sumAt) !== `sha256 ${checksum(text.slice(0, sumAt))}\n`
    ) {
      return this.#damaged();
    }
    for (const line of text.slice(header.length, sumAt).split('\n')) {
      if (line !== '' && !this.#take(line)) return this.#damaged();
    }
  }

  #read(): string | undefined {
    try {
      if (fs.statSync(this.#options.file).size > maxStateLength) return '';
      return fs.readFileSync(this.#options.file, 'latin1');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#options.onAlarm('state-damaged', errorText(error)); // fs throws nothing else
      return undefined;
    }
  }

  #take(line: string): boolean {
    const [word, ...rest] = line.split(' ');
    if (word === 'ceiling' && rest.length === 1 && /^[0-9a-f]{24}$/.test(rest[0] ?? '')) {
      this.#ceiling = Uint8Array.from(Buffer.from(rest[0] ?? '', 'hex'));
      return this.#ceiling.length === timestampSize;
    }
    const [peer = '', address = '', port = '', scope = ''] = rest;
    const ip = parseIp(address);
    const at = { ip, port: parseInteger(port, 1, 65_535), scope: parseInteger(scope, 0, 0xffff_ffff) };
    if (word !== 'endpoint' || at.ip === undefined || at.port === undefined || at.scope === undefined)
      return false;
    if (publicBytes(peer, 32) === undefined || this.#endpoints.size >= maxEndpoints) return false;
    this.#endpoints.set(peer, { ip: at.ip, port: at.port, scope: at.scope });
    return true;
  }

  #damaged(): void {
    this.#ceiling = undefined;
    this.#endpoints.clear();
    this.#options.onAlarm(
      'state-damaged',
      `${this.#options.file} fails its checksum or has an unknown version; started without it`,
    );
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
