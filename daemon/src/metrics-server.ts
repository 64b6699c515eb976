/** Serves `GET /metrics`, bounded: few connections, short headers, short waits. */
import http from 'node:http';
import net from 'node:net';
import { parseInteger } from './address-text.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Metrics } from './metrics.ts';

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

export interface MetricsServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function serveMetrics(metrics: Metrics, at: MetricsAddress): Promise<MetricsServer> {
  const server = http.createServer(
    { maxHeaderSize: 8192, requestTimeout: 5_000, headersTimeout: 5_000 },
    async (request, response) => {
      if (request.url?.split('?')[0] !== '/metrics')
        return void response.writeHead(404).end('see /metrics\n');
      if (request.method !== 'GET') return void response.writeHead(405, { Allow: 'GET' }).end();
      try {
        const text = await metrics.text();
        response.writeHead(200, { 'Content-Type': metrics.contentType }).end(text);
      } catch {
        response.writeHead(503).end('the tunnel is coming up or going down\n');
      }
    },
  );
  server.maxConnections = 16;
  server.keepAliveTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new CommandError(exitCodes.failure, `--metrics: ${error.message}`)),
    );
    server.listen(at.port, at.host, resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : at.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
