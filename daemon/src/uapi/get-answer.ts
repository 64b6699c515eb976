/**
 * The answer to `get=1`: the interface and its peers as `wg` reads them, keys included, since `wg showconf` prints them. Bytes from
 * the beginning, which the receiver wipes.
 *
 * `wg` skips keys it does not know: ours begin with `pq_`, and `path_mtu`. Those of the device stand before the first peer.
 */
import { type Secret, type SuiteId, wipe } from '@pqtun/core';
import type { EndpointSpec, PeerConfig, PeerStats } from '@pqtun/tunnel';
import { formatEndpoint, formatPrefix, isName } from '../address-text.ts';
import type { DaemonTunnel } from '../config/model.ts';
import { SecretWriter } from '../config/write.ts';
import { addressText } from '../control/status.ts';
import { publicText } from '../secret-text.ts';
import { encodeHex } from './hex.ts';

export interface DeviceView {
  /** As configured; its peers in this order. */
  readonly tunnel: DaemonTunnel;
  readonly listenPort: number;
  /** In effect; 0 is none. */
  readonly fwMark: number;
  readonly fingerprints: ReadonlyMap<SuiteId, string>;
  /** What the tunnel says of each peer, by public key in base64. Empty without a private key. */
  readonly stats: ReadonlyMap<string, PeerStats>;
}

/** Without the `errno` line that ends it. */
export function getAnswer(view: DeviceView): Uint8Array {
  const out = new SecretWriter();
  const { privateKey, peers } = view.tunnel;
  if (privateKey !== undefined) secret(out, 'private_key', privateKey);
  if (view.listenPort !== 0) line(out, 'listen_port', view.listenPort);
  if (view.fwMark !== 0) line(out, 'fwmark', view.fwMark);
  for (const [suite, id] of view.fingerprints) {
    line(out, 'pq_suite', suite);
    line(out, 'pq_id', id);
  }
  for (const peer of peers) writePeer(out, peer, view.stats.get(publicText(peer.publicKey)));
  return out.take();
}

function writePeer(out: SecretWriter, peer: PeerConfig, stats: PeerStats | undefined): void {
  line(out, 'public_key', Buffer.from(peer.publicKey).toString('hex'));
  if (peer.presharedKey === undefined) line(out, 'preshared_key', '0'.repeat(64));
  else secret(out, 'preshared_key', peer.presharedKey);
  line(out, 'protocol_version', 1);
  const endpoint = stats?.endpoint === undefined ? literal(peer.endpoint) : addressText(stats.endpoint);
  if (endpoint !== undefined) line(out, 'endpoint', endpoint);
  const handshake = stats?.lastHandshake ?? 0;
  line(out, 'last_handshake_time_sec', Math.floor(handshake / 1000));
  line(out, 'last_handshake_time_nsec', (Math.floor(handshake) % 1000) * 1_000_000);
  line(out, 'tx_bytes', stats?.bytesSent ?? 0);
  line(out, 'rx_bytes', stats?.bytesReceived ?? 0);
  line(out, 'persistent_keepalive_interval', peer.persistentKeepalive ?? 0);
  for (const prefix of peer.allowedIps) line(out, 'allowed_ip', formatPrefix(prefix));
  writeExtras(out, peer, stats);
}

function writeExtras(out: SecretWriter, peer: PeerConfig, stats: PeerStats | undefined): void {
  line(out, 'pq_mode', peer.mode);
  if (stats === undefined) return;
  if (stats.suite !== undefined) line(out, 'pq_suite', stats.suite);
  line(out, 'pq_state', stats.pqState);
  if (stats.sessionAge !== undefined) line(out, 'pq_session_age_sec', Math.floor(stats.sessionAge / 1000));
  if (stats.fingerprint !== undefined) line(out, 'pq_id', stats.fingerprint);
  if (stats.pathMtu !== undefined) line(out, 'path_mtu', stats.pathMtu);
}

/** Before there is a private key nothing but the configuration knows where a peer is. A name says nothing to `wg`. */
function literal(endpoint: EndpointSpec | undefined): string | undefined {
  return endpoint === undefined || isName(endpoint) ? undefined : formatEndpoint(endpoint);
}

function line(out: SecretWriter, key: string, value: string | number): void {
  out.text(`${key}=${value}\n`);
}

function secret(out: SecretWriter, key: string, value: Secret): void {
  const hex = encodeHex(value.borrow());
  out.text(`${key}=`).bytes(hex).text('\n');
  wipe(hex);
}
