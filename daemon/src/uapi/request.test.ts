import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UapiError } from './errno.ts';
import { destroyRequest, isSet, parseRequest } from './request.ts';
import { blockOf, setOf } from './uapi.test.kit.ts';

const key = 'a5'.repeat(32);
const zero = '00'.repeat(32);
const peer = `public_key=${key}`;
const errnoOf = (...lines: string[]) => {
  try {
    parseRequest(blockOf(...lines));
    return 0;
  } catch (error) {
    return error instanceof UapiError ? error.errno : error;
  }
};

describe('a UAPI request', () => {
  it('is get=1 alone, or set=1 with lines', () => {
    expect(parseRequest(blockOf('get=1'))).toEqual({ kind: 'get' });
    expect(setOf()).toEqual({ kind: 'set', device: {}, peers: [] });
    expect(isSet(blockOf('set=1', 'x'))).toBe(true);
    for (const block of [['get=2'], ['get=1', 'x=1'], ['set=0'], ['sets=1'], []]) {
      expect(errnoOf(...block)).toBe(22);
      expect(isSet(blockOf(...block))).toBe(false);
    }
  });

  it('holds what it says of the device', () => {
    const lines = [`private_key=${key}`, 'listen_port=51820', 'fwmark=4294967295', 'replace_peers=true'];
    const { device } = setOf(...lines);
    expect(device).toMatchObject({ listenPort: 51820, fwMark: 0xffff_ffff, replacePeers: true });
    const bytes = device.privateKey?.borrow();
    expect([bytes?.[0], bytes?.[1], bytes?.[31]]).toEqual([0xa0, 0xa5, 0x65]); // clamped, RFC 7748 §5
  });

  it('holds what it says of peers, in order', () => {
    const { peers } = setOf(
      peer,
      ...['update_only=true', 'endpoint=192.0.2.1:9', 'persistent_keepalive_interval=65535'],
      ...[
        'allowed_ip=10.1.2.3/8',
        'replace_allowed_ips=true',
        'allowed_ip=-fd00::1/64',
        'protocol_version=1',
      ],
      `public_key=${key}`,
      ...[
        'remove=true',
        `preshared_key=${key}`,
        `kem_public_key=${'11'.repeat(1184)}`,
        'endpoint=[fe80::1%eth0]:9',
      ],
    );
    expect(peers).toMatchObject([
      { updateOnly: true, endpoint: { host: '192.0.2.1', port: 9 }, persistentKeepalive: 65535 },
      { remove: true, endpoint: { host: 'fe80::1%eth0', port: 9 } },
    ]);
    expect(peers[0]?.allowedIps).toEqual([
      { kind: 'clear' },
      { kind: 'remove', prefix: { ip: Uint8Array.of(0xfd, ...new Array(15).fill(0)), bits: 64 } },
    ]);
    expect(peers[1]?.presharedKey?.borrow()[0]).toBe(0xa5);
    expect(peers[1]?.kemPublicKey?.length).toBe(1184);
  });

  it('clears keys with zeros', () => {
    const { device, peers } = setOf(`private_key=${zero}`, peer, `preshared_key=${zero}`);
    expect([device.privateKey, peers[0]?.presharedKey]).toEqual([null, null]);
  });

  it.each([
    'what=1',
    'constructor=1',
    '=1',
    'private_key=',
    `private_key=${key}00`,
    `private_key=${key.slice(1)}g`,
    'listen_port=65536',
    'listen_port=-1',
    'listen_port= 1',
    'listen_port=0x10',
    'fwmark=4294967296',
    'replace_peers=false',
    'preshared_key=1', // of a peer
    'public_key=00',
  ])('is refused as EINVAL with the device line %s', (line) => {
    expect(errnoOf('set=1', line)).toBe(22);
  });

  it.each([
    'what=1',
    `private_key=${key}`, // of the device
    'remove=1',
    'update_only=',
    `kem_public_key=${'11'.repeat(1183)}`,
    'preshared_key=00',
    'endpoint=example.org:9',
    'endpoint=192.0.2.1',
    'endpoint=192.0.2.1:0',
    'endpoint=fe80::1:9',
    'persistent_keepalive_interval=65536',
    'replace_allowed_ips=no',
    'allowed_ip=10.0.0.1',
    'allowed_ip=10.0.0.1/33',
    'allowed_ip=--10.0.0.1/32',
    'allowed_ip=',
    'protocol_version=2',
    'rx_bytes=1', // read only
    'last_handshake_time_sec=1',
    'pq_state=hybrid',
  ])('is refused as EINVAL with the peer line %s', (line) => {
    expect(errnoOf('set=1', peer, line)).toBe(22);
  });

  it('is refused as EPROTO where a line is no key=value', () => {
    expect(errnoOf('set=1', 'private_key')).toBe(71);
  });

  it('says what was wrong, and shows no value', () => {
    const secret = 'c0ffee'.repeat(10);
    for (const lines of [
      [`private_key=${secret}`],
      [secret],
      [`${secret}=1`],
      [peer, `endpoint=${secret}`],
    ]) {
      expect(() => setOf(...lines)).toThrow(UapiError);
      expect(() => setOf(...lines)).not.toThrow(secret.slice(0, 12));
    }
  });

  it('has its secrets wiped when it is done with, also those it set twice', () => {
    const request = setOf(`private_key=${key}`, peer, `preshared_key=${key}`);
    destroyRequest(request);
    expect(request.device.privateKey?.destroyed).toBe(true);
    expect(request.peers[0]?.presharedKey?.destroyed).toBe(true);
  });

  it('never throws anything but UapiError, whatever it is', () => {
    const word = fc.constantFrom(
      ...[
        'get=1',
        'set=1',
        'private_key',
        'public_key',
        'remove',
        'allowed_ip',
        'endpoint',
        'errno',
        '=',
        '',
      ],
      ...['true', '0', '1', key, zero, '-', '10.0.0.1/8', '::/0', '[::1]:1', 'fwmark=', 'listen_port='],
    );
    const line = fc.oneof(
      fc.array(word, { maxLength: 4 }).map((words) => Buffer.from(words.join(''), 'latin1')),
      fc.tuple(word, word).map(([a, b]) => Buffer.from(`${a}=${b}`, 'latin1')),
      fc.uint8Array({ maxLength: 80 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, set) => {
        const block = (set ? [Buffer.from('set=1'), ...lines] : lines).map((bytes) => Uint8Array.from(bytes));
        try {
          destroyRequest(parseRequest(block));
        } catch (error) {
          expect(error).toBeInstanceOf(UapiError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
