import { describe, expect, it } from 'vitest';
import type { PeerStatus, Status } from './control/status.ts';
import { paint, wantsColours } from './paint.ts';
import { formatAgo, formatBytes, formatSpan, formatStatus } from './show.ts';

const now = 1_800_000_000_000;
const plain = paint(false);
const peer: PeerStatus = {
  publicKey: 'aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGU=',
  friendlyName: 'the hub',
  mode: 'require',
  suite: 1,
  fingerprint: 'abcd-efgh',
  endpoint: '192.0.2.1:51820',
  allowedIps: ['10.88.0.0/24', 'fd00:88::/64'],
  persistentKeepalive: 25,
  rekeyProfile: 'metered',
  hasPresharedKey: true,
  pqState: 'hybrid',
  sessionAge: 63_000,
  role: 'initiator',
  lastHandshake: now - 63_999,
  handshakeDuration: 12.4,
  handshakesCompleted: 3,
  bytesReceived: 1240,
  bytesSent: 3_600_000,
  packetsReceived: 1,
  packetsSent: 2,
  roundTrip: 12.34,
  pathMtu: 1452,
};
const status: Status = {
  interface: 'pq0',
  publicKey: 'b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgb3U=',
  fingerprints: { 1: 'aaaa-bbbb', 2: 'cccc-dddd' },
  listenPort: 51820,
  mtu: 1420,
  fwMark: 0xca6c,
  addresses: ['10.88.0.2/24'],
  crypto: 'node',
  plane: 'portable',
  udp: 'native',
  aead: { name: 'node', reason: null },
  offloads: [],
  planeCounters: {},
  underLoad: false,
  loopDelay: { bounds: [20], counts: [0, 0] },
  since: now,
  pid: 7,
  version: '0.1.0',
  peers: [peer],
  drops: { 'bad-mac1': 3, 'bad-tag': 0, replayed: 1200 },
  cookieRepliesSent: 0,
  downgradesRefused: 2,
};
const quiet: PeerStatus = {
  ...peer,
  friendlyName: null,
  fingerprint: null,
  mode: 'classical',
  suite: null,
  pqState: 'none',
  endpoint: null,
  allowedIps: [],
  persistentKeepalive: 0,
  rekeyProfile: 'standard',
  hasPresharedKey: false,
  role: null,
  lastHandshake: null,
  bytesReceived: 0,
  bytesSent: 0,
  roundTrip: null,
  pathMtu: null,
};

describe('show', () => {
  it('prints an interface, its peers and what was dropped, aligned', () => {
    expect(formatStatus(status, now, plain)).toBe(
      `interface: pq0
  public key:           b3VycyBvdXJzIG91cnMgb3VycyBvdXJzIG91cnMgb3U=
  fingerprint, suite 1: aaaa-bbbb
  fingerprint, suite 2: cccc-dddd
  addresses:            10.88.0.2/24
  listening port:       51820
  mtu:                  1420
  fwmark:               0xca6c
  data path:            portable plane, native sockets, node crypto
  downgrades refused:   2

peer: aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8gaGU= (the hub)
  fingerprint:          abcd-efgh
  post-quantum:         yes: ML-KEM-768 and X25519 (suite 1)
  preshared key:        (hidden)
  endpoint:             192.0.2.1:51820
  allowed ips:          10.88.0.0/24, fd00:88::/64
  latest handshake:     1 minute, 3 seconds ago (as initiator, took 12 ms)
  transfer:             1.21 KiB received, 3.43 MiB sent
  round trip:           12.3 ms
  path mtu:             1452
  persistent keepalive: every 25 seconds
  rekey profile:        metered

dropped
     3  bad-mac1
  1200  replayed
`,
    );
  });

  it('names what makes the native plane fast, and of each thing that is missing why', () => {
    const native: Status = {
      ...status,
      plane: 'native',
      aead: { name: 'evp', reason: 'raw is not exported\n' },
      offloads: [
        { name: 'tso', active: true, reason: null },
        { name: 'uso', active: false, reason: 'EINVAL: the kernel is older' },
        { name: 'udp-gso', active: true, reason: null },
      ],
    };
    expect(formatStatus(native, now, plain)).toContain(
      `
  data path:            native plane, native sockets, node crypto
  packet cipher:        evp (raw is not exported·)
  offloads:             tso, udp-gso
  without uso:          EINVAL: the kernel is older
  downgrades refused:   2
`,
    );
    const bare = { ...native, aead: { name: 'raw', reason: null }, offloads: [] };
    expect(formatStatus(bare, now, plain)).toMatch(/packet cipher: +raw\n +offloads: +\(none\)\n/);
  });

  it('is honest about the post-quantum state', () => {
    const text = (change: Partial<PeerStatus>) =>
      formatStatus({ ...status, peers: [{ ...peer, ...change }] }, now, plain);
    expect(text({ pqState: 'none' })).toContain('required: ML-KEM-768 and X25519 (suite 1); no session now');
    expect(text({ suite: 2 })).toContain('yes: ML-KEM-1024 and X25519 (suite 2)');
    expect(text({ mode: 'classical', pqState: 'classical', suite: null })).toContain(
      'no: classical by configuration (X25519 alone)',
    );
  });

  it('prints nothing for what is not there, and no drops when there are none', () => {
    expect(
      formatStatus({ ...status, peers: [quiet], drops: { replayed: 0 } }, now, plain).split('\n\n')[1],
    ).toBe(
      `peer: ${peer.publicKey}\n  post-quantum: no: classical by configuration (X25519 alone)\n  allowed ips:  (none)\n`,
    );
  });

  it('puts the latest handshake first and peers without one last', () => {
    const named = (publicKey: string, lastHandshake: number | null) => ({
      ...quiet,
      publicKey,
      lastHandshake,
    });
    const text = formatStatus(
      { ...status, peers: [named('never', null), named('old', 1), named('new', 2)] },
      now,
      plain,
    );
    expect([...text.matchAll(/peer: (\w+)/g)].map(([, name]) => name)).toEqual(['new', 'old', 'never']);
  });

  it('prints no control characters from a friendly name, and colours only when asked', () => {
    const hostile = { ...status, peers: [{ ...peer, friendlyName: '\u001b[2J' }] };
    expect(formatStatus(hostile, now, plain)).not.toContain('\u001b');
    expect(formatStatus(status, now, paint(true))).toContain('\u001b[32m');
    expect([
      wantsColours(true, {}),
      wantsColours(false, {}),
      wantsColours(true, { NO_COLOR: '1' }),
      wantsColours(true, { NO_COLOR: '' }),
    ]).toEqual([true, false, false, true]);
  });
});

describe('numbers for people', () => {
  it.each([
    [0, '0 seconds'],
    [1, '1 second'],
    [60, '1 minute'],
    [63, '1 minute, 3 seconds'],
    [90_061, '1 day, 1 hour, 1 minute, 1 second'],
    [63_072_000, '2 years'],
  ])('says %i s as %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });

  it('says "now" below a second and when the clock went back', () => {
    expect([formatAgo(now - 999, now), formatAgo(now + 5000, now), formatAgo(now - 1000, now)]).toEqual([
      'now',
      'now',
      '1 second ago',
    ]);
  });

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [1024 ** 2 - 1, '1024.00 KiB'],
    [1024 ** 3 * 1.5, '1.50 GiB'],
    [1024 ** 6, '1024.00 PiB'],
  ])('says %i as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
