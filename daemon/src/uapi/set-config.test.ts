import { Secret } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import type { EndpointSpec, PeerConfig } from '@pqtun/tunnel';
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../address-text.ts';
import { parseConfig } from '../config/config-file.ts';
import { type DaemonConfig, secretsOf } from '../config/model.ts';
import { publicKeyCheck } from '../config/public-key-check.ts';
import {
  bytesOf,
  classicalLines,
  interfaceLines,
  noSources,
  peerLines,
  samples,
} from '../config/sample.test.kit.ts';
import { publicText } from '../secret-text.ts';
import { UapiError } from './errno.ts';
import { applySet, type KemMemory } from './set-config.ts';
import { hexOf, setOf } from './uapi.test.kit.ts';

const keys = publicKeyCheck();
const crypto = nodeSuite();
const hub = `public_key=${hexOf(samples.hub.publicKey)}`;
const plain = `public_key=${hexOf(samples.classical.publicKey)}`;
const strange = `public_key=${hexOf(samples.strong.publicKey)}`;
const kemOf = (of: { kemPublicKey: string }) => `kem_public_key=${hexOf(of.kemPublicKey)}`;
const psk = 'c1'.repeat(32);

const fileOf = (lines: readonly string[]): DaemonConfig =>
  parseConfig(bytesOf(lines.join('\n')), { file: 'pq0.conf', sources: noSources, keys });
const base = () => fileOf([...interfaceLines, ...peerLines, ...classicalLines]);
const allowing = () => fileOf([...interfaceLines, 'UapiPeers = classical', ...peerLines]);

interface Around {
  config?: DaemonConfig;
  memory?: KemMemory;
  at?: Record<string, EndpointSpec>;
}

function set(lines: readonly string[], { config = base(), memory = new Map(), at = {} }: Around = {}) {
  const request = setOf(...lines);
  const result = applySet(request, { config, keys, memory, endpointOf: (peer) => at[peer] });
  const peers = new Map(result.config.tunnel.peers.map((peer) => [publicText(peer.publicKey), peer]));
  const peerOf = (key: string) => peers.get(key);
  return { ...result, before: config, request, names: [...peers.keys()], peerOf };
}

const prefixes = (peer: PeerConfig | undefined) => peer?.allowedIps.map(formatPrefix);
const refusal = (lines: readonly string[], around: Around = {}) => {
  try {
    set(lines, around);
    return undefined;
  } catch (error) {
    if (error instanceof UapiError) return error.errno;
    throw error;
  }
};

describe('the device', () => {
  it('keeps everything when nothing is said', () => {
    const { config, before } = set([]);
    expect(config).toEqual(before);
    expect(config.tunnel.privateKey).toBe(before.tunnel.privateKey);
  });

  it('takes, keeps and clears a private key', () => {
    const taken = set([`private_key=${'40'.repeat(32)}`]);
    expect(taken.config.tunnel.privateKey?.borrow()[5]).toBe(0x40);
    expect(taken.config.tunnel.privateKey).not.toBe(taken.request.device.privateKey); // a copy
    const { privateKey } = taken.config.tunnel;
    const again = set([`private_key=${'40'.repeat(32)}`], { config: taken.config });
    expect(again.config.tunnel.privateKey).toBe(privateKey);
    expect(set([`private_key=${'00'.repeat(32)}`]).config.tunnel).not.toHaveProperty('privateKey');
  });

  it('takes port and mark; 0 keeps the port there is and clears the mark', () => {
    const changed = set(['listen_port=7', 'fwmark=9']).config;
    expect(changed.tunnel).toMatchObject({ listenPort: 7, fwMark: 9 });
    const cleared = set(['listen_port=0', 'fwmark=0'], { config: changed }).config;
    expect(cleared.tunnel.listenPort).toBe(7);
    expect(cleared.tunnel).not.toHaveProperty('fwMark');
  });

  it('does not have itself as a peer: neither from a request, nor when it becomes one', () => {
    const own = Buffer.alloc(32, 0x40);
    const publicKey = 'public_key='.concat(publicOf(own));
    expect(set([`private_key=${own.toString('hex')}`, publicKey]).names).toHaveLength(2);
    const there = set([publicKey, kemOf(samples.hub)]).config;
    expect(there.tunnel.peers).toHaveLength(3);
    expect(set([`private_key=${own.toString('hex')}`], { config: there }).names).toHaveLength(2);
  });
});

describe('peers', () => {
  it('are changed in what is said, and nothing else', () => {
    const { peerOf, before } = set([hub, 'persistent_keepalive_interval=25', `preshared_key=${psk}`]);
    const { presharedKey, ...rest } = peerOf(samples.hub.publicKey) ?? {};
    expect(presharedKey?.borrow()[0]).toBe(0xc1);
    expect(rest).toEqual({ ...before.tunnel.peers[0], persistentKeepalive: 25 });
    expect(peerOf(samples.classical.publicKey)).toEqual(before.tunnel.peers[1]);
  });

  it('lose what is cleared', () => {
    const { config } = set([hub, 'persistent_keepalive_interval=25', `preshared_key=${psk}`]);
    const lines = [hub, 'persistent_keepalive_interval=0', `preshared_key=${'00'.repeat(32)}`];
    expect(set(lines, { config }).peerOf(samples.hub.publicKey)).toEqual(base().tunnel.peers[0]);
  });

  it('keep the very secret when the same one is set, with the reference it has in the file', () => {
    const { config } = set([hub, `preshared_key=${psk}`]);
    for (const lines of [
      [hub, `preshared_key=${psk}`],
      ['replace_peers=true', hub, `preshared_key=${psk}`],
    ]) {
      const kept = set(lines, { config }).peerOf(samples.hub.publicKey);
      expect(kept?.presharedKey).toBe(config.tunnel.peers[0]?.presharedKey);
    }
  });

  it('are removed, and passed over when they are not there', () => {
    expect(set([hub, 'remove=true', strange, 'remove=true']).names).toEqual([samples.classical.publicKey]);
    expect(set([strange, 'update_only=true', 'persistent_keepalive_interval=1']).names).toHaveLength(2);
  });

  it('get the prefix they ask for last, in the order of the request', () => {
    const { peerOf } = set([
      ...[plain, 'allowed_ip=10.88.0.0/24', 'allowed_ip=10.7.0.0/16'],
      ...[hub, 'allowed_ip=10.9.0.0/16', 'allowed_ip=10.7.0.0/16'],
      ...[plain, 'allowed_ip=-10.9.0.0/16', 'allowed_ip=-10.99.0.0/16'],
    ]);
    expect(prefixes(peerOf(samples.hub.publicKey))).toEqual(['10.9.0.0/16', '10.7.0.0/16']);
    expect(prefixes(peerOf(samples.classical.publicKey))).toEqual(['10.88.0.0/24']);
  });

  it('have their prefixes replaced where that is said', () => {
    const { peerOf } = set([
      hub,
      'replace_allowed_ips=true',
      'allowed_ip=10.1.0.0/16',
      'allowed_ip=10.1.0.0/16',
    ]);
    expect(prefixes(peerOf(samples.hub.publicKey))).toEqual(['10.1.0.0/16']);
    expect(prefixes(set([hub, 'replace_allowed_ips=true']).peerOf(samples.hub.publicKey))).toEqual([]);
  });
});

describe('where a peer is', () => {
  const there = { host: '192.0.2.1', port: 51820 }; // as configured
  const elsewhere = { host: '198.51.100.1', port: 1 };
  const key = samples.hub.publicKey;
  const line = ({ host, port }: EndpointSpec) => `endpoint=${host}:${port}`;

  it('changes when another endpoint is set', () => {
    const { peerOf, moved } = set([hub, line(elsewhere)], { at: { [key]: there } });
    expect(peerOf(key)?.endpoint).toEqual(elsewhere);
    expect(moved).toEqual([]); // the configuration says it
  });

  it('changes when it had roamed and its configured endpoint is set again', () => {
    const { peerOf, moved } = set([hub, line(there)], { at: { [key]: elsewhere } });
    expect(peerOf(key)?.endpoint).toEqual(there);
    expect(moved.map(({ endpoint }) => endpoint)).toEqual([there]);
  });

  it('does not when it is there', () => {
    expect(set([hub, line(there)], { at: { [key]: there } }).moved).toEqual([]);
  });

  it('stays a name while the name leads there', () => {
    const config = fileOf([...interfaceLines, ...peerLines.slice(0, -1), 'Endpoint = hub.example:51820']);
    const kept = set([hub, line(there)], { config, at: { [key]: there } });
    expect(kept.peerOf(key)?.endpoint).toEqual({ host: 'hub.example', port: 51820 });
    const moved = set([hub, line(elsewhere)], { config, at: { [key]: there } });
    expect(moved.peerOf(key)?.endpoint).toEqual(elsewhere);
  });
});

describe('post-quantum keys', () => {
  const kemKey = Uint8Array.from(Buffer.from(samples.hub.kemPublicKey, 'base64'));

  it('outlive replace_peers, and what WireGuard has words for does not', () => {
    const { config } = set([hub, `preshared_key=${psk}`, 'persistent_keepalive_interval=9']);
    const { peerOf, names } = set(['replace_peers=true', hub], { config });
    expect(names).toEqual([samples.hub.publicKey]);
    expect(peerOf(samples.hub.publicKey)).toEqual({
      publicKey: config.tunnel.peers[0]?.publicKey,
      kemPublicKey: kemKey,
      mode: 'require',
      allowedIps: [],
    });
  });

  it('outlive removal within a request, and after it', () => {
    const again = set([hub, 'remove=true', hub]);
    expect(again.peerOf(samples.hub.publicKey)).toMatchObject({ mode: 'require', kemPublicKey: kemKey });
    expect(again.memory.size).toBe(0);
    for (const config of [base(), allowing()]) {
      const gone = set([hub, 'remove=true'], { config });
      const back = set([hub], { config: gone.config, memory: gone.memory });
      expect(back.peerOf(samples.hub.publicKey)).toMatchObject({ mode: 'require', kemPublicKey: kemKey });
      expect(back.memory.size).toBe(0);
    }
  });

  it('are remembered for a bounded number of peers, the latest', () => {
    const memory = new Map(Array.from({ length: 4096 }, (_, n) => [`k${n}`, kemKey]));
    const after = set([hub, 'remove=true'], { memory }).memory;
    expect(after.size).toBe(4096);
    expect([after.has('k0'), after.has(samples.hub.publicKey)]).toEqual([false, true]);
  });

  it('make a peer hybrid, new or classical before', () => {
    expect(set([strange, kemOf(samples.strong)]).peerOf(samples.strong.publicKey)).toMatchObject({
      mode: 'require',
    });
    const raised = set([plain, kemOf(samples.classical)]).peerOf(samples.classical.publicKey);
    expect(raised).toMatchObject({ mode: 'require', allowedIps: base().tunnel.peers[1]?.allowedIps });
  });

  it('are checked, and need a seed of our own', () => {
    expect(refusal([strange, `kem_public_key=${'ff'.repeat(1184)}`])).toBe(22);
    const config = fileOf([interfaceLines[0] ?? '', interfaceLines[1] ?? '', ...classicalLines]);
    expect(refusal([strange, kemOf(samples.strong)], { config })).toBe(22);
  });

  it('are what a new peer needs, unless classical ones are allowed', () => {
    expect(refusal([strange])).toBe(95);
    expect(refusal(['replace_peers=true', strange])).toBe(95);
    const { peerOf } = set([strange, 'allowed_ip=10.1.0.0/16'], { config: allowing() });
    expect(peerOf(samples.strong.publicKey)).toMatchObject({ mode: 'classical' });
  });

  it('are not needed for classical peers there are, also when all are replaced', () => {
    expect(set([plain, 'persistent_keepalive_interval=3']).peerOf(samples.classical.publicKey)?.mode).toBe(
      'classical',
    );
    expect(set(['replace_peers=true', plain]).peerOf(samples.classical.publicKey)?.mode).toBe('classical');
  });
});

describe('a request that is refused', () => {
  it('leaves no copy of its secrets, and the configuration as it was', () => {
    const config = base();
    const copies: Secret[] = [];
    const copyOf = Secret.copyOf;
    Secret.copyOf = (source) => {
      const copy = copyOf.call(Secret, source);
      copies.push(copy);
      return copy;
    };
    try {
      expect(
        refusal([`private_key=${'40'.repeat(32)}`, hub, `preshared_key=${psk}`, strange], { config }),
      ).toBe(95);
    } finally {
      Secret.copyOf = copyOf;
    }
    expect(copies.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(config).toEqual(base());
    expect(secretsOf(config.tunnel).every((secret) => !secret.destroyed)).toBe(true);
  });

  it('is one with a key of low order', () => {
    expect(refusal([`public_key=${'00'.repeat(32)}`, kemOf(samples.strong)])).toBe(22);
  });
});

/** X25519 public key in hexadecimal. */
function publicOf(privateKey: Uint8Array): string {
  return Buffer.from(crypto.dhPrivate(privateKey).publicKey).toString('hex');
}
