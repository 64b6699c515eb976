/**
 * `tunnel.stats()` and events → Prometheus text. Names and units stand in docs/operations.md. Not served, because the numbers do
 * not exist yet: `pqtun_handshake_fragments_total`, `pqtun_active_hub`, `pqtun_hub_switch_total`.
 */

import type { TunnelEvent } from '@pqtun/tunnel';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PeerStatus, Status } from './control/status.ts';
import { publicText } from './secret-text.ts';

const peerLabels = ['interface', 'public_key', 'allowed_ips', 'friendly_name'] as const;
const keyLabels = ['interface', 'public_key'] as const;
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 90];

export class Metrics {
  readonly #registry = new Registry();
  readonly #interface: string;
  readonly #status: () => Status | undefined;
  readonly #handshakes = this.#counter('pqtun_handshake_total', 'Handshakes that ended', [
    'interface',
    'result',
    'suite',
    'role',
  ]);
  readonly #durations = new Histogram({
    name: 'pqtun_handshake_duration_seconds',
    help: 'From the first initiation sent to the session, of handshakes we initiated',
    labelNames: ['interface'] as const,
    buckets: durationBuckets,
    registers: [this.#registry],
  });
  readonly #sent = this.#counter('wireguard_sent_bytes_total', 'Bytes sent to the peer', peerLabels);
  readonly #received = this.#counter(
    'wireguard_received_bytes_total',
    'Bytes received from the peer',
    peerLabels,
  );
  readonly #latest = this.#gauge(
    'wireguard_latest_handshake_seconds',
    'Last handshake, seconds since 1970; 0 if never',
    peerLabels,
  );
  readonly #pqState = this.#gauge('pqtun_pq_state', '1 for the state the peer is in', [
    ...keyLabels,
    'state',
  ]);
  readonly #sessionAge = this.#gauge('pqtun_session_age_seconds', 'Age of the current session', keyLabels);
  readonly #pathMtu = this.#gauge('pqtun_path_mtu_bytes', 'Largest outer packet known to pass', keyLabels);
  readonly #roundTrip = this.#gauge(
    'pqtun_round_trip_seconds',
    'Last measured round trip inside the tunnel',
    keyLabels,
  );
  readonly #dropped = this.#counter('pqtun_dropped_total', 'Datagrams and packets that died, by reason', [
    'interface',
    'reason',
  ]);
  readonly #cookies = this.#counter('pqtun_cookie_sent_total', 'Cookie replies sent', ['interface']);
  readonly #downgrades = this.#counter(
    'pqtun_downgrade_refused_total',
    'Classical handshakes refused for hybrid peers',
    ['interface'],
  );
  readonly #loopDelay = this.#counter(
    'pqtun_event_loop_delay_seconds_bucket',
    'Measurements of the event loop that were at most so late',
    ['interface', 'le'],
  );
  readonly #datapath = this.#gauge('pqtun_datapath_info', 'How packets are moved', [
    'interface',
    'engine',
    'udp',
    'crypto',
    'aead',
  ]);
  readonly #offloads = this.#gauge(
    'pqtun_offload_active',
    '1 for what the system does for the native plane',
    ['interface', 'offload'],
  );
  readonly #plane = this.#counter('pqtun_plane_total', 'What the native plane has counted, by name', [
    'interface',
    'counter',
  ]);

  /** What is set anew at each scrape; the rest counts events. */
  readonly #snapshots = [
    this.#sent,
    this.#received,
    this.#latest,
    this.#pqState,
    this.#sessionAge,
    this.#pathMtu,
    this.#roundTrip,
    this.#dropped,
    this.#cookies,
    this.#downgrades,
    this.#loopDelay,
    this.#datapath,
    this.#offloads,
    this.#plane,
  ];

  /** `status` is asked at each scrape and for some events; `undefined` while the interface is not up. */
  constructor(interfaceName: string, status: () => Status | undefined) {
    this.#interface = interfaceName;
    this.#status = status;
  }

  /** Counts what only events tell. Call for every event of the tunnel. */
  onEvent(event: TunnelEvent): void {
    const labels = { interface: this.#interface };
    if (event.id === 'handshake-gave-up') {
      const suite = this.#suiteOf(publicText(event.publicKey));
      this.#handshakes.inc({ ...labels, result: 'gave_up', suite, role: 'initiator' });
    }
    if (event.id !== 'peer-established') return;
    const suite = String(event.suite ?? 'classical');
    this.#handshakes.inc({ ...labels, result: 'established', suite, role: event.role });
    if (event.duration !== undefined) this.#durations.observe(labels, event.duration / 1000);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Rejects while the interface is not up. */
  async text(): Promise<string> {
    const status = this.#status();
    if (status === undefined) throw new Error('the interface is not up');
    this.#take(status);
    return this.#registry.metrics();
  }

  #suiteOf(publicKey: string): string {
    const peer = this.#status()?.peers.find((candidate) => candidate.publicKey === publicKey);
    return peer === undefined ? 'unknown' : String(peer.suite ?? 'classical');
  }

  /** Totals are kept by the tunnel, so each scrape sets them anew; peers that are gone are gone. */
  #take(status: Status): void {
    for (const metric of this.#snapshots) metric.reset();
    const labels = { interface: status.interface };
    for (const peer of status.peers) this.#takePeer(status.interface, peer);
    for (const [reason, count] of Object.entries(status.drops))
      this.#dropped.inc({ ...labels, reason }, count);
    this.#cookies.inc(labels, status.cookieRepliesSent);
    this.#downgrades.inc(labels, status.downgradesRefused);
    this.#takeLoopDelay(labels, status.loopDelay);
    const { plane: engine, udp, crypto, aead } = status;
    this.#datapath.set({ ...labels, engine, udp, crypto, aead: aead.name }, 1);
    for (const { name, active } of status.offloads)
      this.#offloads.set({ ...labels, offload: name }, active ? 1 : 0);
    for (const [counter, value] of Object.entries(status.planeCounters))
      this.#plane.inc({ ...labels, counter }, value);
  }

  /** As the buckets of a histogram are served: each counts those before it, too. */
  #takeLoopDelay(labels: { interface: string }, { bounds, counts }: Status['loopDelay']): void {
    let sum = 0;
    for (const [i, count] of counts.entries()) {
      sum += count;
      const bound = bounds[i];
      this.#loopDelay.inc({ ...labels, le: bound === undefined ? '+Inf' : String(bound / 1000) }, sum);
    }
  }

  #takePeer(name: string, peer: PeerStatus): void {
    const key = { interface: name, public_key: peer.publicKey };
    const labels = { ...key, allowed_ips: peer.allowedIps.join(','), friendly_name: peer.friendlyName ?? '' };
    this.#sent.inc(labels, peer.bytesSent);
    this.#received.inc(labels, peer.bytesReceived);
    this.#latest.set(labels, Math.floor((peer.lastHandshake ?? 0) / 1000));
    for (const state of ['none', 'hybrid', 'classical'])
      this.#pqState.set({ ...key, state }, peer.pqState === state ? 1 : 0);
    if (peer.sessionAge !== null) this.#sessionAge.set(key, peer.sessionAge / 1000);
    if (peer.pathMtu !== null) this.#pathMtu.set(key, peer.pathMtu);
    if (peer.roundTrip !== null) this.#roundTrip.set(key, peer.roundTrip / 1000);
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }

  #gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
  }
}
