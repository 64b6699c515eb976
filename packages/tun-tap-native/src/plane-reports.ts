/**
 * Decodes what the native takeReports() packs into one buffer; native/plane/report_layout.h has the layout. Little-endian, nothing
 * aligned. All of the result is fresh but the bytes of messages, which are views of the buffer.
 */
import {
  type NativePlaneReports,
  type PlaneConfirmation,
  type PlaneDrop,
  type PlaneEndpoint,
  type PlaneLocalAddress,
  type PlaneMessage,
  type PlanePeerActivity,
  planeDropReasons,
} from './plane-types.ts';

/** Sizes in bytes, as native/plane/report_layout.h has them; a test holds both together. */
export const planeReportLayout = {
  header: 24,
  drop: 8,
  activity: 24,
  place: 48,
  confirmation: 68,
  retired: 4,
  message: 64,
} as const;

const flags = {
  wantsKey: 1,
  dataSent: 2,
  dataReceived: 4,
  recordSent: 8,
  anySent: 16,
  anyReceived: 32,
  roamed: 64,
  limitNear: 128,
  tooBig: 256,
} as const;

const unchecked = { kind: 'unchecked' } as const;

export function decodePlaneReports(buffer: ArrayBuffer): NativePlaneReports {
  const reader = new Reader(buffer);
  const activityCount = reader.u32();
  const messageCount = reader.u32();
  const dropCount = reader.u32();
  const more = reader.u32() !== 0;
  const cookieReplies = reader.u64();
  if (dropCount !== planeDropReasons.length)
    throw new Error('the addon counts other drops than these sources');
  const drops = new Map<PlaneDrop, number>();
  for (const reason of planeDropReasons) {
    const count = reader.u64();
    if (count > 0) drops.set(reason, count);
  }
  const activity = Array.from({ length: activityCount }, () => readActivity(reader));
  const messages = Array.from({ length: messageCount }, () => readMessage(reader));
  return { activity, messages, drops, cookieReplies, more };
}

function readActivity(reader: Reader): PlanePeerActivity {
  const peer = reader.u32();
  const set = reader.u32();
  const limitNear = reader.u32();
  const tooBig = reader.u32();
  const confirmedCount = reader.u32();
  const retiredCount = reader.u32();
  const roamed = (set & flags.roamed) !== 0 ? reader.place() : undefined;
  return {
    peer,
    wantsKey: (set & flags.wantsKey) !== 0,
    confirmed: Array.from({ length: confirmedCount }, () => readConfirmation(reader)),
    retired: Array.from({ length: retiredCount }, () => reader.u32()),
    dataSent: (set & flags.dataSent) !== 0,
    dataReceived: (set & flags.dataReceived) !== 0,
    recordSent: (set & flags.recordSent) !== 0,
    anySent: (set & flags.anySent) !== 0,
    anyReceived: (set & flags.anyReceived) !== 0,
    roamed,
    limitNear: (set & flags.limitNear) !== 0 ? limitNear : undefined,
    tooBig: (set & flags.tooBig) !== 0 ? tooBig : undefined,
  };
}

function readConfirmation(reader: Reader): PlaneConfirmation {
  const index = reader.u32();
  const became = reader.u32() !== 0 ? 'current' : 'previous';
  const timestamp = reader.bytes(12).slice();
  return { index, ...reader.place(), timestamp, became };
}

function readMessage(reader: Reader): PlaneMessage {
  const isControl = reader.u8() !== 0;
  const passed = reader.u8() !== 0;
  const proven = reader.u8() !== 0;
  reader.u8();
  const key = reader.u32();
  const peer = reader.u32();
  const length = reader.u32();
  const { endpoint: from, localAddress } = reader.place();
  const bytes = reader.bytes(length);
  if (isControl) return { kind: 'control', peer, from, localAddress, payload: bytes };
  const verdict = passed ? ({ kind: 'passed', key, proven } as const) : unchecked;
  return { kind: 'handshake', from, localAddress, bytes, verdict };
}

class Reader {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  u8(): number {
    return this.#view.getUint8(this.#skip(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#skip(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#skip(4), true);
  }

  /** Exact up to 2^53. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#skip(8), true));
  }

  /** A view. */
  bytes(length: number): Uint8Array {
    const at = this.#skip(length);
    return this.#bytes.subarray(at, at + length);
  }

  place(): { endpoint: PlaneEndpoint; localAddress: PlaneLocalAddress | undefined } {
    const ip = this.bytes(16);
    const ipSize = this.u8();
    this.u8();
    const port = this.u16();
    const scope = this.u32();
    const localIp = this.bytes(16);
    const localSize = this.u32();
    const interfaceIndex = this.u32();
    return {
      endpoint: { ip: ip.slice(0, ipSize), port, scope },
      localAddress: localSize === 0 ? undefined : { ip: localIp.slice(0, localSize), interfaceIndex },
    };
  }

  #skip(length: number): number {
    const at = this.#at;
    this.#at += length;
    return at;
  }
}
