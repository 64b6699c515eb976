import { Secret } from '@pqtun/core';
import type { PeerConfig, PeerStats } from '@pqtun/tunnel';
import { describe, expect, it } from 'vitest';
import { samples } from '../config/sample.test.kit.ts';
import { publicText } from '../secret-text.ts';
import { type DeviceView, getAnswer } from './get-answer.ts';
import { hexOf } from './uapi.test.kit.ts';

const publicKey = Uint8Array.from(Buffer.from(samples.hub.publicKey, 'base64'));
const secretOf = (byte: number) => new Secret(new Uint8Array(32).fill(byte));
const peer: PeerConfig = {
  publicKey,
  mode: 'require',
  presharedKey: secretOf(0xbb),
  allowedIps: [
    { ip: Uint8Array.of(10, 88, 0, 0), bits: 24 },
    { ip: Uint8Array.of(0xfd, ...new Array(15).fill(0)), bits: 8 },
  ],
  persistentKeepalive: 25,
};
const stats: PeerStats = {
  publicKey,
  mode: 'require',
  suite: 1,
  fingerprint: 'abcd-efgh',
  endpoint: { ip: Uint8Array.of(192, 0, 2, 1), port: 9, scope: 0 },
  allowedIps: [],
  persistentKeepalive: 25,
  rekeyProfile: 'standard',
  hasPresharedKey: true,
  pqState: 'hybrid',
  sessionAge: 61_999,
  role: 'initiator',
  lastHandshake: 1_800_000_000_042.5,
  handshakeDuration: 30,
  handshakesCompleted: 1,
  bytesReceived: 2 ** 40,
  bytesSent: 148,
  packetsReceived: 1,
  packetsSent: 1,
  roundTrip: undefined,
  pathMtu: 1500,
};
const view = (change: Partial<DeviceView>): DeviceView => ({
  tunnel: { privateKey: secretOf(0xaa), peers: [peer] },
  listenPort: 51820,
  fwMark: 51820,
  fingerprints: new Map([
    [1, 'aaaa'],
    [2, 'bbbb'],
  ]),
  stats: new Map([[publicText(publicKey), stats]]),
  ...change,
});
const answer = (change: Partial<DeviceView> = {}) =>
  Buffer.from(getAnswer(view(change)))
    .toString('latin1')
    .split('\n');

describe('the answer to get', () => {
  it('has every key as wg reads it, ours among them, those of the device before the first peer', () => {
    expect(answer()).toEqual([
      `private_key=${'aa'.repeat(32)}`,
      'listen_port=51820',
      'fwmark=51820',
      ...['pq_suite=1', 'pq_id=aaaa', 'pq_suite=2', 'pq_id=bbbb'],
      `public_key=${hexOf(samples.hub.publicKey)}`,
      `preshared_key=${'bb'.repeat(32)}`,
      'protocol_version=1',
      'endpoint=192.0.2.1:9',
      'last_handshake_time_sec=1800000000',
      'last_handshake_time_nsec=42000000',
      'tx_bytes=148',
      'rx_bytes=1099511627776',
      'persistent_keepalive_interval=25',
      'allowed_ip=10.88.0.0/24',
      'allowed_ip=fd00::/8',
      ...['pq_mode=require', 'pq_suite=1', 'pq_state=hybrid', 'pq_session_age_sec=61', 'pq_id=abcd-efgh'],
      'path_mtu=1500',
      '',
    ]);
  });

  it('leaves out what there is not: key, port, mark, endpoint, session', () => {
    const bare: PeerConfig = { publicKey, mode: 'classical', allowedIps: [] };
    const nothing = {
      tunnel: { peers: [bare] },
      listenPort: 0,
      fwMark: 0,
      fingerprints: new Map(),
      stats: new Map(),
    };
    expect(answer(nothing)).toEqual([
      `public_key=${hexOf(samples.hub.publicKey)}`,
      `preshared_key=${'0'.repeat(64)}`,
      'protocol_version=1',
      'last_handshake_time_sec=0',
      'last_handshake_time_nsec=0',
      'tx_bytes=0',
      'rx_bytes=0',
      'persistent_keepalive_interval=0',
      'pq_mode=classical',
      '',
    ]);
  });

  it.each([
    ['192.0.2.7', '192.0.2.7:9'],
    ['2001:db8::1', '[2001:db8::1]:9'],
    ['hub.example', undefined],
  ])('says where the peer %s is configured while the tunnel knows nothing', (host, expected) => {
    const tunnel = { peers: [{ ...peer, endpoint: { host, port: 9 } }] };
    const line = answer({ tunnel, stats: new Map() }).find((text) => text.startsWith('endpoint='));
    expect(line?.slice('endpoint='.length)).toBe(expected);
  });
});
