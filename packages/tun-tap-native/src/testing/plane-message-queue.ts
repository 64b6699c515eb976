import { planeEdge } from './plane-edge.ts';

/** What native/testing/message_queue_edge.cc exports. */
interface MessageQueueEdge {
  create(): object;
  push(queue: object, lane: number, ip: Uint8Array, port: number, key: number, bytes: Uint8Array): boolean;
  beginTurn(queue: object, most: number): void;
  next(queue: object, head: Uint8Array, bytes: Uint8Array): number;
  isEmpty(queue: object): boolean;
}

const edge = planeEdge<MessageQueueEdge>('messageQueue');
/** In the order of their turns. */
export const lanes = ['peer', 'answer', 'control', 'stranger'] as const;

export interface QueuedMessage {
  readonly lane: (typeof lanes)[number];
  readonly ip: Uint8Array;
  readonly port: number;
  /** Of the verdict, and the peer of control messages; 32-bit. */
  readonly key: number;
  readonly bytes: Uint8Array;
}

export class NativeMessageQueue {
  readonly #queue = edge.create();
  readonly #head = new Uint8Array(24);
  readonly #bytes = new Uint8Array(65_536);

  /** Whether there was room. */
  push({ lane, ip, port, key, bytes }: QueuedMessage): boolean {
    return edge.push(this.#queue, lanes.indexOf(lane), ip, port, key, bytes);
  }

  beginTurn(mostOfLane: number): void {
    edge.beginTurn(this.#queue, mostOfLane);
  }

  next(): QueuedMessage | undefined {
    const length = edge.next(this.#queue, this.#head, this.#bytes);
    if (length < 0) return undefined;
    const [lane = 0, ipSize = 0] = this.#head;
    const view = new DataView(this.#head.buffer);
    return {
      lane: lanes[lane] ?? 'stranger',
      ip: this.#head.slice(8, 8 + ipSize),
      port: view.getUint16(2, true),
      key: view.getUint32(4, true),
      bytes: this.#bytes.slice(0, length),
    };
  }

  get isEmpty(): boolean {
    return edge.isEmpty(this.#queue);
  }
}
