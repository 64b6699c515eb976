/** Made-up histories of two hosts for the model to judge: no engine is in them, so a test can let anything happen. */

import { Model } from './model.ts';
import type { Input, Observation, PeerFacts, View } from './observation.ts';

/** Where `a` and `b` are. */
export const places = { a: '192.0.2.1:1', b: '192.0.2.2:2' } as const;
export type Name = keyof typeof places;

const plainView: View = {
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

export class Tale {
  readonly model = new Model();
  at = 0;
  #keys = 1;
  readonly #endpoints: Record<Name, View['endpoints']> = { a: new Map(), b: new Map() };

  constructor() {
    for (const host of ['a', 'b'] as const) {
      this.see({ kind: 'boot', host });
      this.peer(host, {});
    }
  }

  see(observation: Untimed): void {
    this.model.see({ ...observation, at: this.at } as Observation); // all kinds have `at`
  }

  /** Configures the other as peer 1. */
  peer(host: Name, facts: Partial<PeerFacts>): void {
    const remote = host === 'a' ? 'b' : 'a';
    const allowed = [host === 'a' ? '10.0.2.0/24' : '10.0.1.0/24'];
    const base = { peer: 1, remote, kind: 'hybrid', profile: 'standard', psk: 'none', allowed } as const;
    this.see({ kind: 'peer', host, peer: { ...base, keepalive: undefined, ...facts } });
  }

  /** One input and what comes of it; the view shows nothing but what is given, and the endpoints last given. */
  input(host: Name, input: Input, then: () => void = () => undefined, view: Partial<View> = {}): void {
    this.see({ kind: 'input', host, input });
    then();
    this.#endpoints[host] = view.endpoints ?? this.#endpoints[host];
    this.see({ kind: 'done', host, view: { ...plainView, ...view, endpoints: this.#endpoints[host] } });
  }

  arrives(host: Name, bytes: Uint8Array, then?: () => void, view?: Partial<View>, from?: string): void {
    const other = host === 'a' ? 'b' : 'a';
    this.input(host, { kind: 'datagram', from: from ?? places[other], bytes }, then, view);
  }

  sends(host: Name, bytes: Uint8Array, to?: string): void {
    this.see({ kind: 'sent', host, to: to ?? places[host === 'a' ? 'b' : 'a'], bytes });
  }

  /** Sets up a sending and a receiving key; their numbers. */
  keys(host: Name, send: string, receive: string): [number, number] {
    const made = [this.#keys++, this.#keys++] as const;
    this.see({ kind: 'key', host, key: made[0], print: send });
    this.see({ kind: 'key', host, key: made[1], print: receive });
    return [...made];
  }

  /** A whole handshake from `a` to `b`, every step as it should be but for what is replaced; all keys. */
  shake(
    replaced: {
      readonly initiation?: Uint8Array[];
      readonly receiveAtA?: string;
      readonly skip?: number;
    } = {},
  ): Keys {
    const initiation = replaced.initiation ?? initiationOf(7);
    this.input('a', { kind: 'timeout' }, () => {
      for (const part of initiation) this.sends('a', part);
    });
    let atB: [number, number] = [0, 0];
    const response = responseOf(8, 7);
    const arriving = initiation.filter((_, i) => i !== replaced.skip);
    for (const part of arriving) {
      this.arrives('b', part, () => {
        if (part !== arriving.at(-1)) return;
        atB = this.keys('b', 'to a', 'to b');
        for (const answer of response) this.sends('b', answer);
      });
    }
    let atA: [number, number] = [0, 0];
    for (const part of response) {
      this.arrives('a', part, () => {
        if (part === response[1]) atA = this.keys('a', 'to b', replaced.receiveAtA ?? 'to a');
      });
    }
    return { a: { send: atA[0], receive: atA[1] }, b: { send: atB[0], receive: atB[1] } };
  }

  /** `a` seals `payload` under `counter`, and the datagram leaves; it is returned. */
  seals(keys: Keys, counter: number, payload: Uint8Array): Uint8Array {
    const bytes = transportOf(8, counter);
    this.input('a', { kind: 'packet', bytes: payload }, () => {
      this.see({ kind: 'sealed', host: 'a', key: keys.a.send, counter, plaintext: padded(payload) });
      this.sends('a', bytes);
    });
    return bytes;
  }

  /** `b` opens it and delivers `payload`. */
  opens(
    keys: Keys,
    counter: number,
    bytes: Uint8Array,
    payload: Uint8Array | undefined,
    view: Partial<View> = {},
    from?: string,
  ): void {
    this.arrives(
      'b',
      bytes,
      () => {
        this.see({ kind: 'opened', host: 'b', key: keys.b.receive, counter });
        if (payload !== undefined) this.see({ kind: 'delivered', host: 'b', peer: 1, bytes: payload });
      },
      view,
      from,
    );
  }

  get labels(): string[] {
    return [...new Set(this.model.violations.map(({ label }) => label))];
  }
}

export interface Keys {
  readonly a: { readonly send: number; readonly receive: number };
  readonly b: { readonly send: number; readonly receive: number };
}

type Untimed = Observation extends infer Kind ? (Kind extends Observation ? Omit<Kind, 'at'> : never) : never;

/** A packet from 10.0.1.1, all of its own by `number`. */
export function packet(number: number, source = [10, 0, 1, 1]): Uint8Array {
  const bytes = new Uint8Array(40);
  bytes.set([0x45, 0, 0, 40]);
  bytes.set(source, 12);
  bytes.set([10, 0, 2, 1], 16);
  bytes[39] = number;
  return bytes;
}

export function initiationOf(sender: number): Uint8Array[] {
  return [0, 1].map((fragment) => {
    const bytes = new Uint8Array(1230).fill(sender, 8);
    bytes.set([0x11, 1, fragment, 2, sender, 0, 0, 0]);
    return bytes;
  });
}

export function responseOf(sender: number, receiver: number): Uint8Array[] {
  return [0, 1].map((fragment) => {
    const bytes = new Uint8Array(1156).fill(sender, 12);
    bytes.set([0x12, 1, fragment, 2, sender, 0, 0, 0, receiver, 0, 0, 0]);
    return bytes;
  });
}

export function transportOf(receiver: number, counter: number): Uint8Array {
  const bytes = new Uint8Array(80).fill(counter & 0xff, 16);
  bytes.set([4, 0, 0, 0, receiver, 0, 0, 0]);
  new DataView(bytes.buffer).setBigUint64(8, BigInt(counter), true);
  return bytes;
}

/** To a multiple of 16 B. */
function padded(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(payload.length / 16) * 16);
  bytes.set(payload);
  return bytes;
}
