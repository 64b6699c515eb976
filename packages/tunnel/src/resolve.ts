/**
 * Endpoints by name: looked up at the start and again when the path is stale, retried while they fail, never too often.
 * A name with several addresses gives the next one each time, so that a dead address does not hold a peer.
 */
import { lookup as dnsLookup } from 'node:dns/promises';
import { type Endpoint, endpoint, sameBytes } from '@pqtun/core';
import { parseScoped } from './address.ts';
import type { EndpointSpec } from './config.ts';

/** Addresses of a host in order of preference; rejects, or gives none, when there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The system's own resolution: hosts file, DNS, and what else the machine is set up for. It cannot be called off. */
export const systemLookup: Lookup = async (host) =>
  (await dnsLookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

/** The endpoint of a spec that names an address; `undefined` for a name. */
export function literalEndpoint({ host, port }: EndpointSpec): Endpoint | undefined {
  const parsed = parseScoped(host);
  return parsed && endpoint(parsed.ip, port, parsed.scope);
}

/** Waits after a failure, in milliseconds; the last repeats. */
export const retryAfter: readonly number[] = [5_000, 10_000, 20_000, 60_000, 300_000];
/** Successful look-ups of one name are at least this far apart. */
export const refreshAfter = 20_000;
/** Look-ups under way at a time: getaddrinfo has four threads for the whole process. */
const atOnce = 2;

export interface ResolverOptions {
  readonly lookup: Lookup;
  /** Milliseconds of any clock that does not go back. */
  readonly now: () => number;
  readonly onResolved: (key: string, at: Endpoint) => void;
  readonly onUnresolved: (key: string, host: string) => void;
  /** Runs once after `delay`; default a timer that does not keep the process alive. */
  readonly schedule?: (run: () => void, delay: number) => { close(): void };
}

interface Entry {
  readonly key: string;
  readonly spec: EndpointSpec;
  state: 'idle' | 'queued' | 'running';
  failures: number;
  resolvedAt: number | undefined;
  last: Uint8Array | undefined;
  retry: { close(): void } | undefined;
}

export class Resolver {
  readonly #options: Required<ResolverOptions>;
  readonly #entries = new Map<string, Entry>();
  readonly #queue: Entry[] = [];
  #running = 0;

  constructor(options: ResolverOptions) {
    this.#options = { schedule: unreferencedTimer, ...options };
  }

  /** Looks the name of this peer up, from now on. Replaces what was watched under this key. */
  watch(key: string, spec: EndpointSpec): void {
    this.forget(key);
    const entry: Entry = {
      key,
      spec,
      state: 'idle',
      failures: 0,
      resolvedAt: undefined,
      last: undefined,
      retry: undefined,
    };
    this.#entries.set(key, entry);
    this.#enqueue(entry);
  }

  /** Call when the path to a peer is stale. */
  refresh(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.retry !== undefined) return; // a failing name has its own pace
    const { resolvedAt } = entry;
    if (resolvedAt !== undefined && this.#options.now() - resolvedAt < refreshAfter) return;
    this.#enqueue(entry);
  }

  forget(key: string): void {
    this.#entries.get(key)?.retry?.close();
    this.#entries.delete(key);
  }

  /** Forgets every name. A look-up under way ends without effect. */
  clear(): void {
    for (const key of [...this.#entries.keys()]) this.forget(key);
    this.#queue.length = 0;
  }

  #enqueue(entry: Entry): void {
    if (entry.state !== 'idle') return;
    entry.state = 'queued';
    this.#queue.push(entry);
    this.#runNext();
  }

  #runNext(): void {
    while (this.#running < atOnce) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      if (this.#entries.get(entry.key) !== entry) continue; // forgotten meanwhile
      this.#running += 1;
      entry.state = 'running';
      this.#run(entry).finally(() => {
        this.#running -= 1;
        entry.state = 'idle';
        this.#runNext();
      });
    }
  }

  async #run(entry: Entry): Promise<void> {
    const addresses = await this.#addresses(entry.spec.host);
    if (this.#entries.get(entry.key) !== entry) return;
    const chosen = nextAfter(addresses, entry.last);
    if (chosen === undefined) return this.#failed(entry);
    entry.failures = 0;
    entry.resolvedAt = this.#options.now();
    entry.last = chosen.ip;
    this.#options.onResolved(entry.key, endpoint(chosen.ip, entry.spec.port, chosen.scope));
  }

  async #addresses(host: string): Promise<Address[]> {
    try {
      return (await this.#options.lookup(host)).map(parseScoped).filter((each) => each !== undefined);
    } catch {
      return []; // ENOTFOUND, EAI_AGAIN, or a resolver that is away: tried again
    }
  }

  #failed(entry: Entry): void {
    const delay = retryAfter[Math.min(entry.failures, retryAfter.length - 1)] ?? 0;
    entry.failures += 1;
    entry.retry = this.#options.schedule(() => {
      entry.retry = undefined;
      this.#enqueue(entry);
    }, delay);
    this.#options.onUnresolved(entry.key, entry.spec.host);
  }
}

interface Address {
  readonly ip: Uint8Array;
  readonly scope: number;
}

/** The address behind `last` in the list, around its end; the first when `last` is not in it. */
function nextAfter(addresses: readonly Address[], last: Uint8Array | undefined): Address | undefined {
  const position = last === undefined ? -1 : addresses.findIndex(({ ip }) => sameBytes(ip, last));
  return addresses[(position + 1) % addresses.length];
}

function unreferencedTimer(run: () => void, delay: number): { close(): void } {
  const timer = setTimeout(run, delay).unref();
  return { close: () => clearTimeout(timer) };
}
