/**
 * A file that is easy to recognise on a wire: incompressible, the same every time, with a mark in every 256 B. A frame that
 * carries a piece of it in the clear carries a mark.
 */
import { createHash } from 'node:crypto';
import { Random } from '../random.ts';

export const mark = Buffer.from('pqtun-demo-plain');
const blockSize = 256;
const seedBlock = Buffer.from(new Random(20261125).bytes(64 * 1024));

/** Bytes [from, from + length) of the file; both multiples of 64 KiB. */
export function payloadPiece(from: number, length: number): Buffer {
  const piece = Buffer.alloc(length);
  for (let at = 0; at < length; at += seedBlock.length) {
    const number = (from + at) / seedBlock.length;
    for (let i = 0; i < seedBlock.length; i += 4) {
      piece.writeUInt32LE((seedBlock.readUInt32LE(i) ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0, at + i);
    }
    for (let block = 0; block < seedBlock.length; block += blockSize) mark.copy(piece, at + block);
  }
  return piece;
}

export const pieceSize = 1024 * 1024;

/** SHA-256 of the file of `size` B (a multiple of 1 MiB), in hex. */
export function payloadHash(size: number): string {
  const hash = createHash('sha256');
  for (let at = 0; at < size; at += pieceSize) hash.update(payloadPiece(at, pieceSize));
  return hash.digest('hex');
}
