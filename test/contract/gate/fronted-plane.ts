/** A portable plane that heeds `setGate`: what is no transport message passes a gate first, or none, and goes up with its verdict. */
import {
  type Drop,
  type Endpoint,
  type GateSettings,
  type GateVerdict,
  type Instant,
  type LocalAddress,
  type PlaneMessage,
  PortablePlane,
  type PortablePlaneOptions,
} from '@pqtun/core';
import type { FrontGate } from './twin-gate.ts';

export class FrontedPlane extends PortablePlane {
  /** The last ones. */
  settings: GateSettings | undefined;
  readonly #front: FrontGate | undefined;
  #messages: PlaneMessage[] = [];
  #dropped: Drop[] = [];
  #cookieReplies = 0;

  /** Without `front` it leaves all to the engine, but is told what a gate would be. */
  constructor(options: PortablePlaneOptions, front?: FrontGate) {
    super(options);
    this.#front = front;
  }

  setGate(settings: GateSettings): void {
    this.settings = { ...settings, expectedIndices: new Set(settings.expectedIndices) };
    this.#front?.set(settings);
  }

  /** One datagram that is no transport message; the caller's. */
  handleStranger(
    now: Instant,
    from: Endpoint,
    localAddress: LocalAddress | undefined,
    bytes: Uint8Array,
  ): void {
    const decision = this.#front?.decide(now, from, bytes) ?? ({ kind: 'unchecked' } as const);
    if (decision.kind === 'unchecked' || decision.kind === 'passed') {
      const verdict: GateVerdict = decision;
      this.#messages.push({ kind: 'handshake', from, localAddress, bytes: bytes.slice(), verdict });
      return;
    }
    this.#dropped.push(decision.reason);
    if (decision.kind === 'dropped') return;
    this.#cookieReplies += 1;
    this.sendDatagrams([{ to: from, localAddress, bytes: decision.reply }]);
  }

  override takeReports() {
    const reports = super.takeReports();
    const drops = new Map(reports.drops);
    for (const reason of this.#dropped) drops.set(reason, (drops.get(reason) ?? 0) + 1);
    const messages = [...reports.messages, ...this.#messages];
    const taken = { ...reports, messages, drops, cookieReplies: this.#cookieReplies };
    this.#messages = [];
    this.#dropped = [];
    this.#cookieReplies = 0;
    return taken;
  }
}
