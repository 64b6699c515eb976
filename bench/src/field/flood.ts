/**
 * Numbered UDP datagrams as fast as they get through. The sink says beside the tunnel how far it is, and the source is never far ahead:
 * a source that only pours would take the CPU from the daemons of a small machine, for packets that end in a full queue.
 */
import { type DatagramToSend, openUdp, type Udp } from 'tun-tap-native';
import { parseIp } from './address.ts';
import { seconds } from './clock.ts';
import { DatagramCheck, numberedDatagram } from './pattern.ts';
import type { Running } from './running.ts';

/** Sent by one system call. */
const batch = 32;
/** Datagrams under way at most. A native daemon lets 64 wait in its device, and holds some more itself. */
const mostAhead = 192;
/** When nothing has come for so long, what is under way is lost. Milliseconds. */
const stallTime = 20;
const buffer = 4 * 1024 * 1024;

/** Where datagrams go, and where the sink says how far it is. */
export interface FloodPath {
  readonly address: string;
  readonly port: number;
  readonly reportTo: string;
}

export interface FloodReport {
  readonly at: number;
  readonly packets: number;
  readonly wrong: number;
  readonly repeated: number;
}

export class FloodSource implements Running<{ readonly packets: number }> {
  readonly #udp: Udp;
  readonly #reports: Udp;
  readonly #stalls: NodeJS.Timeout;
  readonly #datagrams: readonly (DatagramToSend & { readonly bytes: Buffer })[];
  #next = 0;
  /** The sink has seen the one before, or it is lost. */
  #arrived = 0;
  #heardAt = performance.now();

  constructor({ address, port, reportTo }: FloodPath, size: number) {
    const to = { ip: parseIp(address), port, scope: 0 };
    this.#datagrams = Array.from({ length: batch }, () => ({ bytes: numberedDatagram(size, 0), to }));
    this.#udp = openUdp({ family: 4, sendBuffer: buffer, batch });
    this.#reports = openUdp({ family: 4, ip: parseIp(reportTo), port });
    this.#reports.start(
      (datagrams) => {
        const last = datagrams.at(-1)?.bytes;
        if (last?.length === 4) this.#onReport(readU32(last));
      },
      (error) => {
        throw error;
      },
    );
    this.#stalls = setInterval(() => {
      if (performance.now() - this.#heardAt > stallTime) this.#onReport(this.#next);
    }, stallTime);
    this.#fill();
  }

  report(): { packets: number } {
    return { packets: this.#next };
  }

  finish(): { packets: number } {
    clearInterval(this.#stalls);
    this.#reports.close();
    this.#udp.close();
    return this.report();
  }

  #onReport(next: number): void {
    this.#heardAt = performance.now();
    this.#arrived = Math.max(this.#arrived, next);
    this.#fill();
  }

  #fill(): void {
    while (this.#next + batch - this.#arrived <= mostAhead) {
      for (const { bytes } of this.#datagrams) bytes.writeUInt32LE(this.#next++);
      this.#udp.send(this.#datagrams);
    }
  }
}

export class FloodSink implements Running<FloodReport> {
  readonly #udp: Udp;
  readonly #check: DatagramCheck;

  constructor({ port, reportTo }: FloodPath, size: number) {
    this.#check = new DatagramCheck(size);
    const report = Buffer.alloc(4);
    const reports = [{ bytes: report, to: { ip: parseIp(reportTo), port, scope: 0 } }];
    // Not bound to its inner address: its reports leave by the cable
    this.#udp = openUdp({ family: 4, port, receiveBuffer: buffer, batch: 256, longest: 2048 });
    this.#udp.start(
      (datagrams) => {
        for (const { bytes } of datagrams) this.#check.take(bytes);
        report.writeUInt32LE(this.#check.next);
        this.#udp.send(reports);
      },
      (error) => {
        throw error;
      },
    );
  }

  report(): FloodReport {
    const { packets, wrong, repeated } = this.#check;
    return { at: seconds(), packets, wrong, repeated };
  }

  finish(): FloodReport {
    this.#udp.close();
    return this.report();
  }
}

function readU32(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  return a + (b << 8) + (c << 16) + d * 2 ** 24;
}
