/** What the network between the hosts does: conditions for all or for one pair, cuts, and datagrams held back for later. */
import { endpointKey } from '@pqtun/core';
import {
  type Conditions,
  type Datagram,
  goodNetwork,
  type Host,
  type Random,
  type World,
} from '../kit/index.ts';

export class Network {
  readonly #world: World;
  readonly #random: Random;
  /** Pairs that hear nothing of each other, by `#pair`. */
  readonly #cuts = new Set<string>();
  /** One way only: `from>to`. */
  readonly #oneWayCuts = new Set<string>();
  readonly #conditions = new Map<string, Conditions>();
  /** While it says so, a datagram is kept out of the network. */
  holdsBack: ((datagram: Datagram) => boolean) | undefined;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    world.interceptor = (datagram) => (this.#swallows(datagram) ? [] : undefined);
    world.conditionsOf = (datagram) => this.#conditionsOf(datagram);
  }

  setAll(conditions: Partial<Conditions>): void {
    this.#world.conditions = { ...goodNetwork, ...conditions };
    this.#conditions.clear();
  }

  setPair(a: Host, b: Host, conditions: Partial<Conditions>): void {
    this.#conditions.set(pairKey(a, b), { ...goodNetwork, ...conditions });
  }

  cut(a: Host, b: Host, oneWay: boolean): void {
    if (oneWay) this.#oneWayCuts.add(`${a.name}>${b.name}`);
    else this.#cuts.add(pairKey(a, b));
  }

  mend(): void {
    this.#cuts.clear();
    this.#oneWayCuts.clear();
  }

  /** Everything works from now on, and what is under way is lost. */
  heal(): void {
    this.mend();
    this.setAll({});
    this.holdsBack = undefined;
    this.#world.clearInFlight();
  }

  /** Conditions as the worst of all sorts. */
  worst(): Partial<Conditions> {
    const random = this.#random;
    return {
      loss: random.fraction() * 0.4,
      jitter: random.between(1, 3000),
      duplicate: random.fraction() * 0.5,
      corrupt: random.fraction() * 0.2,
    };
  }

  #swallows(datagram: Datagram): boolean {
    if (this.holdsBack?.(datagram) === true) return true;
    if (this.#cuts.size + this.#oneWayCuts.size === 0) return false;
    const { sender, receiver } = this.#between(datagram);
    if (sender === undefined || receiver === undefined) return false;
    return (
      this.#cuts.has(pairKey(sender, receiver)) || this.#oneWayCuts.has(`${sender.name}>${receiver.name}`)
    );
  }

  #conditionsOf(datagram: Datagram): Conditions | undefined {
    if (this.#conditions.size === 0) return undefined;
    const { sender, receiver } = this.#between(datagram);
    if (sender === undefined || receiver === undefined) return undefined;
    return this.#conditions.get(pairKey(sender, receiver));
  }

  #between({ from, to }: Datagram): { sender: Host | undefined; receiver: Host | undefined } {
    const [source, target] = [endpointKey(from), endpointKey(to)];
    const find = (key: string): Host | undefined =>
      this.#world.hosts.find(({ addressKey }) => addressKey === key);
    return { sender: find(source), receiver: find(target) };
  }
}

function pairKey(a: Host, b: Host): string {
  return a.name < b.name ? `${a.name}|${b.name}` : `${b.name}|${a.name}`;
}
