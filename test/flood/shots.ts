/** What an attacker fires, as `traffic.c` reads it: payloads, and who seems to send which. */
import { writeFileSync } from 'node:fs';

/** Where a datagram claims to come from. `ip` is 4 B or 16 B. */
export interface Source {
  readonly ip: Uint8Array;
  readonly port: number;
}

export interface Shots {
  readonly payloads: readonly Uint8Array[];
  /** Fired in this order, then again from the first on. `payload` is a position in `payloads`. */
  readonly shots: readonly { readonly from: Source; readonly payload: number }[];
}

const magic = 'PQSH';
const shotSize = 24;

/** The file form: `PQSH`, LE32 payloads, LE32 shots; payloads as LE16 length ‖ bytes; shots as in `traffic.c`, 24 B each. */
export function encodeShots({ payloads, shots }: Shots): Uint8Array {
  const size = 12 + payloads.reduce((sum, { length }) => sum + 2 + length, 0) + shots.length * shotSize;
  const file = Buffer.alloc(size);
  file.write(magic, 'latin1');
  file.writeUInt32LE(payloads.length, 4);
  file.writeUInt32LE(shots.length, 8);
  let at = 12;
  for (const payload of payloads) {
    at = file.writeUInt16LE(payload.length, at);
    file.set(payload, at);
    at += payload.length;
  }
  for (const { from, payload } of shots) {
    file[at] = from.ip.length === 4 ? 4 : 6;
    file.writeUInt16LE(from.port, at + 2);
    file.writeUInt32LE(payload, at + 4);
    file.set(from.ip, at + 8);
    at += shotSize;
  }
  return file;
}

export function writeShots(path: string, shots: Shots): void {
  writeFileSync(path, encodeShots(shots));
}

/** A datagram that `traffic.c` kept: of a cookie farmer's answers, or of initiations seen on a cable. */
export interface Kept {
  readonly peer: Source;
  readonly bytes: Uint8Array;
}

/** Reads family(1) 0(1) LE16 port, LE16 length, address(16), bytes, again and again; what is cut short at the end is left out. */
export function decodeKept(file: Uint8Array): Kept[] {
  const from = Buffer.from(file.buffer, file.byteOffset, file.length);
  const kept: Kept[] = [];
  for (let at = 0; at + 22 <= file.length; ) {
    const length = from.readUInt16LE(at + 4);
    const end = at + 22 + length;
    if (end > file.length) break;
    const ip = file.slice(at + 6, at + 6 + (file[at] === 4 ? 4 : 16));
    kept.push({ peer: { ip, port: from.readUInt16LE(at + 2) }, bytes: file.slice(at + 22, end) });
    at = end;
  }
  return kept;
}
