/** The attacker's ammunition. He knows the hub's public key and address, and what he has recorded; he holds no secret. */
import { readFileSync } from 'node:fs';
import { nodeSuite } from '@pqtun/core/node';
import { type Addressee, addressee, Forger, mac1Of, readLe32 } from '../kit/forger.ts';
import { Random } from '../kit/random.ts';
import { attackedAt, type Field, hubPort } from './field.ts';
import { Program } from './program.ts';
import { decodeKept, type Shots, type Source, writeShots } from './shots.ts';

type Bytes = Uint8Array;
/** Who seems to send the n-th initiation. */
export type Sources = (n: number) => Source;
export interface Cookie {
  readonly holder: Source;
  /** 16 B. */
  readonly cookie: Bytes;
}

const bodyLength = 2380;
/** A cookie farmer begins so many initiations from each address: over any quota of a prefix. */
const cookieRequests = 8;

/** Addresses of their own /32 in 198.18.0.0/15, numbered. */
export const forged4: Sources = (n) => ({
  ip: Uint8Array.of(198, 18 + ((n >> 16) & 1), (n >> 8) & 255, n & 255),
  port: 1024 + (n % 60_000),
});

/** Addresses of their own /64 in 2001:db8:a000::/36, numbered. */
export const forged6: Sources = (n) => ({
  ip: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0xa0, 0, (n >> 8) & 255, n & 255, 0, 0, 0, 0, 0, 0, 0, 1),
  port: 1024 + (n % 60_000),
});

/** Half of them IPv4, half IPv6, 32 of a kind in a row, so that the kernel gets them in batches. */
export const forgedBoth: Sources = (n) => (Math.floor(n / 32) % 2 === 0 ? forged4(n) : forged6(n));

export class Arsenal {
  readonly #field: Field;
  readonly #forger = new Forger(nodeSuite());
  readonly #random: Random;
  readonly #hub: Addressee;
  #index = 1;

  constructor(field: Field, seed: number) {
    this.#field = field;
    this.#random = new Random(seed);
    this.#hub = addressee(field.hubParty.identity, 1);
  }

  /** Whatever comes to mind: any length, any first byte, and every type with something wrong. */
  garbage(count: number, from: Sources): Shots {
    const random = this.#random;
    const typed = [
      [0x11, 1230],
      [0x12, 1156],
      [0x03, 64],
      [0x04, 96],
      [0x04, 1452],
      [0x01, 148],
      [0x02, 92],
    ] as const;
    const payloads = Array.from({ length: 512 }, (_, n) => {
      const [type, length] =
        n % 2 === 0 ? [random.between(0, 255), random.between(1, 1452)] : random.pick(typed);
      const bytes = random.bytes(length);
      bytes[0] = type;
      if (type <= 4 && n % 4 !== 0) bytes.fill(0, 1, 4); // past the check of reserved bytes
      return bytes;
    });
    return {
      payloads,
      shots: Array.from({ length: count }, (_, n) => ({ from: from(n), payload: n % payloads.length })),
    };
  }

  /** Fragments of the one legal geometry, mac1 wrong. */
  wrongMac1(count: number, from: Sources): Shots {
    const { payloads, shots } = this.nonsense(count / 2, from);
    for (const payload of payloads) payload.set(this.#random.bytes(16), payload.length - 32);
    return { payloads, shots };
  }

  /** Whole initiations, mac1 right, nonsense inside. */
  nonsense(count: number, from: Sources): Shots {
    const distinct = Math.min(count, 2_000);
    const payloads = Array.from({ length: distinct }, () => this.#cutNonsense()).flat();
    const shots = Array.from({ length: count }, (_, n) =>
      [0, 1].map((half) => ({ from: from(n), payload: 2 * (n % distinct) + half })),
    ).flat();
    return { payloads, shots };
  }

  /** First halves only, each of an initiation of its own. */
  halves(count: number, from: Sources): Shots {
    const payloads = Array.from({ length: count }, () => this.#cutNonsense()[0] ?? new Uint8Array(0));
    return { payloads, shots: payloads.map((_, n) => ({ from: from(n), payload: n })) };
  }

  /** What a watch on a gateway's cable has recorded, from addresses it never came from. Throws when nothing was. */
  recorded(file: string, count: number, from: Sources): Shots {
    const seen = decodeKept(readFileSync(file)).map(({ bytes }) => bytes);
    const pairs = seen.flatMap((first) => {
      const second = seen.find(
        (other) => first[2] === 0 && other[2] === 1 && readLe32(other, 4) === readLe32(first, 4),
      );
      return second === undefined ? [] : [[first, second]];
    });
    if (pairs.length === 0) throw new Error('no initiation was recorded on the first gateway’s cable');
    const shots = Array.from({ length: count }, (_, n) =>
      [0, 1].map((half) => ({ from: from(n), payload: 2 * (n % pairs.length) + half })),
    ).flat();
    return { payloads: pairs.flat(), shots };
  }

  /** Draws a cookie at each of `count` addresses, as their true holder would; most of them within a second. */
  async farm(count: number, from: Sources): Promise<Cookie[]> {
    const holders = Array.from({ length: count }, (_, n) => from(n));
    const requests = this.halves(
      count * cookieRequests,
      (n) => holders[Math.floor(n / cookieRequests)] ?? from(n),
    );
    const answers = `${this.#field.folder}/answers`;
    const rate = 4_000;
    const farmer = await this.fire(requests, rate, 0, answers);
    await new Promise((resolve) => setTimeout(resolve, (1000 * requests.shots.length) / rate + 700));
    await farmer.end();
    const byIndex = new Map(requests.payloads.map((payload) => [readLe32(payload, 4), payload]));
    const cookies = new Map<string, Cookie>();
    for (const { peer, bytes } of decodeKept(readFileSync(answers))) {
      const asked = bytes[0] === 3 && byIndex.get(readLe32(bytes, 4));
      if (!asked) continue;
      const cookie = this.#forger.openCookie(this.#hub, 1, bytes, mac1Of(asked));
      cookies.set(`${peer.ip.join('.')} ${peer.port}`, { holder: peer, cookie });
    }
    return [...cookies.values()];
  }

  /** Whole initiations (or first halves), nonsense inside, mac1 and mac2 right: `each` from every holder of a cookie, in turn. */
  proven(cookies: readonly Cookie[], each: number, what: 'whole' | 'halves'): Shots {
    if (cookies.length === 0) throw new Error('no cookie was to be had');
    const payloads: Bytes[] = [];
    const shots: { from: Source; payload: number }[] = [];
    for (let n = 0; n < each; n++) {
      const plain = this.#cutNonsense();
      for (const { holder, cookie } of cookies) {
        for (const fragment of what === 'whole' ? plain : plain.slice(0, 1)) {
          shots.push({ from: holder, payload: payloads.length });
          payloads.push(this.#forger.withMac2(cookie, fragment));
        }
      }
    }
    return { payloads, shots };
  }

  /** Fires at the hub until it is ended. `step`: ports move on by so much each time the list begins anew. */
  fire(
    shots: Shots,
    rate: number,
    step: number,
    answers?: string,
    port = hubPort,
  ): Promise<Program<FloodCounters>> {
    const file = `${this.#field.folder}/shots`;
    writeShots(file, shots);
    return Program.start(this.#field.attacker, this.#field.traffic, [
      'flood',
      file,
      attackedAt[4],
      attackedAt[6],
      port,
      rate,
      step,
      ...(answers === undefined ? [] : [answers]),
    ]);
  }

  #cutNonsense(): Bytes[] {
    const body = new Uint8Array(bodyLength);
    body.set(this.#random.bytes(64));
    return this.#forger.cutInitiation(this.#hub, 1, this.#index++, body);
  }
}

/** Counters of `traffic flood`. */
export interface FloodCounters {
  readonly seconds: number;
  readonly sent: number;
  readonly bytes: number;
  readonly refused: number;
  readonly answers: number;
  readonly answerBytes: number;
  readonly cookies: number;
  readonly responses: number;
  /** Largest share of answered to sent bytes of one address. */
  readonly worstRatio: number;
  /** Answers the attacker's own socket had no room for. */
  readonly missed: number;
}
