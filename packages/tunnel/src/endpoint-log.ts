/**
 * Tells where peers have moved, and has it kept for the next start, once a second for each however often it moves: an
 * authenticated peer could otherwise make us write a file for each of its packets.
 */
import { type Endpoint, sameEndpoint } from '@pqtun/core';
import type { StateStore } from './api.ts';
import { Throttle } from './events.ts';

export interface EndpointLogOptions {
  readonly store: Pick<StateStore, 'saveEndpoint'> | undefined;
  readonly onRoamed: (key: string, at: Endpoint) => void;
  readonly onNotSaved: () => void;
}

interface Note {
  readonly publicKey: Uint8Array;
  readonly at: Endpoint;
  readonly moved: boolean;
}

export class EndpointLog {
  readonly #options: EndpointLogOptions;
  readonly #throttle = new Throttle(() => this.flush());
  readonly #saved = new Map<string, Endpoint>();
  #notes = new Map<string, Note>();

  constructor(options: EndpointLogOptions) {
    this.#options = options;
  }

  /** `at` has been confirmed; `moved`: it is another than before. */
  note(now: number, key: string, publicKey: Uint8Array, at: Endpoint, moved: boolean): void {
    this.#notes.set(key, { publicKey, at, moved: moved || this.#notes.get(key)?.moved === true });
    this.#throttle.poke(now);
  }

  forget(key: string): void {
    this.#notes.delete(key);
    this.#saved.delete(key);
  }

  flush(): void {
    const notes = this.#notes;
    this.#notes = new Map();
    for (const [key, { publicKey, at, moved }] of notes) {
      this.#save(key, publicKey, at);
      if (moved) this.#options.onRoamed(key, at);
    }
  }

  /** Keeps what is still to be kept. */
  close(): void {
    this.#throttle.close();
    for (const [key, { publicKey, at }] of this.#notes) this.#save(key, publicKey, at);
    this.#notes.clear();
  }

  #save(key: string, publicKey: Uint8Array, at: Endpoint): void {
    const saved = this.#saved.get(key);
    if (this.#options.store === undefined || (saved !== undefined && sameEndpoint(saved, at))) return;
    let kept = false;
    try {
      kept = this.#options.store.saveEndpoint(publicKey, { ip: at.ip, port: at.port, scope: at.scope });
    } catch {
      // a store of the caller's that throws has not kept it
    }
    if (kept) this.#saved.set(key, at);
    else this.#options.onNotSaved();
  }
}
