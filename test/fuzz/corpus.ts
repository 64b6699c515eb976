/** Inputs worth keeping, and which of them to change next. */
import type { Random } from '../kit/random.ts';
import { mapSize } from './coverage.ts';

export interface Entry {
  readonly bytes: Uint8Array;
  /** Branches it takes. */
  readonly edges: Uint16Array;
  /** Times it was chosen. */
  picks: number;
  /** How many branches it is the shortest input for. */
  best: number;
}

/** Counts of a branch fall into eight classes, a bit each; a class seen for the first time makes an input worth keeping. */
const classOf = new Uint8Array(256);
for (let count = 1; count < 256; count++) {
  const bounds = [1, 2, 3, 7, 15, 31, 127, 255]; // AFL's
  classOf[count] = 1 << bounds.findIndex((bound) => count <= bound);
}

export class Corpus {
  readonly entries: Entry[] = [];
  /** Classes seen so far, by branch. */
  readonly #seen = new Uint8Array(mapSize);
  readonly #best: (Entry | undefined)[] = [];
  #edges = 0;

  /** Branches taken by any input so far. */
  get edges(): number {
    return this.#edges;
  }

  /** Whether `map` shows something new; remembers it. `branches` is how much of the map is in use. */
  isNew(map: Uint8ClampedArray, branches: number): boolean {
    const words = new Uint32Array(map.buffer, map.byteOffset, (branches + 3) >> 2);
    let found = false;
    for (let word = 0; word < words.length; word++) {
      if (words[word] === 0) continue;
      for (let at = word * 4; at < word * 4 + 4; at++) {
        const bit = classOf[map[at] ?? 0] ?? 0;
        const seen = this.#seen[at] ?? 0;
        if ((seen & bit) === bit) continue;
        if (seen === 0) this.#edges++;
        this.#seen[at] = seen | bit;
        found = true;
      }
    }
    return found;
  }

  /** Takes an input for which `isNew` said yes; `map` is still that of its run. */
  add(bytes: Uint8Array, map: Uint8ClampedArray, branches: number): Entry {
    const edges: number[] = [];
    for (let at = 0; at < branches; at++) if (map[at] !== 0) edges.push(at);
    const entry: Entry = { bytes, edges: Uint16Array.from(edges), picks: 0, best: 0 };
    for (const edge of edges) {
      const best = this.#best[edge];
      if (best !== undefined && best.bytes.length <= bytes.length) continue;
      if (best !== undefined) best.best--;
      this.#best[edge] = entry;
      entry.best++;
    }
    this.entries.push(entry);
    return entry;
  }

  /** The entry to change next: mostly one that is the shortest for some branch, and of a few the one chosen least. */
  choose(random: Random): Entry {
    let chosen = random.pick(this.entries);
    for (let tries = 0; tries < 8; tries++) {
      const other = random.pick(this.entries);
      if (other.best > 0 === chosen.best > 0 ? other.picks < chosen.picks : other.best > 0) chosen = other;
    }
    chosen.picks++;
    return chosen;
  }

  /** As few and short inputs as take the same branches: greedy, the branches with the fewest takers first. */
  cover(): Uint8Array[] {
    const takers = new Map<number, Entry[]>();
    for (const entry of this.entries) {
      for (const edge of entry.edges) takers.set(edge, [...(takers.get(edge) ?? []), entry]);
    }
    const rarest = [...takers].sort(([, a], [, b]) => a.length - b.length);
    const covered = new Set<number>();
    const kept = new Set<Entry>();
    for (const [edge, candidates] of rarest) {
      if (covered.has(edge)) continue;
      const shortest = candidates.reduce((a, b) => (b.bytes.length < a.bytes.length ? b : a));
      kept.add(shortest);
      for (const taken of shortest.edges) covered.add(taken);
    }
    return [...kept].map(({ bytes }) => bytes);
  }
}
