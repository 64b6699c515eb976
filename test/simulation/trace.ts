/** A history as lines to read: when, who, what; of datagrams the kind, indices, counter and length, and what became of them. */
import type { EngineEvent } from '@pqtun/core';
import type { Ledger } from './model/ledger.ts';
import type { Observation } from './model/observation.ts';
import { read, type Seen } from './model/wire.ts';
import { timeText } from './text.ts';

export class Tracer {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  act(at: number, what: string): void {
    this.#write(`${stamp(at)} ── ${what}`);
  }

  peer(host: string, peer: number, other: string): void {
    this.#write(`${' '.repeat(16)}${host}: peer ${peer} is ${other}`);
  }

  event(at: number, host: string, { kind, ...rest }: EngineEvent): void {
    const facts = Object.entries(rest).filter(([name]) => name !== 'token' && name !== 'endpoint');
    this.#line(at, host, `event ${kind} ${facts.map(([name, value]) => `${name} ${value}`).join(', ')}`);
  }

  /** Two states that should be equal: where they differ. */
  difference(before: string, after: string): void {
    let at = 0;
    while (at < before.length && before[at] === after[at]) at++;
    const around = (text: string): string => text.slice(Math.max(0, at - 60), at + 60);
    this.#write(`${' '.repeat(16)}state before …${around(before)}…`);
    this.#write(`${' '.repeat(16)}state after  …${around(after)}…`);
  }

  /** Call before the ledger is told. */
  see(observation: Observation, ledger: Ledger): void {
    switch (observation.kind) {
      case 'boot':
        return this.#line(observation.at, observation.host, 'starts');
      case 'input': {
        const { input } = observation;
        if (input.kind === 'datagram') {
          const seen = read(input.bytes);
          const genuine = ledger.genuine(input.bytes, seen);
          const known =
            genuine === undefined
              ? 'nobody’s'
              : `of ${genuine.host.name}${genuine.deliveries.length > 0 ? ', again' : ''}`;
          this.#line(
            observation.at,
            observation.host,
            `← ${input.from} ${datagramText(seen, input.bytes)} (${known})`,
          );
        } else if (input.kind === 'packet') {
          this.#line(observation.at, observation.host, `user sends ${input.bytes.length} B`);
        } else if (input.kind === 'timeout') {
          this.#line(observation.at, observation.host, 'timeout');
        }
        return;
      }
      case 'sent': {
        const { bytes } = observation;
        this.#line(
          observation.at,
          observation.host,
          `→ ${observation.to} ${datagramText(read(bytes), bytes)}`,
        );
        return;
      }
      case 'delivered':
        return this.#line(
          observation.at,
          observation.host,
          `delivers ${observation.bytes.length} B of peer ${observation.peer}`,
        );
      case 'done':
        if (observation.view.drops.length > 0)
          this.#line(observation.at, observation.host, `drops: ${observation.view.drops.join(', ')}`);
        return;
      case 'reconfigured': {
        const { verb, threw } = observation.change;
        return this.#line(
          observation.at,
          observation.host,
          `configured: ${verb}${threw === undefined ? '' : `, refused ${threw}`}`,
        );
      }
      default:
    }
  }

  #line(at: number, host: string, what: string): void {
    this.#write(`${stamp(at)} ${host.padEnd(6)} ${what}`);
  }
}

function stamp(at: number): string {
  return timeText(at).padStart(15);
}

function datagramText(seen: Seen, bytes: Uint8Array): string {
  const length = `${bytes.length} B`;
  switch (seen.type) {
    case 'initiation':
      return `initiation ${hex(seen.sender)} ${seen.fragment + 1}/${seen.count} ${length}${proof(bytes)}`;
    case 'response':
      return `response ${hex(seen.sender)} to ${hex(seen.receiver)} ${seen.fragment + 1}/${seen.count} ${length}`;
    case 'cookie':
      return `cookie to ${hex(seen.receiver)} ${length}`;
    case 'transport':
      return `transport to ${hex(seen.receiver)} #${seen.counter} ${length}`;
    case 'other':
      return `type ${bytes[0]} ${length}`;
    default:
      return seen satisfies never;
  }
}

function proof(bytes: Uint8Array): string {
  return bytes.subarray(-16).some((byte) => byte !== 0) ? ' mac2' : '';
}

const hex = (index: number): string => index.toString(16).padStart(8, '0');
