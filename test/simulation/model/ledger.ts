/**
 * What has happened so far, joined: which datagrams are genuine, which keys belong to which session, what was sealed under
 * them. The rules read it and never write it.
 */
import { rejectAfterTime } from './constants.ts';
import type { Genuine, HostFacts, InputFacts, KeyFacts, Pair, Sealed } from './facts.ts';
import type { Input, Observation, PeerFacts, View } from './observation.ts';
import { contentOf, latin1, read, type Seen } from './wire.ts';

/** Drops after which the record counts as not taken: it moved neither window nor endpoint. §5.1 C1, C5, §5.4. */
const notTaken: readonly string[] = ['cannot-confirm', 'stale-confirm', 'replayed'];

const noSecrets: ReadonlyMap<string, string> = new Map();

export class Ledger {
  readonly hosts = new Map<string, HostFacts>();
  readonly keys = new Map<number, KeyFacts>();
  /** By print and counter. */
  readonly #sealed = new Map<string, Map<number, Sealed>>();
  readonly #genuine = new Map<string, Genuine>();
  readonly #forged = new Set<string>();
  /** Inner packets given to hosts, and to which. */
  readonly #given = new Map<string, string>();
  /** Fragments of the last message of one (host, boot, type, indices). Indices come again, so only sending looks here. */
  readonly #messages = new Map<string, Map<number, Genuine>>();

  host(name: string): HostFacts {
    let host = this.hosts.get(name);
    if (host === undefined) {
      host = {
        name,
        boot: 0,
        peers: new Map(),
        keys: new Set(),
        pairs: new Set(),
        established: new Set(),
        agedAt: undefined,
        input: undefined,
      };
      this.hosts.set(name, host);
    }
    return host;
  }

  sealed(print: string, counter: number): Sealed | undefined {
    return this.#sealed.get(print)?.get(counter);
  }

  genuine(bytes: Uint8Array, seen: Seen): Genuine | undefined {
    return this.#genuine.get(contentOf(bytes, seen));
  }

  /** To which host this inner packet was given. */
  givenTo(packet: Uint8Array): string | undefined {
    return this.#given.get(latin1(packet));
  }

  peerNamed(host: HostFacts, remote: string): PeerFacts | undefined {
    for (const peer of host.peers.values()) if (peer.remote === remote) return peer;
    return undefined;
  }

  /** Call after the rules have seen it. */
  note(observation: Observation): void {
    switch (observation.kind) {
      case 'boot':
        return this.#boot(this.host(observation.host));
      case 'peer':
        this.host(observation.host).peers.set(observation.peer.peer, observation.peer);
        return;
      case 'peer-gone':
        this.host(observation.host).peers.delete(observation.peer);
        return;
      case 'input':
        return this.#begin(this.host(observation.host), observation.at, observation.input);
      case 'key':
        return this.#key(this.host(observation.host), observation);
      case 'sealed':
        return this.#seal(observation);
      case 'opened':
        return this.#open(this.host(observation.host), observation);
      case 'wiped':
        return this.#wipe(observation.at, observation.key);
      case 'sent':
        return this.#send(this.host(observation.host), observation.at, observation.bytes);
      case 'forged':
        this.#forged.add(contentOf(observation.bytes, read(observation.bytes)));
        return;
      case 'done':
        return this.#done(this.host(observation.host), observation.view);
      default:
    }
  }

  #boot(host: HostFacts): void {
    host.boot += 1;
    host.peers.clear();
    host.pairs.clear();
    for (const key of host.keys) key.wiped = true; // with the memory of its process
    host.keys.clear();
  }

  #begin(host: HostFacts, at: number, input: Input): void {
    const facts = { input, made: [], opened: undefined, sent: 0 };
    if (input.kind === 'packet') this.#given.set(latin1(input.bytes), host.name);
    if (input.kind !== 'datagram') {
      host.input = { ...facts, seen: undefined, genuine: undefined, forged: false };
      return;
    }
    const seen = read(input.bytes);
    const content = contentOf(input.bytes, seen);
    const genuine = this.#genuine.get(content);
    genuine?.deliveries.push({ host, boot: host.boot, from: input.from, at });
    host.input = { ...facts, seen, genuine, forged: this.#forged.has(content) };
  }

  #key(host: HostFacts, { at, key, print }: { at: number; key: number; print: string }): void {
    const facts: KeyFacts = {
      id: key,
      print,
      host,
      boot: host.boot,
      bornAt: at,
      wiped: false,
      pair: undefined,
      taken: new Set(),
      highestTaken: -1,
    };
    this.keys.set(key, facts);
    host.keys.add(facts);
    host.input?.made.push(facts);
    const [send, receive] = host.input?.made ?? [];
    if (host.input !== undefined && send !== undefined && receive === facts)
      this.#pair(host, host.input, at, send, receive);
  }

  /** A plane sets up the sending key first, then the receiving one. */
  #pair(host: HostFacts, { seen, genuine }: InputFacts, at: number, send: KeyFacts, receive: KeyFacts): void {
    const remote = genuine?.host.name;
    const peer = remote === undefined ? undefined : this.peerNamed(host, remote);
    const pair: Pair = {
      host,
      boot: host.boot,
      role: seen?.type === 'response' ? 'initiator' : 'responder',
      remote,
      bornAt: at,
      profile: peer?.profile ?? 'standard',
      psk: peer?.psk,
      send,
      receive,
      localIndex: seen?.type === 'response' ? seen.receiver : undefined,
    };
    send.pair = pair;
    receive.pair = pair;
    host.pairs.add(pair);
    if (pair.localIndex !== undefined) host.established.add(pair.localIndex);
  }

  #seal(seal: { at: number; host: string; key: number; counter: number; plaintext: Uint8Array }): void {
    const print = this.keys.get(seal.key)?.print ?? '';
    let under = this.#sealed.get(print);
    if (under === undefined) {
      under = new Map();
      this.#sealed.set(print, under);
    }
    under.set(seal.counter, { host: this.host(seal.host), plaintext: seal.plaintext, at: seal.at });
  }

  #open(host: HostFacts, { key, counter }: { key: number; counter: number }): void {
    const facts = this.keys.get(key);
    if (facts === undefined || host.input === undefined) return;
    host.input.opened = {
      key: facts,
      counter,
      fresh: !facts.taken.has(counter),
      highest: counter > facts.highestTaken,
    };
  }

  #wipe(at: number, key: number): void {
    const facts = this.keys.get(key);
    if (facts === undefined) return;
    facts.wiped = true;
    if (at - facts.bornAt >= rejectAfterTime[facts.pair?.profile ?? 'standard']) facts.host.agedAt = at;
    facts.host.keys.delete(facts);
    const { pair } = facts;
    if (pair?.send.wiped && pair.receive.wiped) facts.host.pairs.delete(pair);
  }

  #send(host: HostFacts, at: number, bytes: Uint8Array): void {
    if (host.input !== undefined) host.input.sent += 1;
    const seen = read(bytes);
    const content = contentOf(bytes, seen);
    if (this.#genuine.has(content)) return; // a copy
    const pair = seen.type === 'response' ? host.input?.made[0]?.pair : undefined;
    if (pair !== undefined && seen.type === 'response') pair.localIndex = seen.sender;
    const psk =
      seen.type === 'initiation'
        ? new Map([...host.peers.values()].map((peer) => [peer.remote, peer.psk]))
        : noSecrets;
    const parts = this.#partsOf(host, seen);
    const genuine: Genuine = { host, boot: host.boot, seen, at, pair, psk, parts, deliveries: [] };
    if ('fragment' in seen) parts.set(seen.fragment, genuine);
    this.#genuine.set(content, genuine);
  }

  /** A fragment 0 begins a new message; all of one leave together. */
  #partsOf(host: HostFacts, seen: Seen): Map<number, Genuine> {
    const key = messageKey(host, host.boot, seen);
    const known = this.#messages.get(key);
    if (!('fragment' in seen) || (known !== undefined && seen.fragment > 0)) return known ?? new Map();
    const parts = new Map<number, Genuine>();
    this.#messages.set(key, parts);
    return parts;
  }

  #done(host: HostFacts, view: View): void {
    const opened = host.input?.opened;
    if (opened !== undefined && !view.drops.some((drop) => notTaken.includes(drop))) {
      opened.key.taken.add(opened.counter);
      opened.key.highestTaken = Math.max(opened.key.highestTaken, opened.counter);
    }
    host.input = undefined;
  }
}

function messageKey(host: HostFacts, boot: number, seen: Seen): string {
  const indices =
    seen.type === 'response' ? `${seen.sender}/${seen.receiver}` : 'sender' in seen ? seen.sender : '';
  return `${host.name} ${boot} ${seen.type} ${indices}`;
}
