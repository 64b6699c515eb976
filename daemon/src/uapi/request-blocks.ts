/** Bytes as they arrive → UAPI requests: lines up to an empty one. Lines and whole requests are of bounded length. */
import { wipe } from '@pqtun/core';
import { LineBuffer } from '../control/line-buffer.ts';
import type { Framing } from '../control/local-server.ts';

/** The longest line is `kem_public_key=` and 1568 B in hexadecimal. */
export const maxLineLength = 4096;
/** Some 20,000 peers as `wg setconf` writes them, or 3,000 with their KEM keys. */
export const maxRequestLength = 8 * 1024 * 1024;

/** The lines of one request without the empty one that ends it; buffers of the receiver's, who wipes them. */
export type RequestBlock = readonly Uint8Array[];

export class RequestBlocks implements Framing<RequestBlock> {
  readonly #lines = new LineBuffer(maxLineLength);
  #block: Uint8Array[] = [];
  #length = 0;

  get pending(): boolean {
    return this.#lines.pending || this.#block.length > 0;
  }

  push(chunk: Uint8Array): RequestBlock[] | undefined {
    const lines = this.#lines.push(chunk);
    if (lines === undefined) return undefined;
    const blocks: RequestBlock[] = [];
    for (const line of lines) {
      this.#length += line.length + 1;
      this.#block.push(line);
      if (this.#length > maxRequestLength) {
        for (const block of [...blocks, lines]) wipeLines(block);
        return undefined;
      }
      if (line.length > 0) continue;
      const block = this.#release();
      if (block.length > 1) blocks.push(block.slice(0, -1)); // else an empty line between requests
    }
    return blocks;
  }

  clear(): void {
    this.#lines.clear();
    wipeLines(this.#release());
  }

  #release(): RequestBlock {
    const block = this.#block;
    this.#block = [];
    this.#length = 0;
    return block;
  }
}

/** A loop: a request may have more lines than a call may have arguments. */
export function wipeLines(lines: readonly Uint8Array[]): void {
  for (const line of lines) wipe(line);
}
