/** Begins handshakes with many peers, 50 a second, so that a hub that comes back floods neither itself nor its uplink. */
const pace = 20;

export class StartQueue {
  readonly #begin: (key: string) => void;
  readonly #keys = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(begin: (key: string) => void) {
    this.#begin = begin;
  }

  add(key: string): void {
    this.#keys.add(key);
    this.#timer ??= setInterval(() => this.#next(), pace).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#keys.clear();
  }

  #next(): void {
    const [key] = this.#keys;
    if (key === undefined) return this.close();
    this.#keys.delete(key);
    this.#begin(key);
  }
}
