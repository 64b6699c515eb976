/** Packets that can be told apart, both ways, until a condition holds. */
import { readFileSync } from 'node:fs';
import { innerPacket } from '../test/kit/packets.ts';
import type { InteropPeer } from './peers/peer.ts';

interface Side {
  readonly peer: InteropPeer;
  readonly inner: string;
  /** What it has sent, as hex, and whether it has arrived. */
  readonly sent: Map<string, boolean>;
}

/** Each side sends `burst` packets one right after the other, then none for `pause` milliseconds. */
export interface Pace {
  readonly burst: number;
  readonly pause: number;
}

/** So that a network has something to put out of order. */
export const bursts: Pace = { burst: 3, pause: 25 };
/** So that a busy machine loses nothing of it. */
export const steady: Pace = { burst: 1, pause: 50 };

export class Traffic {
  readonly #initiator: Side;
  readonly #responder: Side;
  readonly #pace: Pace;
  sent = 0;
  arrived = 0;

  constructor(initiator: InteropPeer, responder: InteropPeer, pace: Pace) {
    this.#pace = pace;
    this.#initiator = { peer: initiator, inner: '10.0.0.1', sent: new Map() };
    this.#responder = { peer: responder, inner: '10.0.0.2', sent: new Map() };
  }

  /** Sends each way at the pace, the responder from its first session on; throws after `seconds`. */
  async run(seconds: number, done: () => boolean): Promise<void> {
    const end = performance.now() + seconds * 1000;
    while (!done()) {
      if (performance.now() > end) throw new Error(`not within ${seconds} s: ${this.#state}`);
      for (let i = 0; i < this.#pace.burst; i++) {
        this.#send(this.#initiator, this.#responder);
        if (this.#responder.peer.sessions > 0) this.#send(this.#responder, this.#initiator);
      }
      await new Promise((resolve) => setTimeout(resolve, this.#pace.pause));
      this.#collect();
    }
  }

  /** Waits for what is under way: until all has arrived, 5 s at most. */
  async settle(): Promise<void> {
    for (let tries = 0; tries < 50 && this.missing > 0; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      this.#collect();
    }
  }

  get missing(): number {
    return this.sent - this.arrived;
  }

  /** Datagrams that the kernel threw away because one of the two programs did not get to read them in time. */
  get overflowed(): number {
    return socketDrops(this.#initiator.peer.listen) + socketDrops(this.#responder.peer.listen);
  }

  get #state(): string {
    const sessions = [this.#initiator, this.#responder].map(({ peer }) => `${peer.name} ${peer.sessions}`);
    return `${this.arrived} of ${this.sent} packets arrived; sessions: ${sessions.join(', ')}`;
  }

  #send(from: Side, to: Side): void {
    const packet = innerPacket(from.inner, to.inner, 60 + (this.sent % 7) * 100, this.sent);
    new DataView(packet.buffer).setUint32(20, this.sent);
    from.sent.set(Buffer.from(packet).toString('hex'), false);
    from.peer.send(packet);
    this.sent++;
  }

  #collect(): void {
    this.#collectAt(this.#responder, this.#initiator);
    this.#collectAt(this.#initiator, this.#responder);
  }

  /** Throws for what was not sent, byte for byte, and for what came before. */
  #collectAt({ peer }: Side, { sent }: Side): void {
    for (const packet of peer.received()) {
      const before = sent.get(packet);
      if (before === undefined)
        throw new Error(`${peer.name} received what nobody sent: ${packet.slice(0, 80)}`);
      if (before) throw new Error(`${peer.name} received a packet twice`);
      sent.set(packet, true);
      this.arrived++;
    }
  }
}

/** The last column of /proc/net/udp for the socket bound to this port. */
function socketDrops(listen: string): number {
  const port = Number(listen.split(':')[1]).toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/udp', 'utf8').split('\n');
  const fields = lines
    .map((line) => line.trim().split(/\s+/))
    .find(([, local]) => local?.endsWith(`:${port}`));
  return Number(fields?.at(-1) ?? 0);
}
