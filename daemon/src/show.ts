/** `pqtun show` for people: one block for the interface, one for each peer, then what was dropped. */
import type { PeerStatus, Status } from './control/status.ts';
import type { Paint } from './paint.ts';

type Row = readonly [label: string, value: string];

/** `now` is the wall clock in milliseconds since 1970. */
export function formatStatus(status: Status, now: number, colours: Paint): string {
  const blocks = [
    block(`interface: ${colours.green(status.interface)}`, interfaceRows(status), colours),
    ...peersByActivity(status.peers).map((peer) =>
      block(peerTitle(peer, colours), peerRows(peer, now, colours), colours),
    ),
  ];
  const drops = Object.entries(status.drops).filter(([, count]) => count > 0);
  if (drops.length > 0) blocks.push(dropTable(drops, colours));
  return blocks.join('\n');
}

/** `1 minute, 3 seconds ago`, as `wg` says it; `now` for less than a second or a clock that went back. */
export function formatAgo(then: number, now: number): string {
  const seconds = Math.floor((now - then) / 1000);
  return seconds <= 0 ? 'now' : `${formatSpan(seconds)} ago`;
}

export function formatSpan(seconds: number): string {
  const units: [string, number][] = [
    ['year', 31_536_000],
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ];
  const parts: string[] = [];
  let left = seconds;
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`);
  }
  return parts.length === 0 ? '0 seconds' : parts.join(', ');
}

/** Bytes in powers of 1024 with two decimals, as `wg` prints them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes} B` : `${value.toFixed(2)} ${units[unit]}`;
}

function interfaceRows(status: Status): Row[] {
  const rows: Row[] = [['public key', status.publicKey ?? '(none): no peer can be reached']];
  for (const [suite, text] of Object.entries(status.fingerprints))
    rows.push([`fingerprint, suite ${suite}`, text]);
  if (status.addresses.length > 0) rows.push(['addresses', status.addresses.join(', ')]);
  rows.push(['listening port', String(status.listenPort)], ['mtu', String(status.mtu)]);
  if (status.fwMark !== 0) rows.push(['fwmark', `0x${status.fwMark.toString(16)}`]);
  rows.push(['data path', `${status.plane} plane, ${status.udp} sockets, ${status.crypto} crypto`]);
  if (status.plane === 'native') rows.push(...nativeRows(status));
  if (status.underLoad) rows.push(['under load', 'yes: strangers must prove their address']);
  if (status.downgradesRefused > 0) rows.push(['downgrades refused', String(status.downgradesRefused)]);
  if (status.cookieRepliesSent > 0) rows.push(['cookie replies sent', String(status.cookieRepliesSent)]);
  return rows;
}

/** Of what makes the native plane fast: what is in use, and of each other why it is not. */
function nativeRows({ aead, offloads }: Status): Row[] {
  const active = offloads.filter(({ active }) => active).map(({ name }) => name);
  return [
    ['packet cipher', aead.reason === null ? aead.name : `${aead.name} (${printable(aead.reason)})`],
    ['offloads', active.length === 0 ? '(none)' : active.join(', ')],
    ...offloads
      .filter(({ active }) => !active)
      .map(({ name, reason }): Row => [`without ${name}`, printable(reason ?? 'unknown reason')]),
  ];
}

function peerTitle(peer: PeerStatus, colours: Paint): string {
  const name = peer.friendlyName === null ? '' : ` (${printable(peer.friendlyName)})`;
  return `peer: ${colours.yellow(peer.publicKey)}${name}`;
}

function peerRows(peer: PeerStatus, now: number, colours: Paint): Row[] {
  const rows: Row[] = [];
  if (peer.fingerprint !== null) rows.push(['fingerprint', peer.fingerprint]);
  rows.push(['post-quantum', pqText(peer, colours)]);
  if (peer.hasPresharedKey) rows.push(['preshared key', '(hidden)']);
  if (peer.endpoint !== null) rows.push(['endpoint', peer.endpoint]);
  rows.push(['allowed ips', peer.allowedIps.length === 0 ? '(none)' : peer.allowedIps.join(', ')]);
  if (peer.lastHandshake !== null)
    rows.push(['latest handshake', handshakeText(peer, peer.lastHandshake, now)]);
  if (peer.bytesReceived > 0 || peer.bytesSent > 0) {
    rows.push([
      'transfer',
      `${formatBytes(peer.bytesReceived)} received, ${formatBytes(peer.bytesSent)} sent`,
    ]);
  }
  if (peer.roundTrip !== null) rows.push(['round trip', `${peer.roundTrip.toFixed(1)} ms`]);
  if (peer.pathMtu !== null) rows.push(['path mtu', String(peer.pathMtu)]);
  if (peer.persistentKeepalive > 0)
    rows.push(['persistent keepalive', `every ${formatSpan(peer.persistentKeepalive)}`]);
  if (peer.rekeyProfile !== 'standard') rows.push(['rekey profile', peer.rekeyProfile]);
  return rows;
}

/** Honest about each of the three: protected, classical by choice, and no session at all. */
function pqText(peer: PeerStatus, colours: Paint): string {
  if (peer.mode === 'classical') return colours.red('no: classical by configuration (X25519 alone)');
  const kem = peer.suite === 2 ? 'ML-KEM-1024' : 'ML-KEM-768';
  if (peer.pqState === 'hybrid') return colours.green(`yes: ${kem} and X25519 (suite ${peer.suite ?? 1})`);
  return `required: ${kem} and X25519 (suite ${peer.suite ?? 1}); no session now`;
}

function handshakeText(peer: PeerStatus, at: number, now: number): string {
  const took = peer.handshakeDuration === null ? '' : `, took ${peer.handshakeDuration.toFixed(0)} ms`;
  return `${formatAgo(at, now)}${peer.role === null ? '' : ` (as ${peer.role}${took})`}`;
}

/** As `wg` orders them: the latest handshake first, those without one last. */
function peersByActivity(peers: readonly PeerStatus[]): PeerStatus[] {
  return peers.toSorted((a, b) => (b.lastHandshake ?? -1) - (a.lastHandshake ?? -1));
}

function block(title: string, rows: readonly Row[], colours: Paint): string {
  const width = Math.max(...rows.map(([label]) => label.length)) + 1;
  return `${colours.bold(title)}\n${rows.map(([label, value]) => `  ${colours.bold(`${label}:`.padEnd(width))} ${value}\n`).join('')}`;
}

function dropTable(drops: readonly [string, number][], colours: Paint): string {
  const width = Math.max(...drops.map(([, count]) => String(count).length));
  return `${colours.bold('dropped')}\n${drops.map(([reason, count]) => `  ${String(count).padStart(width)}  ${reason}\n`).join('')}`;
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '·');
}
