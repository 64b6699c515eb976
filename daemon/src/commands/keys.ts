/** genkey, pubkey, id, genpsk: key material on stdin and stdout, in buffers that are wiped. */
import { type SuiteId, wipe } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { keySources } from '../config/key-files.ts';
import { SecretWriter } from '../config/write.ts';
import { call } from '../control/client.ts';
import { status } from '../control/status.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import {
  destroyMaterial,
  fingerprintOf,
  type KeyMaterial,
  publicKeysOf,
  readKeyMaterial,
} from '../key-material.ts';
import { encodeBase64, publicText } from '../secret-text.ts';
import {
  type CommandSpec,
  checkedInterface,
  choice,
  createSecretFile,
  flag,
  type Io,
  type Options,
  optionalText,
  printSecret,
  runtimeOption,
  textOption,
} from './command.ts';

const suiteOption = ['--suite <n>', '1: ML-KEM-768, 2: ML-KEM-1024', '1'] as const;
const outOption = ['--out <file>', 'write to a new file, mode 0600, instead of stdout'] as const;

export const keyCommands: readonly CommandSpec[] = [
  {
    name: 'genkey',
    summary: 'make a private key',
    details:
      'Prints "PrivateKey = …" (X25519) and "KemSeed = …" (ML-KEM, for both suites), fit for [Interface].',
    options: [['--wg', 'one bare X25519 key, as `wg genkey` prints it'], outOption],
    examples: ['pqtun genkey --out /etc/pqtun/pq0.key', 'pqtun genkey | tee pq0.key | pqtun pubkey'],
    async run(io, _args, options) {
      await deliver(io, options, flag(options, 'wg') ? bareKey() : keyLines());
      return undefined;
    },
  },
  {
    name: 'pubkey',
    summary: 'print the public keys that belong to private ones on stdin',
    details:
      'Takes a bare key, lines of genkey, or a whole configuration; prints PublicKey and KemPublicKey for the other side’s [Peer].',
    options: [suiteOption],
    examples: ['pqtun pubkey < /etc/pqtun/pq0.conf', 'pqtun pubkey --suite 2 < pq0.key > pq0.pub'],
    async run(io, _args, options) {
      const suite = suiteOf(options);
      const keys = withMaterial(io, (material) => publicKeysOf(material, nodeSuite(), suite));
      await io.out(`PublicKey = ${publicText(keys.publicKey)}\n`);
      if (keys.kemPublicKey !== undefined) await io.out(`KemPublicKey = ${publicText(keys.kemPublicKey)}\n`);
      else io.error('pqtun pubkey: no KemSeed, so this party can only be classical\n');
      return undefined;
    },
  },
  {
    name: 'id',
    args: '[interface]',
    summary: 'print the fingerprint people compare',
    details: 'Of keys on stdin (private ones, or PublicKey and KemPublicKey), or of a running interface.',
    options: [suiteOption, runtimeOption],
    examples: ['pqtun id < /etc/pqtun/pq0.conf', 'pqtun id < pq0.pub', 'pqtun id pq0'],
    async run(io, [name], options) {
      const suite = suiteOf(options);
      const text =
        name === undefined
          ? withMaterial(io, (material) =>
              fingerprintOf(publicKeysOf(material, nodeSuite(), suite), nodeSuite()),
            )
          : await runningId(name, suite, options);
      await io.out(`${text}\n`);
      return undefined;
    },
  },
  {
    name: 'genpsk',
    summary: 'make a pre-shared key',
    options: [outOption],
    examples: ['pqtun genpsk --out hub.psk'],
    async run(io, _args, options) {
      await deliver(io, options, bareKey());
      return undefined;
    },
  },
];

async function runningId(name: string, suite: SuiteId, options: Options): Promise<string> {
  const target = {
    runtimeDirectory: textOption(options, 'runtimeDir'),
    interfaceName: checkedInterface(name),
  };
  const { fingerprints } = status.parse(await call({ v: 1, op: 'status' }, target));
  const text = fingerprints[String(suite)];
  if (text === undefined)
    throw new CommandError(exitCodes.failure, `${name} has no KEM key, so it has no ID`);
  return text;
}

function suiteOf(options: Options): SuiteId {
  return choice(options, 'suite', ['1', '2']) === '1' ? 1 : 2;
}

function withMaterial<T>(io: Io, use: (material: KeyMaterial) => T): T {
  const text = io.stdin();
  let material: KeyMaterial | undefined;
  try {
    material = readKeyMaterial(text, keySources(process.cwd(), io.env['CREDENTIALS_DIRECTORY']));
    return use(material);
  } finally {
    wipe(text);
    if (material !== undefined) destroyMaterial(material);
  }
}

function keyLines(): Uint8Array {
  const crypto = nodeSuite();
  const [privateKey, kemSeed] = [clamped(crypto.random(32)), crypto.random(64)];
  const text = new SecretWriter().secretLine('PrivateKey', privateKey).secretLine('KemSeed', kemSeed).take();
  wipe(privateKey, kemSeed);
  return text;
}

/** 32 random bytes; clamped, so that `wg` prints the same key it read. */
function bareKey(): Uint8Array {
  const key = clamped(nodeSuite().random(32));
  const base64 = encodeBase64(key);
  const text = new SecretWriter().bytes(base64).text('\n').take();
  wipe(key, base64);
  return text;
}

/** RFC 7748 §5. */
function clamped(key: Uint8Array): Uint8Array {
  key[0] = (key[0] ?? 0) & 248;
  key[31] = ((key[31] ?? 0) & 127) | 64;
  return key;
}

async function deliver(io: Io, options: Options, text: Uint8Array): Promise<void> {
  const file = optionalText(options, 'out');
  if (file === undefined) await printSecret(io, text);
  else createSecretFile(file, text);
}
