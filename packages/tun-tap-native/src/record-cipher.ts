/** The AEAD engines of the data plane by themselves: ChaCha20-Poly1305 over batches of records, without a tunnel around them. */
import { checkArray, checkBytes, checkInteger, checkObject, checkOneOf, outOfRange } from './arguments.ts';
import { loadBinding, type NativeHandle } from './binding.ts';
import type { AeadName } from './data-plane.ts';

export type RecordCipherHandle = NativeHandle<'record-cipher'>;

/** What native/aead_edge.cc exports. */
export interface AeadBinding {
  openRecordCipher(engine: string, key: Uint8Array): RecordCipherHandle;
  sealRecords(
    cipher: RecordCipherHandle,
    memory: Uint8Array,
    places: Uint8Array,
    verdicts: Uint8Array,
  ): number;
  openRecords(
    cipher: RecordCipherHandle,
    memory: Uint8Array,
    places: Uint8Array,
    verdicts: Uint8Array,
  ): number;
  closeRecordCipher(cipher: RecordCipherHandle): void;
  readonly aeadIsSlowed: boolean;
}

/** Bytes of a tag, which stands right behind each record's text. */
export const recordTagSize = 16;
/** Records a call at most: `kMostRecords` of native/aead_edge.cc. */
export const mostRecords = 4096;
const engines = ['auto', 'evp', 'raw', 'multibuffer'] as const satisfies readonly ('auto' | AeadName)[];
const largestCounter = 2n ** 64n - 1n;

/** A record in a batch: `length` B of text at `offset` of the memory, and 16 B for the tag behind it. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
  /** The nonce is 4 zero bytes ‖ LE64(counter). */
  readonly counter: bigint;
}

/** One key for many records. */
export interface RecordCipher extends Disposable {
  /**
   * Seals the records at `places` (of `recordPlaces`) where they lie in `memory`, and writes 1 to each one's byte of `verdicts`, or 0 where
   * libcrypto failed, which leaves zeros. Returns how many are good. The caller never gives a counter twice under one key.
   */
  seal(memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  /** Opens them, and returns how many verified. Where a verdict is 0 the text is what came in or zeros, never anything decrypted. */
  open(memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  /** Wipes the key. May be repeated; `seal` and `open` throw from then on. */
  close(): void;
}

/**
 * Sets up a key (32 B, copied, the caller's to wipe) for an engine. `auto` is the fastest that is there; `testAeads` says which are. Throws
 * `ERR_AEAD_UNAVAILABLE` with the reason where this one is not.
 */
export function openRecordCipher(engine: 'auto' | AeadName, key: Uint8Array): RecordCipher {
  const name = checkOneOf('engine', engine, engines);
  return new OpenedRecordCipher(loadBinding().openRecordCipher(name, checkBytes('key', key, [32])));
}

/** Places as `seal` and `open` read them, written once for many calls: ascending, without overlap; at most 4096. */
export function recordPlaces(places: readonly RecordPlace[]): Uint8Array {
  checkArray('places', places);
  checkInteger('places.length', places.length, 0, mostRecords);
  const view = new DataView(new ArrayBuffer(places.length * 16));
  for (const [i, place] of places.entries()) {
    checkObject(`places[${i}]`, place);
    const { offset, length, counter } = place;
    view.setUint32(i * 16, checkInteger(`places[${i}].offset`, offset, 0, 0xffffffff), isLittleEndian);
    view.setUint32(i * 16 + 4, checkInteger(`places[${i}].length`, length, 0, 0xffffffff), isLittleEndian);
    if (typeof counter !== 'bigint' || counter < 0n || counter > largestCounter)
      throw outOfRange(`places[${i}].counter`, 'a bigint from 0 to 2^64 − 1', counter);
    view.setBigUint64(i * 16 + 8, counter, isLittleEndian);
  }
  return new Uint8Array(view.buffer);
}

/** Whether this addon was built to be slow, with `build.mjs --slow-aead`: then nothing measured with it is worth anything. */
export function isSlowedBuild(): boolean {
  return loadBinding().aeadIsSlowed;
}

/** C++ reads its own order. */
const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

class OpenedRecordCipher implements RecordCipher {
  readonly #handle: RecordCipherHandle;

  constructor(handle: RecordCipherHandle) {
    this.#handle = handle;
  }

  seal(memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number {
    return loadBinding().sealRecords(this.#handle, memory, places, verdicts);
  }

  open(memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number {
    return loadBinding().openRecords(this.#handle, memory, places, verdicts);
  }

  close(): void {
    loadBinding().closeRecordCipher(this.#handle);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
