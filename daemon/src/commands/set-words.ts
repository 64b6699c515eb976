/** The words of `pqtun set`, as `wg set` has them → a request. Keys come from files, into buffers. */
import { Secret, wipe } from '@pqtun/core';
import { parseEndpoint } from '../address-text.ts';
import { keySources, readKeyFile } from '../config/key-files.ts';
import { readKey } from '../config/key-source.ts';
import { parseAllowedIp, parseKeepalive, parseMode, parseProfile } from '../config/peer-fields.ts';
import type { RequestInput } from '../control/protocol.ts';
import { placeholder } from '../control/secret-fields.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { publicText, trimmed } from '../secret-text.ts';

type SetRequest = RequestInput & { op: 'set' };
type Change = { -readonly [K in keyof SetRequest['peers'][number]]: SetRequest['peers'][number][K] };

export const setWords =
  'peer <public-key> [remove] [update-only] [reset-timestamp] [kem-public-key <key|file>] [mode require|classical] ' +
  '[preshared-key <file>] [deployment-key <file>] [endpoint <host:port>] [persistent-keepalive <seconds|off>] ' +
  '[allowed-ips <list>] [rekey-profile standard|metered] [peer …]';

/** The request and the secrets its placeholders stand for, which the caller destroys. Throws `CommandError` `usage`. */
export function parseSetWords(words: readonly string[]): { request: SetRequest; secrets: Secret[] } {
  const reader = new WordReader(words);
  try {
    while (!reader.atEnd) reader.word();
  } catch (error) {
    for (const secret of reader.secrets) secret.destroy();
    throw error;
  }
  if (reader.peers.length === 0) throw usage(`expected ${setWords}`);
  return { request: { v: 1, op: 'set', peers: reader.peers }, secrets: reader.secrets };
}

class WordReader {
  readonly secrets: Secret[] = [];
  readonly peers: Change[] = [];
  readonly #words: string[];

  constructor(words: readonly string[]) {
    this.#words = [...words];
  }

  get atEnd(): boolean {
    return this.#words.length === 0;
  }

  word(): void {
    const word = this.#words.shift() ?? '';
    if (word === 'peer') {
      this.peers.push({ publicKey: this.#publicKey() });
      return;
    }
    const peer = this.peers.at(-1);
    const read = Object.hasOwn(this.#readers, word) ? this.#readers[word] : undefined;
    if (peer === undefined) throw usage(`expected "peer <public-key>" first; ${setWords}`);
    if (read === undefined)
      throw usage(`set: unknown word${/^[a-z-]{1,30}$/.test(word) ? ` ${word}` : ''}; expected ${setWords}`);
    read(peer, word);
  }

  readonly #readers: Record<string, (peer: Change, word: string) => void> = {
    remove: (peer) => {
      peer.remove = true;
    },
    'update-only': (peer) => {
      peer.updateOnly = true;
    },
    'reset-timestamp': (peer) => {
      peer.resetTimestamp = true;
    },
    'kem-public-key': (peer, word) => {
      peer.kemPublicKey = this.#kemPublicKey(word);
    },
    mode: (peer, word) => {
      peer.mode = this.#value(word, 'require or classical', parseMode);
    },
    'preshared-key': (peer, word) => {
      peer.presharedKey = this.#secret(word);
    },
    'deployment-key': (peer, word) => {
      peer.deploymentKey = this.#secret(word);
    },
    endpoint: (peer, word) => {
      peer.endpoint = this.#value(word, 'host:port', (text) => (parseEndpoint(text) ? text : undefined));
    },
    'persistent-keepalive': (peer, word) => {
      peer.persistentKeepalive = this.#value(word, 'off or seconds from 0 to 65535', parseKeepalive);
    },
    'allowed-ips': (peer, word) => {
      peer.allowedIps = this.#value(word, 'prefixes such as 10.0.0.0/8,fd00::/16', parseAllowedList);
    },
    'rekey-profile': (peer, word) => {
      peer.rekeyProfile = this.#value(word, 'standard or metered', parseProfile);
    },
  };

  #publicKey(): string {
    return this.#value('peer', 'a public key in base64', (text) =>
      /^[A-Za-z0-9+/]{43}=$/.test(text) ? text : undefined,
    );
  }

  #value<T>(word: string, expected: string, parse: (text: string) => T | undefined): T {
    const text = this.#words.shift();
    const value = text === undefined ? undefined : parse(text);
    if (value === undefined) throw usage(`set: ${word}: expected ${expected}`);
    return value;
  }

  /** Base64 itself, or a file that holds it or a line `KemPublicKey = …`. */
  #kemPublicKey(word: string): string {
    const text = this.#value(word, 'base64 of an ML-KEM public key, or a file', (given) => given);
    if (text.length > 1000 && /^[A-Za-z0-9+/=]+$/.test(text)) return text;
    const shape = { name: 'KemPublicKey', byteLengths: [1184, 1568], secret: false };
    const key = readKey(Buffer.from(`file:${text}`), shape, keySources(process.cwd(), undefined));
    if (key.kind === 'refused')
      throw new CommandError(exitCodes.failure, `set: ${word}: got ${key.got}, expected ${key.expected}`);
    return publicText(key.bytes);
  }

  /** As `wg set`: the name of a file; an empty file clears the key. */
  #secret(word: string): string | null {
    const file = this.#value(word, 'a file with the key', (text) => (text === '' ? undefined : text));
    const contents = readKeyFile(file, { secret: true, maxLength: 4096 });
    try {
      if (trimmed(contents).length === 0) return null;
      const key = readKey(
        trimmed(contents),
        { name: word, byteLengths: [32], secret: true },
        keySources(process.cwd(), undefined),
      );
      if (key.kind === 'refused')
        throw new CommandError(
          exitCodes.failure,
          `set: ${word}: ${file}: got ${key.got}, expected base64 of 32 bytes`,
        );
      this.secrets.push(new Secret(key.bytes));
      return placeholder(this.secrets.length - 1);
    } finally {
      wipe(contents);
    }
  }
}

function parseAllowedList(text: string): string[] | undefined {
  if (text === '') return [];
  const items = text.split(',').map((item) => item.trim());
  return items.every((item) => parseAllowedIp(item) !== undefined) ? items : undefined;
}

function usage(message: string): CommandError {
  return new CommandError(exitCodes.usage, message);
}
