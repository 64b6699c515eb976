/** Configurations for tests, built from lines so that a test changes one of them. Keys are generated once per process. */
import { nodeSuite } from '@pqtun/core/node';
import { publicText } from '../secret-text.ts';
import type { KeySources } from './key-source.ts';

const crypto = nodeSuite();

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf8'));

const party = (suite: 1 | 2) => {
  const dh = crypto.dhPrivate();
  const kem = crypto.kemPrivate(suite);
  return { publicKey: publicText(dh.publicKey), kemPublicKey: publicText(kem.publicKey) };
};

export const samples = {
  privateKey: publicText(crypto.random(32)),
  kemSeed: publicText(crypto.random(64)),
  presharedKey: publicText(crypto.random(32)),
  deploymentKey: publicText(crypto.random(32)),
  hub: party(1),
  strong: party(2),
  classical: party(1),
};

export const interfaceLines = [
  '[Interface]',
  `PrivateKey = ${samples.privateKey}`,
  `KemSeed = ${samples.kemSeed}`,
  'Address = 10.88.0.2/24, fd00:88::2/64',
  'ListenPort = 51820',
];
export const peerLines = [
  '[Peer]',
  `PublicKey = ${samples.hub.publicKey}`,
  `KemPublicKey = ${samples.hub.kemPublicKey}`,
  'AllowedIPs = 10.88.0.0/24',
  'Endpoint = 192.0.2.1:51820',
];
export const classicalLines = [
  '[Peer]',
  `PublicKey = ${samples.classical.publicKey}`,
  'Mode = classical',
  'AllowedIPs = 10.99.0.0/16',
];

/** No file and no credential exists. */
export const noSources: KeySources = {
  file(path) {
    throw new Error(`cannot open ${path} (ENOENT)`);
  },
  credential(name) {
    throw new Error(`cannot open credential ${name} (ENOENT)`);
  },
};
