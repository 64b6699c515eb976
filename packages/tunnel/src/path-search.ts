/**
 * Finds by probes what the path to a peer takes (RFC 8899), so that a narrower link further on (PPPoE, LTE, a tunnel in a tunnel) is no
 * hole into which long packets fall. Messages by ICMP play no part: anybody can forge them. Sans-IO: the owner sends, and asks when
 * `nextDeadline` has come.
 *
 * The tunnel's whole MTU is taken for granted until a search has shown otherwise (docs/adr/0011). One probe of that length settles
 * nearly every path at once. Where it stays without an answer the least is tried, and only when that got through the steps between, together
 * and three times: an address where nobody answers, to which a peer's packet may have been made to come from, is sent little.
 */
import {
  type Endpoint,
  endpointKey,
  type Instant,
  ipKey,
  later,
  lengths,
  millis,
  type PeerId,
} from '@pqtun/core';

/** What every path must take: the smallest MTU of IPv6, less outer IP and UDP headers. */
export const smallestMtu = 1280;

/** Outer IP and UDP headers around a UDP payload to this place, in bytes. */
export function headersTo({ ip }: Pick<Endpoint, 'ip'>): number {
  return ip.length === 4 ? 28 : 48;
}

/** Outer packets that links are known to take: IPv6's least, tunnels in tunnels and LTE, PPPoE, Ethernet, and larger frames. */
const steps: readonly number[] = [smallestMtu, 1400, 1420, 1440, 1452, 1480, 1492, 1500, 2048, 4096, 8192];
/** How long answers are waited for, after each time probes were sent. They may come later than that. */
const waits = [500, 500, 1_000, 1_000, 1_000].map(millis);
/** A peer that moves from address to address is followed when it has stayed: whoever re-sends its packets can make it seem to move. */
const stayFor = millis(500);
/** RFC 8899's PMTU_RAISE_TIMER: paths change without a word. */
const restBetween = millis(600_000);
/** Bytes sent meanwhile that make it worth the while: more than keepalives and rekeys come to. */
const worthIt = 16 * 1024;
/** When not one probe was answered, which says nothing about lengths. */
const restAfterSilence = millis(60_000);

/** Of a path, in bytes. */
export interface FoundPath {
  /** The longest outer packet that got through. */
  readonly mtu: number;
  /** The longest UDP payload that may be sent; `undefined`: whatever the tunnel's MTU allows. */
  readonly limit: number | undefined;
}

export interface PathSearchParts {
  /** The tunnel's. */
  readonly mtu: () => number;
  /** MTU of our own route to an address, as far as the system tells. */
  readonly routeMtu: (ip: Uint8Array) => number | undefined;
  /** Sends a probe with a payload of `length` B, a multiple of 16; its token, or `undefined` without a session. */
  readonly send: (peer: PeerId, length: number) => Uint8Array | undefined;
  /** To the peer so far: a path nobody uses is not searched again. */
  readonly bytesSent: (peer: PeerId) => number;
  readonly onFound: (peer: PeerId, found: FoundPath) => void;
}

interface Search {
  readonly peer: PeerId;
  readonly endpoint: Endpoint;
  /** Payloads to be tried, the longest first. */
  readonly lengths: readonly number[];
  /** The longest that was answered. */
  best: number;
  /** How often probes were sent; at rest once all `waits` are over or the longest was answered. */
  round: number;
  dueAt: Instant;
  atRest: boolean;
  bytesAtRest: number;
}

export class PathSearch {
  readonly #parts: PathSearchParts;
  readonly #searches = new Map<PeerId, Search>();
  /** Probes on their way, by token. */
  readonly #probes = new Map<string, { readonly search: Search; readonly length: number }>();

  constructor(parts: PathSearchParts) {
    this.#parts = parts;
  }

  /** Call when a session with a hybrid peer stands, and when it is found elsewhere. One that was searched there is let rest. */
  begin(now: Instant, peer: PeerId, endpoint: Endpoint): void {
    const known = this.#searches.get(peer);
    if (known === undefined) this.#start(now, peer, endpoint);
    else if (endpointKey(known.endpoint) !== endpointKey(endpoint))
      this.#plan(later(now, stayFor), peer, endpoint);
  }

  /** Call when routes changed: what was found holds no more. */
  restart(now: Instant): void {
    for (const { peer, endpoint } of [...this.#searches.values()]) this.#start(now, peer, endpoint);
  }

  /** Call with every answer; those to others' probes are let pass. */
  onPong(now: Instant, token: Uint8Array): void {
    const probe = this.#probes.get(ipKey(token));
    if (probe === undefined) return;
    this.#probes.delete(ipKey(token));
    const { search, length } = probe;
    search.best = Math.max(search.best, length);
    if (search.best === search.lengths[0]) this.#finish(now, search);
  }

  /** When `onTimeout` is wanted at the latest. */
  nextDeadline(): Instant | undefined {
    let next: Instant | undefined;
    for (const { dueAt } of this.#searches.values()) if (next === undefined || dueAt < next) next = dueAt;
    return next;
  }

  onTimeout(now: Instant): void {
    for (const search of [...this.#searches.values()]) {
      if (search.dueAt > now) continue;
      if (search.atRest) this.#wake(now, search);
      else if (search.round < waits.length) this.#probe(now, search);
      else this.#finish(now, search);
    }
  }

  forget(peer: PeerId): void {
    const search = this.#searches.get(peer);
    if (search === undefined) return;
    this.#searches.delete(peer);
    this.#forgetProbes(search);
  }

  clear(): void {
    this.#searches.clear();
    this.#probes.clear();
  }

  #start(now: Instant, peer: PeerId, endpoint: Endpoint): void {
    const search = this.#plan(now, peer, endpoint);
    if (search !== undefined) this.#probe(now, search);
  }

  /** In place of the search there is. `undefined`: no packet of this tunnel is longer than what every path takes. */
  #plan(dueAt: Instant, peer: PeerId, endpoint: Endpoint): Search | undefined {
    this.forget(peer);
    const lengths = lengthsFor(this.#parts.mtu(), endpoint, this.#parts.routeMtu(endpoint.ip));
    if (lengths.length === 0) return undefined;
    const search: Search = {
      ...{ peer, endpoint, lengths, dueAt },
      ...{ best: 0, round: 0, atRest: false, bytesAtRest: 0 },
    };
    this.#searches.set(peer, search);
    return search;
  }

  /** The longest alone; then the least alone until anything was answered; then all that are longer than what was. */
  #probe(now: Instant, search: Search): void {
    const { peer, lengths, best, round } = search;
    const untilAnswered = round === 0 ? lengths.slice(0, 1) : lengths.slice(-1);
    const tried = best === 0 ? untilAnswered : lengths.filter((length) => length > best);
    for (const length of tried) {
      const token = this.#parts.send(peer, length);
      if (token !== undefined) this.#probes.set(ipKey(token), { search, length });
    }
    search.dueAt = later(now, waits[round] ?? restBetween);
    search.round += 1;
  }

  #finish(now: Instant, search: Search): void {
    const { peer, endpoint, best } = search;
    this.#forgetProbes(search);
    search.atRest = true;
    search.dueAt = later(now, best === 0 ? restAfterSilence : restBetween);
    search.bytesAtRest = this.#parts.bytesSent(peer);
    if (best === 0) return;
    const payload = best + lengths.keepaliveLength;
    this.#parts.onFound(peer, {
      mtu: payload + headersTo(endpoint),
      limit: best >= this.#parts.mtu() ? undefined : payload,
    });
  }

  #wake(now: Instant, search: Search): void {
    const sent = this.#parts.bytesSent(search.peer) - search.bytesAtRest;
    if (search.best === 0 || sent > worthIt) this.#start(now, search.peer, search.endpoint);
    else search.dueAt = later(now, restBetween);
  }

  #forgetProbes(search: Search): void {
    for (const [key, probe] of this.#probes) if (probe.search === search) this.#probes.delete(key);
  }
}

/**
 * Payloads of probes worth sending, the longest first: as long as the longest packet of a tunnel of this MTU, or what our own route
 * takes, and the steps below. A probe is a multiple of 16 B (protocol.md §3.5), so up to 15 B of a path may stay unused.
 */
function lengthsFor(mtu: number, to: Endpoint, routeMtu = Number.POSITIVE_INFINITY): number[] {
  const lengthWithin = (outer: number): number =>
    Math.floor((outer - headersTo(to) - lengths.keepaliveLength) / 16) * 16;
  const least = lengthWithin(smallestMtu);
  const most = Math.min(Math.ceil(mtu / 16) * 16, lengthWithin(routeMtu));
  if (most <= least) return [];
  const below = steps.map(lengthWithin).filter((length) => length < most);
  return [...new Set([most, ...below])].sort((a, b) => b - a);
}
