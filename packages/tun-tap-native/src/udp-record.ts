/** Mirror of native/udp_record.h: how addresses of datagrams cross the edge, both ways. Held to it by udp-record.test.ts. */
import { checkBytes, checkInteger, checkObject, outOfRange } from './arguments.ts';
import type { DatagramToSend, ReceivedDatagram } from './types.ts';

/** Byte positions in one record. */
export const udpRecordLayout = {
  size: 60,
  offset: 0,
  length: 4,
  port: 8,
  scope: 12,
  interfaceIndex: 16,
  status: 20,
  ipLength: 24,
  localIpLength: 25,
  ip: 28,
  localIp: 44,
} as const;

const layout = udpRecordLayout;

/** An array of records over a buffer that native code fills or reads. */
export class UdpRecords {
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;

  constructor(buffer: ArrayBuffer) {
    this.bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  static withCapacity(count: number): UdpRecords {
    return new UdpRecords(new ArrayBuffer(count * layout.size));
  }

  get capacity(): number {
    return Math.floor(this.bytes.length / layout.size);
  }

  /** The datagrams of the first `count` records: `bytes` are views into `slab`, addresses copies that may be kept. */
  received(slab: ArrayBuffer, count: number): ReceivedDatagram[] {
    const datagrams: ReceivedDatagram[] = [];
    for (let index = 0; index < count; index++) datagrams.push(this.#receivedAt(slab, index * layout.size));
    return datagrams;
  }

  #receivedAt(slab: ArrayBuffer, record: number): ReceivedDatagram {
    return {
      bytes: new Uint8Array(slab, this.#word(record + layout.offset), this.#word(record + layout.length)),
      from: {
        ip: this.#copy(record + layout.ip, record + layout.ipLength),
        port: this.#word(record + layout.port),
        scope: this.#word(record + layout.scope),
      },
      localIp: this.#copy(record + layout.localIp, record + layout.localIpLength),
      interfaceIndex: this.#word(record + layout.interfaceIndex),
    };
  }

  /** Writes record `index`, or throws naming what of `datagram` (called `name`) does not fit a socket of `family`. */
  write(index: number, name: string, datagram: DatagramToSend, family: 4 | 6): void {
    checkObject(name, datagram);
    const { to, localIp, interfaceIndex } = datagram;
    checkObject(`${name}.to`, to);
    const ip = checkBytes(`${name}.to.ip`, to.ip, family === 4 ? [4] : [4, 16]);
    const record = index * layout.size;
    this.bytes.fill(0, record, record + layout.size);
    this.#setWord(record + layout.port, checkInteger(`${name}.to.port`, to.port, 0, 0xffff));
    this.#setWord(record + layout.scope, checkInteger(`${name}.to.scope`, to.scope, 0, 0xffffffff));
    this.bytes[record + layout.ipLength] = ip.length;
    this.bytes.set(ip, record + layout.ip);
    if (localIp !== undefined && localIp.length !== 0) {
      checkBytes(`${name}.localIp`, localIp, [4, 16]);
      if (localIp.length !== ip.length)
        throw outOfRange(`${name}.localIp`, 'of the family of to.ip', `${localIp.length} bytes`);
      this.bytes[record + layout.localIpLength] = localIp.length;
      this.bytes.set(localIp, record + layout.localIp);
    }
    if (interfaceIndex !== undefined) {
      this.#setWord(
        record + layout.interfaceIndex,
        checkInteger(`${name}.interfaceIndex`, interfaceIndex, 0, 0x7fffffff),
      );
    }
  }

  /** 0, or the errno that refused datagram `index`. */
  status(index: number): number {
    return this.#word(index * layout.size + layout.status);
  }

  #word(byte: number): number {
    return this.#words[byte >>> 2] ?? 0;
  }

  #setWord(byte: number, value: number): void {
    this.#words[byte >>> 2] = value;
  }

  #copy(start: number, lengthAt: number): Uint8Array {
    return this.bytes.slice(start, start + (this.bytes[lengthAt] ?? 0));
  }
}
