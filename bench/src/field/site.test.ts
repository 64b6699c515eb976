import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, it } from 'vitest';
import { PrivateFolder } from './private-folder.ts';
import { base64Bytes, SiteKeys, writeConfig } from './site.ts';

const crypto = nodeSuite();

describe('base64 as bytes', () => {
  it('is that of RFC 4648, for every length and byte', () => {
    for (let length = 0; length < 70; length++) {
      const bytes = crypto.random(length);
      expect(Buffer.from(base64Bytes(bytes)).toString()).toBe(Buffer.from(bytes).toString('base64'));
    }
    const every = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(Buffer.from(base64Bytes(every)).toString()).toBe(Buffer.from(every).toString('base64'));
  });
});

describe('a configuration', () => {
  it('has its keys and peers, and nobody else can read it; its folder goes with it', () => {
    using own = new SiteKeys(crypto);
    using peer = new SiteKeys(crypto);
    const folder = new PrivateFolder();
    folder.make('left');
    const file = writeConfig(folder, join('left', 'pq0.conf'), {
      keys: own,
      address: '10.88.0.1/24',
      port: 51_820,
      mtu: 1420,
      peers: [
        { publicKey: peer.publicKey, kemPublicKey: peer.kemPublicKey, allowedIps: '10.88.0.2/32' },
        {
          publicKey: own.publicKey,
          kemPublicKey: own.kemPublicKey,
          allowedIps: '10.88.0.3/32',
          endpoint: '192.0.2.2:7',
        },
      ],
    });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines[0]).toBe('[Interface]');
    expect(lines[1]).toMatch(/^PrivateKey = [A-Za-z0-9+/]{43}=$/);
    expect(lines[2]).toMatch(/^KemSeed = [A-Za-z0-9+/]{86}==$/);
    expect(lines.slice(3)).toEqual([
      ...['Address = 10.88.0.1/24', 'ListenPort = 51820', 'MTU = 1420'],
      ...['[Peer]', `PublicKey = ${peer.publicKey}`, `KemPublicKey = ${peer.kemPublicKey}`],
      ...['AllowedIPs = 10.88.0.2/32'],
      ...['[Peer]', `PublicKey = ${own.publicKey}`, `KemPublicKey = ${own.kemPublicKey}`],
      ...['AllowedIPs = 10.88.0.3/32', 'Endpoint = 192.0.2.2:7', ''],
    ]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder.path, 'left')).mode & 0o777).toBe(0o700);
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    folder[Symbol.dispose]();
    expect(existsSync(folder.path)).toBe(false);
    folder[Symbol.dispose](); // harmless
  });

  it('has the secret of its keys: its public keys are theirs', () => {
    using keys = new SiteKeys(crypto);
    expect(Buffer.from(keys.publicKey, 'base64')).toHaveLength(32);
    expect(Buffer.from(keys.kemPublicKey, 'base64')).toHaveLength(1184);
    const [first = ''] = Buffer.from(keys.secretLines()).toString().split('\n');
    const secret = Buffer.from(first.replace('PrivateKey = ', ''), 'base64');
    expect(Buffer.from(crypto.dhPrivate(secret).publicKey).toString('base64')).toBe(keys.publicKey);
  });
});
