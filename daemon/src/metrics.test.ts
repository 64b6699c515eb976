import { describe, expect, it } from 'vitest';
import type { Status } from './control/status.ts';
import { Metrics } from './metrics.ts';
import { parseMetricsAddress } from './metrics-address.ts';
import { serveMetrics } from './metrics-server.ts';
import { publicText } from './secret-text.ts';

const publicKey = new Uint8Array(32).fill(1);
const status = (): Status => ({
  interface: 'pq0',
  publicKey: '',
  fingerprints: {},
  listenPort: 1,
  mtu: 1420,
  fwMark: 0,
  addresses: [],
  crypto: 'node',
  plane: 'native',
  udp: 'native',
  aead: { name: 'raw', reason: null },
  offloads: [
    { name: 'tso', active: true, reason: null },
    { name: 'udp-gso', active: false, reason: 'EIO' },
  ],
  planeCounters: { udpTrainsSent: 3 },
  underLoad: false,
  loopDelay: { bounds: [1, 20], counts: [4, 2, 1] },
  since: 0,
  pid: 1,
  version: '0',
  peers: [
    {
      publicKey: publicText(publicKey),
      friendlyName: 'hub',
      mode: 'require',
      suite: 1,
      fingerprint: null,
      endpoint: '192.0.2.99:1',
      allowedIps: ['10.0.0.0/8', '::/0'],
      persistentKeepalive: 0,
      rekeyProfile: 'standard',
      hasPresharedKey: false,
      pqState: 'hybrid',
      sessionAge: 1500,
      role: null,
      lastHandshake: 1_800_000_000_500,
      handshakeDuration: null,
      handshakesCompleted: 1,
      bytesReceived: 10,
      bytesSent: 20,
      packetsReceived: 0,
      packetsSent: 0,
      roundTrip: 12,
      pathMtu: null,
    },
  ],
  drops: { replayed: 5, 'bad-tag': 0 },
  cookieRepliesSent: 6,
  downgradesRefused: 7,
});

describe('metrics', () => {
  it('have the names and labels of wireguard exporters, and ours, without an endpoint', async () => {
    const metrics = new Metrics('pq0', status);
    metrics.onEvent({ id: 'peer-established', publicKey, suite: 1, role: 'initiator', duration: 40 });
    metrics.onEvent({ id: 'handshake-gave-up', publicKey });
    await metrics.text();
    const text = await metrics.text(); // totals do not add up from scrape to scrape
    const labels = `interface="pq0",public_key="${publicText(publicKey)}",allowed_ips="10.0.0.0/8,::/0",friendly_name="hub"`;
    for (const line of [
      `wireguard_sent_bytes_total{${labels}} 20`,
      `wireguard_received_bytes_total{${labels}} 10`,
      `wireguard_latest_handshake_seconds{${labels}} 1800000000`,
      'pqtun_handshake_total{interface="pq0",result="established",suite="1",role="initiator"} 1',
      'pqtun_handshake_total{interface="pq0",result="gave_up",suite="1",role="initiator"} 1',
      'pqtun_handshake_duration_seconds_bucket{le="0.05",interface="pq0"} 1',
      `pqtun_pq_state{interface="pq0",public_key="${publicText(publicKey)}",state="hybrid"} 1`,
      `pqtun_pq_state{interface="pq0",public_key="${publicText(publicKey)}",state="none"} 0`,
      `pqtun_session_age_seconds{interface="pq0",public_key="${publicText(publicKey)}"} 1.5`,
      `pqtun_round_trip_seconds{interface="pq0",public_key="${publicText(publicKey)}"} 0.012`,
      'pqtun_dropped_total{interface="pq0",reason="replayed"} 5',
      'pqtun_dropped_total{interface="pq0",reason="bad-tag"} 0',
      'pqtun_cookie_sent_total{interface="pq0"} 6',
      'pqtun_downgrade_refused_total{interface="pq0"} 7',
      'pqtun_event_loop_delay_seconds_bucket{interface="pq0",le="0.001"} 4',
      'pqtun_event_loop_delay_seconds_bucket{interface="pq0",le="0.02"} 6',
      'pqtun_event_loop_delay_seconds_bucket{interface="pq0",le="+Inf"} 7',
      'pqtun_datapath_info{interface="pq0",engine="native",udp="native",crypto="node",aead="raw"} 1',
      'pqtun_offload_active{interface="pq0",offload="tso"} 1',
      'pqtun_offload_active{interface="pq0",offload="udp-gso"} 0',
      'pqtun_plane_total{interface="pq0",counter="udpTrainsSent"} 3',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('192.0.2.99');
  });

  it('are served on loopback, at one path, by GET', async () => {
    const server = await serveMetrics(new Metrics('pq0', status), parseMetricsAddress('127.0.0.1:0'));
    try {
      const at = `http://127.0.0.1:${server.port}`;
      expect((await fetch(`${at}/metrics`)).status).toBe(200);
      expect((await fetch(`${at}/`)).status).toBe(404);
      expect((await fetch(`${at}/metrics`, { method: 'POST' })).status).toBe(405);
    } finally {
      await server.close();
    }
  });

  it('count events and refuse a scrape while the interface is not up', async () => {
    const metrics = new Metrics('pq0', () => undefined);
    metrics.onEvent({ id: 'handshake-gave-up', publicKey });
    await expect(metrics.text()).rejects.toThrow('not up');
    const server = await serveMetrics(metrics, parseMetricsAddress('127.0.0.1:0'));
    expect((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status).toBe(503);
    await server.close();
  });

  it('take an address of their own, loopback by default', () => {
    expect(parseMetricsAddress('9586')).toEqual({ host: '127.0.0.1', port: 9586, loopback: true });
    expect(parseMetricsAddress('localhost:1')).toMatchObject({ host: '127.0.0.1', loopback: true });
    expect(parseMetricsAddress('[::1]:1')).toMatchObject({ host: '::1', loopback: true });
    expect(parseMetricsAddress('0.0.0.0:1')).toMatchObject({ host: '0.0.0.0', loopback: false });
    for (const bad of ['', ':1', 'a:1', '1.2.3.4', '1.2.3:1', '::1:1', '127.0.0.1:65536'])
      expect(() => parseMetricsAddress(bad)).toThrow('--metrics');
  });
});
