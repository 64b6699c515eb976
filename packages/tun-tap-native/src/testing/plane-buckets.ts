import { bytesOf, planeEdge } from './plane-edge.ts';

/** What native/testing/source_limiter_edge.cc exports. */
interface SourceLimiterEdge {
  create(proven: boolean): object;
  takeAll(
    buckets: object,
    times: Uint8Array,
    size: number,
    addresses: Uint8Array,
    verdicts: Uint8Array,
  ): number;
  sipHash(key: Uint8Array, message: Uint8Array, out: Uint8Array): void;
}

const edge = planeEdge<SourceLimiterEdge>('sourceLimiter');

/** The native buckets of one kind of source. */
export class NativeBuckets {
  readonly #buckets: object;
  #size = 0;

  constructor(kind: 'proven' | 'unproven') {
    this.#buckets = edge.create(kind === 'proven');
  }

  take(now: number, ip: Uint8Array): boolean {
    return this.takeAll([now], [ip])[0] === true;
  }

  /** Addresses of one size, one after the other. */
  takeAll(times: readonly number[], addresses: readonly Uint8Array[]): boolean[] {
    const verdicts = new Uint8Array(times.length);
    this.#size = edge.takeAll(
      this.#buckets,
      bytesOf(Float64Array.from(times)),
      addresses[0]?.length ?? 4,
      Uint8Array.from(Buffer.concat(addresses)),
      verdicts,
    );
    return Array.from(verdicts, (verdict) => verdict === 1);
  }

  /** Buckets in the table, as of the last take. */
  get size(): number {
    return this.#size;
  }
}

/** SipHash-2-4 of 16 B. */
export function sipHash(key: Uint8Array, message: Uint8Array): Uint8Array {
  const out = new Uint8Array(8);
  edge.sipHash(key, message, out);
  return out;
}
