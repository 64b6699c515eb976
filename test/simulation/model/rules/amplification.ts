/**
 * I12: to no address do answers (responses, cookie replies) exceed what came from it, proven or not: §3.1 ("never larger, in
 * sum, than the initiation"), §5.1 C3, §6. So nobody is flooded by us in somebody else's name.
 */
import type { Ledger } from '../ledger.ts';
import type { Observation } from '../observation.ts';
import type { Report, Rule } from '../rule.ts';
import { read } from '../wire.ts';

export class Amplification implements Rule {
  /** Bytes by host and address. */
  readonly #received = new Map<string, number>();
  readonly #answered = new Map<string, number>();

  see(observation: Observation, _ledger: Ledger, report: Report): void {
    if (observation.kind === 'input' && observation.input.kind === 'datagram') {
      const { from, bytes } = observation.input;
      add(this.#received, `${observation.host} ${from}`, bytes.length);
    }
    if (observation.kind !== 'sent') return;
    const { type } = read(observation.bytes);
    if (type !== 'response' && type !== 'cookie') return;
    const key = `${observation.host} ${observation.to}`;
    const answered = add(this.#answered, key, observation.bytes.length);
    const received = this.#received.get(key) ?? 0;
    if (answered > received)
      report(
        'I12',
        `${observation.host} has answered ${answered} B to ${observation.to}, from where ${received} B came`,
      );
  }
}

function add(sums: Map<string, number>, key: string, bytes: number): number {
  const sum = (sums.get(key) ?? 0) + bytes;
  sums.set(key, sum);
  return sum;
}
