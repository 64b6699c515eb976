/** A daemon's configuration that requests are made to: a hybrid peer, a classical one. Secrets and keys are the same every time. */
import { Secret } from '@pqtun/core';
import type { DaemonConfig, PublicKeyCheck } from '@pqtun/daemon';
import { checkConfig } from '@pqtun/tunnel';
import { must } from '../target.ts';

const filled = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);

/** Ours is as X25519 clamps it, so that it comes back over UAPI as it is. */
const own = filled(0x44);
own[0] = 0x40;
export const keyOf = { hybrid: filled(0x11), classical: filled(0x22), other: filled(0x33), own };
export const kemKey = filled(0x55, 1184);

export function daemonConfig(uapiPeers: DaemonConfig['uapiPeers'] = 'refuse'): DaemonConfig {
  return {
    tunnel: {
      privateKey: new Secret(keyOf.own.slice()),
      kemSeed: new Secret(filled(2, 64)),
      listenPort: 51820,
      peers: [
        {
          publicKey: keyOf.hybrid,
          kemPublicKey: kemKey,
          mode: 'require',
          presharedKey: new Secret(filled(3)),
          allowedIps: [{ ip: Uint8Array.of(10, 0, 0, 0), bits: 24 }],
          endpoint: { host: '192.0.2.1', port: 51820 },
        },
        {
          publicKey: keyOf.classical,
          mode: 'classical',
          allowedIps: [{ ip: Uint8Array.of(10, 0, 1, 0), bits: 24 }],
          persistentKeepalive: 25,
        },
      ],
    },
    link: { addresses: [], dnsServers: [], dnsSearch: [], table: 'auto' },
    dataPath: { plane: 'auto', aead: 'auto', offloads: {}, clampMss: true },
    hooks: { preUp: [], postUp: [], preDown: [], postDown: [] },
    saveConfig: false,
    uapiPeers,
    friendlyNames: new Map(),
    references: new Map(),
  };
}

/** Cheap stand-ins for what needs cryptography: first byte 0xff is refused, and our own public key is our private one. */
export const keyCheck: PublicKeyCheck = {
  dhProblem: (key, own) =>
    key[0] === 0xff
      ? 'a key of low order'
      : own !== undefined && keyCheck.isOwn(key, own)
        ? 'our own public key'
        : undefined,
  isOwn: (key, own) => Buffer.compare(key, own.borrow()) === 0,
  kemAccepted: (key) => key[0] !== 0xff,
};

/** What a request led to must be a configuration that the tunnel takes, in which no prefix belongs to two. */
export function mustBeSound(config: DaemonConfig): void {
  const { privateKey, ...rest } = config.tunnel;
  checkConfig({ privateKey: privateKey ?? new Secret(keyOf.own.slice()), ...rest });
  const prefixes = config.tunnel.peers.flatMap(({ allowedIps }) =>
    allowedIps.map(({ ip, bits }) => `${ip}/${bits}`),
  );
  must(new Set(prefixes).size === prefixes.length, 'a prefix belongs to two peers');
}

/** All of a configuration as text, secrets too. */
export function shown(config: DaemonConfig): string {
  return (
    JSON.stringify(config.tunnel, (_, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    ) + secretText(config)
  );
}

function secretText({ tunnel }: DaemonConfig): string {
  const hex = (secret: Secret | undefined) =>
    secret === undefined ? '-' : Buffer.from(secret.borrow()).toString('hex');
  const { privateKey, kemSeed, peers } = tunnel;
  return [
    hex(privateKey),
    hex(kemSeed),
    ...peers.flatMap((peer) => [hex(peer.presharedKey), hex(peer.deploymentKey)]),
  ].join();
}
