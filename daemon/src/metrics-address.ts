/** Where metrics are served, as the command line says it. Apart from the server, which is loaded only where it is wanted. */
import net from 'node:net';
import { parseInteger } from './address-text.ts';
import { CommandError, exitCodes } from './exit-codes.ts';

export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
  readonly loopback: boolean;
}

/** `PORT` (on 127.0.0.1), `ADDRESS:PORT` or `[v6]:PORT`. Throws `CommandError`. */
export function parseMetricsAddress(text: string): MetricsAddress {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):)?([0-9]+)$/.exec(text);
  const port = parseInteger(match?.[3] ?? '', 0, 65_535);
  const host = match?.[1] ?? match?.[2]?.replace('localhost', '127.0.0.1') ?? '127.0.0.1';
  if (match === null || port === undefined || net.isIP(host) === 0) {
    throw new CommandError(
      exitCodes.usage,
      `--metrics: got ${JSON.stringify(text.slice(0, 60))}, expected ADDRESS:PORT such as 127.0.0.1:9586`,
    );
  }
  return { host, port, loopback: host.startsWith('127.') || host === '::1' };
}
