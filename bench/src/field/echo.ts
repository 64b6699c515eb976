/** Round trips: an end that answers every datagram, and one that asks at an even pace, whatever became of the question before. */
import { openUdp, type Udp, type UdpAddress } from 'tun-tap-native';
import type { Running } from './running.ts';

/**
 * Said last, and not answered. Without it the daemon beside the echo, which has sent and heard nothing since (T3), would call a daemon
 * that is meanwhile another one; and a session begun so is taken for one that crosses the next (N4).
 */
const farewell = Buffer.alloc(1);

/** How long answers may be on their way when a report is asked for: on a busy machine a daemon may wait for its turn. Milliseconds. */
const linger = 3_000;

export class Echo implements Running<undefined> {
  readonly #udp: Udp;

  constructor(ip: Uint8Array, port: number) {
    this.#udp = openUdp({ family: 4, ip, port });
    this.#udp.start(
      (datagrams) => {
        const asked = datagrams.filter(({ bytes }) => bytes.length > farewell.length);
        this.#udp.send(asked.map(({ bytes, from }) => ({ bytes, to: from })));
      },
      (error) => {
        throw error;
      },
    );
  }

  report(): undefined {
    return undefined;
  }

  finish(): undefined {
    this.#udp.close();
    return undefined;
  }
}

export interface PingReport {
  /** Since the report before. */
  readonly sent: number;
  /** Milliseconds, of those that came back. */
  readonly roundTrips: readonly number[];
}

interface Answer {
  readonly number: number;
  readonly roundTrip: number;
}

export class Pings implements Running<PingReport> {
  readonly #udp: Udp;
  readonly #sentAt = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  readonly #to: UdpAddress;
  #answers: Answer[] = [];
  #next = 0;
  /** The numbers below are in earlier reports. */
  #reported = 0;
  #onAnswer: () => void = () => undefined;

  /** A datagram of `size` B every `interval` ms. */
  constructor(ip: Uint8Array, port: number, size: number, interval: number) {
    this.#udp = openUdp({ family: 4 });
    this.#udp.start(
      (datagrams) => {
        const now = performance.now();
        for (const { bytes } of datagrams) this.#take(now, bytes);
      },
      (error) => {
        throw error;
      },
    );
    const bytes = Buffer.alloc(size);
    this.#to = { ip, port, scope: 0 };
    const datagrams = [{ bytes, to: this.#to }];
    this.#timer = setInterval(() => {
      bytes.writeUInt32LE(this.#next);
      this.#sentAt.set(this.#next, performance.now());
      this.#udp.send(datagrams); // one that the system refuses is one that is not answered
      this.#next += 1;
    }, interval);
  }

  /** Resolves with the time of the first answer, as `performance.now()` has it; rejects after `patience` ms. */
  answered(patience: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no answer through the tunnel within ${patience / 1000} s`)),
        patience,
      );
      this.#onAnswer = () => {
        clearTimeout(timer);
        resolve(performance.now());
      };
    });
  }

  async report(): Promise<PingReport> {
    const until = this.#next;
    const end = performance.now() + linger;
    const isMissing = (): boolean => [...this.#sentAt.keys()].some((number) => number < until);
    while (isMissing() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const number of [...this.#sentAt.keys()]) if (number < until) this.#sentAt.delete(number);
    const [these, later] = [[], []] as [Answer[], Answer[]];
    for (const answer of this.#answers) (answer.number < until ? these : later).push(answer);
    this.#answers = later;
    const sent = until - this.#reported;
    this.#reported = until;
    return { sent, roundTrips: these.map(({ roundTrip }) => roundTrip) };
  }

  async finish(): Promise<PingReport> {
    clearInterval(this.#timer);
    const report = await this.report();
    this.#udp.close();
    return report;
  }

  /** Ends it without a report. */
  close(): void {
    clearInterval(this.#timer);
    this.#udp.send([{ bytes: farewell, to: this.#to }]);
    this.#udp.close();
  }

  #take(now: number, bytes: Uint8Array): void {
    if (bytes.length < 4) return;
    const number = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32LE();
    const at = this.#sentAt.get(number);
    if (at === undefined) return;
    this.#sentAt.delete(number);
    this.#answers.push({ number, roundTrip: now - at });
    this.#onAnswer();
  }
}
