/**
 * The eyes of the model: makes observations of what a world's observers and the spied suites see. The state of a host is
 * compared over an input only where the input was refused or was nobody's, for that is all I5 asks about.
 */
import { type Drop, dropReasons, type EngineEvent, type PeerId } from '@pqtun/core';
import type { Datagram, Host, HostInput, Observer, World } from '../kit/index.ts';
import type { Model } from './model/model.ts';
import type { Input, Observation, View } from './model/observation.ts';
import type { Listener, SpiedSuite } from './spied-suite.ts';
import { endpointText } from './text.ts';
import type { Totals } from './totals.ts';
import type { Tracer } from './trace.ts';

interface Watched {
  readonly spied: SpiedSuite;
  /** Drop counters after the last input. */
  drops: number[];
  /** State before the input under way, and after it where that is asked for; times in it are relative to now. */
  before: string | undefined;
  state: string | undefined;
  /** After the last input that may have changed something. */
  view: View;
}

const nothing: View = {
  drops: [],
  unchanged: undefined,
  endpoints: new Map(),
  indices: 0,
  answered: 0,
  slots: 0,
  sources: 0,
  ephemerals: 0,
  stagedBytes: undefined,
};

export class Watch implements Observer {
  readonly #model: Model;
  readonly #totals: Totals;
  readonly #tracer: Tracer | undefined;
  readonly #hosts = new Map<string, Watched>();
  readonly #world: World;
  #taken = 0;

  constructor(world: World, model: Model, totals: Totals, tracer?: Tracer) {
    this.#world = world;
    this.#model = model;
    this.#totals = totals;
    this.#tracer = tracer;
  }

  /** Call for a host before its first input. */
  add(name: string, spied: SpiedSuite): void {
    this.#hosts.set(name, { spied, drops: [], state: undefined, before: undefined, view: nothing });
    this.see({ kind: 'boot', at: this.#world.now, host: name });
  }

  see(observation: Observation): void {
    this.#tracer?.see(observation, this.#model.ledger);
    this.#model.see(observation);
  }

  listener(host: string): Listener {
    return {
      onKey: (key, print) => this.see({ kind: 'key', at: this.#world.now, host, key, print }),
      onSealed: (key, counter, plaintext) =>
        this.see({ kind: 'sealed', at: this.#world.now, host, key, counter, plaintext: plaintext.slice() }),
      onOpened: (key, counter) => this.see({ kind: 'opened', at: this.#world.now, host, key, counter }),
      onWiped: (key) => this.see({ kind: 'wiped', at: this.#world.now, host, key }),
    };
  }

  /** All that a refused datagram must leave as it was: engine and plane, but for what §6 gives to strangers. */
  stateOf({ tunnel }: Host): string {
    const engine = tunnel.engine.fingerprint(this.#world.now);
    return engine.slice(0, engine.lastIndexOf('"strangers"')) + tunnel.plane.fingerprint();
  }

  onInput(host: Host, input: HostInput): void {
    const watched = this.#watched(host);
    if (input.kind === 'boot') {
      watched.spied.ephemerals.alive = 0;
      watched.drops = [];
      this.see({ kind: 'boot', at: this.#world.now, host: host.name });
    }
    this.see({ kind: 'input', at: this.#world.now, host: host.name, input: inputOf(input) });
    watched.before = this.#wantsState(host) ? this.stateOf(host) : undefined;
    watched.state = undefined;
  }

  onSent(host: Host, { to, bytes }: Datagram): void {
    this.#totals.datagrams += 1;
    this.see({ kind: 'sent', at: this.#world.now, host: host.name, to: endpointText(to), bytes });
  }

  onDelivered(host: Host, peer: PeerId, bytes: Uint8Array): void {
    this.#totals.packetsDelivered += 1;
    this.see({ kind: 'delivered', at: this.#world.now, host: host.name, peer, bytes });
  }

  onEvent(host: Host, event: EngineEvent): void {
    this.#tracer?.event(this.#world.now, host.name, event);
    if (event.kind === 'peer-established' && event.role === 'initiator') this.#totals.handshakes += 1;
  }

  onHandled(host: Host, input: HostInput): void {
    const watched = this.#watched(host);
    const drops = this.#newDrops(host, watched);
    const facts = this.#model.ledger.host(host.name).input;
    const refused = drops.length > 0 || facts?.genuine === undefined;
    if (watched.before !== undefined && refused) watched.state = this.stateOf(host);
    const unchanged = watched.state === undefined ? undefined : watched.state === watched.before;
    if (unchanged === false) this.#tracer?.difference(watched.before ?? '', watched.state ?? '');
    if (input.kind === 'datagram' && drops.length > 0) this.#totals.rejections += 1;
    const view = this.#view(host, watched, drops, unchanged);
    this.see({ kind: 'done', at: this.#world.now, host: host.name, view });
  }

  /**
   * Of every datagram but most of those that will be taken: a genuine one that comes for the first time, on an index of a live
   * session. What of these is refused all the same is refused in every fourth of them, too.
   */
  #wantsState(host: Host): boolean {
    const { input, pairs } = this.#model.ledger.host(host.name);
    if (input?.input.kind !== 'datagram') return false;
    const { seen, genuine } = input;
    if (genuine === undefined || seen?.type !== 'transport' || genuine.deliveries.length > 1) return true;
    this.#taken += 1;
    return this.#taken % 4 === 0 || ![...pairs].some(({ localIndex }) => localIndex === seen.receiver);
  }

  #view(host: Host, watched: Watched, drops: readonly Drop[], unchanged: boolean | undefined): View {
    const { engine } = host.tunnel;
    if (unchanged === true) return { ...watched.view, ...engine.sizes(), drops, unchanged };
    const endpoints = new Map<number, string | undefined>();
    for (const peer of engine.peerIds()) {
      const { endpoint } = engine.status(this.#world.now, peer);
      endpoints.set(peer, endpoint && endpointText(endpoint));
    }
    const staged = watched.state === undefined ? undefined : /"stagedBytes":(\d+)/.exec(watched.state)?.[1];
    watched.view = {
      drops,
      unchanged,
      endpoints,
      ...engine.sizes(),
      ephemerals: watched.spied.ephemerals.alive,
      stagedBytes: staged === undefined ? undefined : Number(staged),
    };
    return watched.view;
  }

  #newDrops(host: Host, watched: Watched): Drop[] {
    const { drops } = host.tunnel.engine;
    const counts = dropReasons.map((reason) => drops.of(reason));
    const before = watched.drops;
    watched.drops = counts;
    return dropReasons.filter((_, i) => (counts[i] ?? 0) > (before[i] ?? 0));
  }

  #watched({ name }: Host): Watched {
    const watched = this.#hosts.get(name);
    if (watched === undefined) throw new Error(`nobody watches ${name}`);
    return watched;
  }
}

function inputOf(input: HostInput): Input {
  if (input.kind !== 'datagram') return input;
  return { kind: 'datagram', from: endpointText(input.from), bytes: input.bytes };
}
