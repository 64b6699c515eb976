/** Serves `GET /metrics`, bounded: few connections, short headers, short waits. */
import http from 'node:http';
import { CommandError, exitCodes } from './exit-codes.ts';
import type { Metrics } from './metrics.ts';
import type { MetricsAddress } from './metrics-address.ts';

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
