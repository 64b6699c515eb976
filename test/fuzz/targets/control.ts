/**
 * Control messages inside the tunnel (protocol.md §3.5, T4): a whole tunnel whose session keys we know gets any payload below 0x10, of
 * any length, from anywhere, at any time. Input: a sequence of acts.
 */
import { instant, limits, type PeerId, PortableTunnel, Secret, sessionIndex, unixMillis } from '@pqtun/core';
import { sessionLimits } from '@pqtun/core/src/limits.ts';
import { type Control, parseControl } from '@pqtun/core/src/wire/messages.ts';
import { newYear2026 } from '../../kit/host.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { fuzzSuite, hubAt, identityOf, places } from './parties.ts';

export const target: FuzzTarget = {
  name: 'control',
  about: 'probes, answers and path probes inside a tunnel with known keys',
  maxLength: 512,
  executions: 9_000,
  seeds: [
    Uint8Array.of(0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
    Uint8Array.of(0, 3, 3, 2, 1, 2, 3, 4, 5, 6, 7, 8),
    Uint8Array.of(3, 0, 1, 0, 0, 0),
    Uint8Array.of(2, 20, 1, 0, 0, 1, 2, 3),
    Uint8Array.of(2, 17, 3, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 1, 5, 2, 3, 3, 0, 0, 1),
  ],
  dictionary: [Uint8Array.of(0, 1, 0), Uint8Array.of(0, 2, 0), Uint8Array.of(0, 3, 0)],
  run: (input) => new Conversation().run(new Cursor(input)),
};

const index = sessionIndex(7);

class Conversation {
  readonly #suite = fuzzSuite(3);
  readonly #key = this.#suite.recordKey(new Uint8Array(32).fill(1));
  readonly #tunnel: PortableTunnel;
  readonly #peer: PeerId;
  /** When answers left, oldest first. */
  readonly #answered: number[] = [];
  #now = 1000;
  #counter = 0;

  constructor() {
    const now = instant(this.#now);
    const wallClock = () => unixMillis(newYear2026 + this.#now);
    this.#tunnel = new PortableTunnel(now, { crypto: this.#suite, identity: identityOf('hub'), wallClock });
    const other = identityOf('first');
    const kem = other.kem(1)?.publicKey;
    this.#peer = this.#tunnel.engine.addPeer(now, {
      publicKey: other.dh.publicKey,
      endpoint: hubAt,
      ...(kem === undefined ? {} : { kemPublicKey: kem }),
    });
    this.#tunnel.plane.install(now, {
      peer: this.#peer,
      role: 'initiator',
      localIndex: index,
      remoteIndex: sessionIndex(8),
      sendKey: new Secret(new Uint8Array(32).fill(2)),
      receiveKey: new Secret(new Uint8Array(32).fill(1)),
      timestamp: new Uint8Array(12),
      bornAt: now,
      limits: sessionLimits('standard'),
      kind: 'hybrid',
      winsCrossing: true,
    });
    this.#sent();
  }

  run(cursor: Cursor): void {
    const now = () => instant(this.#now);
    const tokens: Uint8Array[] = [];
    for (let steps = 0; !cursor.atEnd && steps < 48; steps++) {
      switch (cursor.u8() % 4) {
        case 0:
          this.#receive(cursor, tokens);
          break;
        case 1:
          this.#now += cursor.pick([1, 10, 100, 900, 999, 1000, 1001, 5000]);
          this.#tunnel.handleTimeout(now());
          break;
        case 2: {
          // the same probe many times: the limit of answers
          const times = cursor.u8() % 40;
          const act = cursor.bytes(16);
          for (let nth = 0; nth < times; nth++) this.#receive(new Cursor(act), tokens);
          break;
        }
        default: {
          const token = this.#tunnel.engine.ping(now(), this.#peer, 16 * (1 + (cursor.u8() % 90)));
          if (token !== undefined) tokens.push(token);
        }
      }
      this.#sent();
    }
  }

  #receive(cursor: Cursor, tokens: readonly Uint8Array[]): void {
    const kind = cursor.u8() % 16;
    const blocks = cursor.u8() % 8;
    const rest = cursor.u8() % 18;
    const from = cursor.pick(places);
    const payload = new Uint8Array(1 + blocks * 16 + (rest === 0 ? 15 : rest - 1));
    payload[0] = kind;
    const asked = tokens[cursor.u8() % 8]; // an answer to a probe of ours
    payload.set((asked ?? cursor.bytes(8)).subarray(0, payload.length - 1), 1);
    if (kind === 2 && payload.length >= 11) payload.set(cursor.bytes(2), 9);
    const control = parseControl(payload);
    must(describe(control) === twin(payload), 'control payloads are read otherwise than their twin does');

    const record = new Uint8Array(16 + payload.length + 16);
    const view = new DataView(record.buffer);
    record[0] = 4;
    view.setUint32(4, index, true);
    view.setBigUint64(8, BigInt(this.#counter), true);
    this.#key.seal(this.#counter++, payload, record.subarray(16));
    const endpoint = this.#endpoint();
    const drops = this.#drops();
    this.#tunnel.handleDatagram(instant(this.#now), from, undefined, record);
    const after = this.#drops();
    const answers = this.#sent().filter(({ payloadLength }) => payloadLength === 16);
    must(answers.length <= 1, 'one control message, more than one answer');
    if (typeof control === 'string') {
      must(answers.length === 0, 'an answer to what is no probe');
      must(after[control] === drops[control] + 1, 'what is no control message was not counted');
    } else if (control.kind === 'answer') must(answers.length === 0, 'an answer to an answer');
    else this.#checkAnswer(control.kind, answers[0], from, after['answer-limit'] > drops['answer-limit']);
    if (kind === 2 || kind === 3)
      must(this.#endpoint() === endpoint, 'C1, §5.4: 0x02 or 0x03 moved the endpoint');
  }

  #checkAnswer(
    kind: 'probe' | 'path-probe',
    answer: Sent | undefined,
    from: (typeof places)[number],
    limited: boolean,
  ): void {
    while ((this.#answered[0] ?? this.#now) <= this.#now - 1000) this.#answered.shift();
    const may = this.#answered.length < limits.maxAnswersPerSecond;
    must(limited === !may, '§3.5: the limit of 16 answers in a second');
    must((answer !== undefined) === may, '§3.5: a probe is answered, up to the limit');
    if (answer === undefined) return;
    this.#answered.push(this.#now);
    if (kind === 'path-probe') must(key(answer.to) === key(from), 'the answer to 0x03 took another path');
    else must(key(answer.to) === this.#endpoint(), 'the answer to 0x01 did not go to the endpoint');
  }

  #endpoint(): string {
    const { endpoint } = this.#tunnel.engine.status(instant(this.#now), this.#peer);
    return endpoint === undefined ? 'nowhere' : key(endpoint);
  }

  #drops() {
    return this.#tunnel.engine.drops.snapshot();
  }

  /** What left, but for handshakes. */
  #sent(): Sent[] {
    const sent: Sent[] = [];
    for (let output = this.#tunnel.poll(); output !== undefined; output = this.#tunnel.poll()) {
      must(output.kind === 'datagram', 'a control message was delivered as a packet');
      if (output.bytes[0] === 4) sent.push({ to: output.to, payloadLength: output.bytes.length - 32 });
    }
    while (this.#tunnel.pollEvent() !== undefined);
    return sent;
  }
}

interface Sent {
  readonly to: (typeof places)[number];
  readonly payloadLength: number;
}

const key = (at: (typeof places)[number]): string => `${at.ip}/${at.port}`;

function describe(control: Control | string): string {
  if (typeof control === 'string') return control;
  return `${control.kind} ${control.token} ${control.length}`;
}

/** protocol.md §3.5 once more. */
function twin(payload: Uint8Array): string {
  const [kind] = payload;
  const token = payload.slice(1, 9);
  if (kind === 1 || kind === 3) {
    if (payload.length < 16 || payload.length % 16 !== 0) return 'unknown-control';
    return `${kind === 1 ? 'probe' : 'path-probe'} ${token} ${payload.length}`;
  }
  if (kind === 2 && payload.length === 16)
    return `answer ${token} ${(payload[9] ?? 0) + 256 * (payload[10] ?? 0)}`;
  return 'unknown-control';
}
