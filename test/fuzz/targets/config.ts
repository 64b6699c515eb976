/**
 * The configuration file: any bytes become a configuration or a `ConfigError`. Whatever is refused tells no secret and fits a
 * terminal; whatever is taken is one the tunnel takes too, and written and read again it is the same.
 */
import type { Secret } from '@pqtun/core';
import {
  ConfigError,
  destroyConfig,
  type KeySources,
  type PublicKeyCheck,
  parseConfig,
  writeConfig,
  writeStripped,
} from '@pqtun/daemon';
import { interfaceFields } from '@pqtun/daemon/src/config/interface-fields.ts';
import { type DaemonConfig, secretsOf } from '@pqtun/daemon/src/config/model.ts';
import { peerFields } from '@pqtun/daemon/src/config/peer-fields.ts';
import { type Token, tokens } from '@pqtun/daemon/src/config/tokenizer.ts';
import { checkConfig } from '@pqtun/tunnel';
import { ascii, type FuzzTarget, must } from '../target.ts';

const key = (fill: number, length = 32): string => Buffer.alloc(length, fill).toString('base64');
const lines = (...text: string[]): Uint8Array => ascii(`${text.join('\n')}\n`);
const kem = key(0x41, 1184);

const whole = lines(
  '[Interface]',
  `PrivateKey = ${key(1)}`,
  `KemSeed = ${key(2, 64)}`,
  'Address = 10.88.0.2/24, fd00:88::2/64',
  'ListenPort = 51820',
  'MTU = 1420',
  'DNS = 10.0.0.53, example.net',
  'Table = off',
  'FwMark = 0xca6c',
  'PostUp = echo up',
  'SaveConfig = true',
  'UapiPeers = classical',
  'Plane = native',
  'Aead = evp',
  'Offloads = -uso, -udp-gso',
  'ClampMss = false',
  'DeploymentKey = none',
  '[Peer]',
  '# friendly_name = hub',
  `PublicKey = ${key(3)}`,
  'Mode = classical',
  `PresharedKey = ${key(4)}`,
  'AllowedIPs = 10.0.0.0/8, fd00::/16',
  'Endpoint = [2001:db8::1]:51820',
  'PersistentKeepalive = 25',
);

export const target: FuzzTarget = {
  name: 'config',
  about: 'configuration files: refused without telling, or taken and stable',
  maxLength: 4096,
  executions: 40_000,
  seeds: [
    whole,
    lines('[Interface]', `PrivateKey=${key(1)}`),
    lines(
      '[Interface]',
      `PrivateKey=${key(1)}`,
      `KemSeed=${key(2, 64)}`,
      '[Peer]',
      `PublicKey=${key(5)}`,
      `KemPublicKey=${kem}`,
      'RekeyProfile=metered',
      `DeploymentKey=${key(6)}`,
    ),
    lines(
      '[Interface]',
      'PrivateKey = file:key',
      'KemSeed = credential:seed',
      '[Peer]',
      'PublicKey=file:a',
      'Endpoint=name.example:1',
    ),
  ],
  dictionary: [
    ...[...interfaceFields, ...peerFields].map(({ name }) => ascii(`\n${name} = `)),
    ...[
      '[Interface]\n',
      '[Peer]\n',
      '\n# friendly_name = x\n',
      'none',
      'off',
      'auto',
      'file:key',
      'credential:seed',
    ].map(ascii),
    ...[
      '0x10',
      '65535',
      '4294967295',
      '::',
      '::1',
      '0.0.0.0/0',
      '::/0',
      '127.0.0.1',
      '/128',
      '\r\n',
      '\xef\xbb\xbf',
    ].map(ascii),
    ascii(key(1)),
    ascii(key(7)),
  ],
  run(input) {
    checkTokens(input);
    const bytes = input.slice();
    const config = parsed(bytes);
    must(Buffer.compare(bytes, input) === 0, 'parsing changed the file');
    if (config === undefined) return;
    const text = writeConfig(config);
    const again = parsed(text);
    must(again !== undefined, 'a configuration that was written is refused');
    must(
      Buffer.compare(writeConfig(again), text) === 0,
      'written, read and written, a configuration differs',
    );
    must(shown(again) === shown(config), 'written and read, a configuration differs');
    // for `wg`, which has no Mode: with peers it is none of ours
    const stripped = writeStripped(config, { hybrid: false });
    must(config.tunnel.peers.length > 0 || parsed(stripped) !== undefined, 'what is stripped is refused');
    const { privateKey, ...rest } = config.tunnel;
    must(privateKey !== undefined, 'a file without a private key was taken');
    checkConfig({ privateKey, ...rest });
    destroyConfig(again);
    destroyConfig(config);
    must(
      secretsOf(config.tunnel).every(({ destroyed }) => destroyed),
      'a secret outlived its configuration',
    );
  },
};

const files: Readonly<Record<string, string>> = {
  key: `PrivateKey = ${key(9)}\nKemSeed = ${key(8, 64)}\n`,
  seed: key(8, 64),
  a: key(10),
};
const sources: KeySources = {
  file: (path) => ascii(files[path] ?? missing(path)),
  credential: (name) => ascii(files[name] ?? missing(name)),
};

function missing(name: string): never {
  throw new Error(`cannot open ${name.slice(0, 30)} (ENOENT)`);
}

/** Cheap stand-ins for what needs cryptography. */
const keys: PublicKeyCheck = {
  dhProblem: (given, own) =>
    given[0] === 0xff ? 'a key of low order' : own && isOwn(given, own) ? 'our own' : undefined,
  isOwn,
  kemAccepted: (given) => given[0] !== 0xff,
};

function isOwn(given: Uint8Array, own: Secret): boolean {
  return Buffer.compare(given, own.borrow()) === 0;
}

function parsed(bytes: Uint8Array): DaemonConfig | undefined {
  const allowHooks = bytes.length % 4 !== 3;
  try {
    return parseConfig(bytes, {
      file: 'pq0.conf',
      sources,
      allowHooks: allowHooks || isWritten(bytes),
      keys,
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    checkError(error);
    return undefined;
  }
}

/** What we wrote ourselves may hold the hooks that were allowed before. */
function isWritten(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 12)).toString('latin1') === '[Interface]\n';
}

function checkError({ message, problems }: ConfigError): void {
  must(problems.length >= 1 && problems.length <= 20, 'a refusal with no problem, or with too many');
  must(message.split('\n').length === problems.length, 'a problem of more than one line');
  must(!/[^\P{Cc}\n]/u.test(message), 'a control character in an error');
  must(!/[A-Za-z0-9+/]{40}/.test(message), 'something like a key in an error');
  for (const { got, expected } of problems)
    must(got.length < 400 && expected.length < 700, 'a very long problem');
}

/** A configuration as text, secrets as their bytes: it is a test's. */
function shown(config: DaemonConfig): string {
  return (
    JSON.stringify(config, (_, value: unknown) => {
      if (value instanceof Map)
        return [...value].map(([name, text]) => (typeof name === 'string' ? [name, text] : text)).sort();
      if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
      return value;
    }) + secretsOf(config.tunnel).map((secret) => Buffer.from(secret.borrow()).toString('hex'))
  );
}

/* the tokenizer against a twin of strings */

function checkTokens(input: Uint8Array): void {
  const fast = [...tokens(input)].map(describe);
  const slow = twin(Buffer.from(input).toString('latin1'));
  must(fast.join('\n') === slow.join('\n'), 'tokenizer and twin disagree');
}

function describe(token: Token): string {
  const value = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString('latin1'));
  switch (token.kind) {
    case 'section':
      return `${token.line} section ${token.name}`;
    case 'entry':
      return `${token.line} ${token.key}=${value(token.value)}`;
    case 'friendly-name':
      return `${token.line} friendly ${value(token.value)}`;
    default:
      return `${token.line} bad`;
  }
}

/** Lines of the dialect by regular expressions over Latin-1 text. */
function twin(file: string): string[] {
  const found: string[] = [];
  const all = file.split('\n');
  if (all.at(-1) === '') all.pop();
  for (const [at, raw] of all.entries()) {
    const [before = '', comment] = raw.split(/#(.*)/s, 2);
    const text = before.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    const line = at + 1;
    if (text === '') {
      const named = /^[ \t\r]*friendly_name[ \t\r]*=[ \t\r]*(.*?)[ \t\r]*$/s.exec(comment ?? '');
      if (named !== null) found.push(`${line} friendly ${JSON.stringify(named[1])}`);
      continue;
    }
    const section = /^\[[ \t\r]*([A-Za-z_]{1,32})[ \t\r]*\]$/.exec(text);
    const entry = /^([A-Za-z_]{1,32})[ \t\r]*=[ \t\r]*(.*)$/s.exec(text);
    if (text.includes('\0')) found.push(`${line} bad`);
    else if (text.startsWith('['))
      found.push(section === null ? `${line} bad` : `${line} section ${section[1]}`);
    else if (entry === null) found.push(`${line} bad`);
    else found.push(`${line} ${entry[1]}=${JSON.stringify(entry[2])}`);
  }
  return found;
}
