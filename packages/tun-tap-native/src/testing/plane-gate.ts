import { encodeGateSettings, type GateSettings } from '../gate-settings.ts';
import { planeEdge } from './plane-edge.ts';

/** What native/testing/gate_edge.cc exports. */
interface GateEdge {
  create(): object;
  set(gate: object, settings: Uint8Array): boolean;
  decide(
    gate: object,
    now: number,
    ip: Uint8Array,
    port: number,
    datagram: Uint8Array,
    decision: Uint8Array,
    reply: Uint8Array,
    times: number,
  ): void;
}

const edge = planeEdge<GateEdge>('gate');
const kinds = ['dropped', 'answered', 'unchecked', 'passed'] as const;

/** `reason` is a position in core's `dropReasons`. */
export type NativeDecision =
  | { readonly kind: 'dropped'; readonly reason: number }
  | { readonly kind: 'answered'; readonly reason: number; readonly reply: Uint8Array }
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'passed'; readonly key: number; readonly proven: boolean };

export interface Source {
  readonly ip: Uint8Array;
  readonly port: number;
}

export class NativeGate {
  readonly #gate = edge.create();
  readonly #decision = new Uint8Array(8);
  readonly #reply = new Uint8Array(64);

  set(settings: GateSettings): void {
    if (!this.setBytes(encodeGateSettings(settings))) throw new Error('settings were refused');
  }

  /** Whether they are well-formed. */
  setBytes(settings: Uint8Array): boolean {
    return edge.set(this.#gate, settings);
  }

  /** `times`: how often it comes, at one moment; the decision is the last. */
  decide(now: number, { ip, port }: Source, datagram: Uint8Array, times = 1): NativeDecision {
    this.#reply.fill(0);
    edge.decide(this.#gate, now, ip, port, datagram, this.#decision, this.#reply, times);
    const [kind = 0, reason = 0, proven = 0] = this.#decision;
    const key = new DataView(this.#decision.buffer).getUint32(4, true);
    const name = kinds[kind];
    switch (name) {
      case 'dropped':
        return { kind: name, reason };
      case 'answered':
        return { kind: name, reason, reply: this.#reply.slice() };
      case 'unchecked':
        return { kind: name };
      case 'passed':
        return { kind: name, key, proven: proven === 1 };
      default:
        throw new Error(`an unknown decision, ${kind}`);
    }
  }
}
