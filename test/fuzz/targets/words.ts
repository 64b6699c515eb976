/**
 * The words of `pqtun set`: any list of words becomes a request that the daemon's own schema takes, or a `CommandError`. Where a word
 * names a file, the harness puts a name that does not exist: what is in files is the business of `config`. Input: words, a zero
 * byte between.
 */
import { parseSetWords } from '@pqtun/daemon/src/commands/set-words.ts';
import { request as schema } from '@pqtun/daemon/src/control/protocol.ts';
import { CommandError } from '@pqtun/daemon/src/exit-codes.ts';
import { ascii, type FuzzTarget, must } from '../target.ts';
import { kemKey, keyOf } from './daemon-config.ts';

const key = Buffer.from(keyOf.other).toString('base64');
const kem = Buffer.from(kemKey).toString('base64');
const words = (...all: string[]): Uint8Array => ascii(all.join('\0'));

export const target: FuzzTarget = {
  name: 'words',
  about: 'the words of pqtun set',
  maxLength: 2500,
  executions: 80_000,
  seeds: [
    words('peer', key, 'remove'),
    words(
      'peer',
      key,
      'endpoint',
      '[::1]:51820',
      'allowed-ips',
      '10.0.0.0/8,::/0',
      'persistent-keepalive',
      'off',
    ),
    words(
      'peer',
      key,
      'kem-public-key',
      kem,
      'mode',
      'require',
      'rekey-profile',
      'metered',
      'peer',
      key,
      'update-only',
    ),
    words('peer', key, 'preshared-key', 'x', 'deployment-key', 'y', 'reset-timestamp'),
  ],
  dictionary: [
    ...[
      'peer',
      'remove',
      'update-only',
      'reset-timestamp',
      'kem-public-key',
      'mode',
      'require',
      'classical',
      'endpoint',
    ],
    ...[
      'persistent-keepalive',
      'off',
      'allowed-ips',
      'rekey-profile',
      'standard',
      'metered',
      'preshared-key',
      'deployment-key',
    ],
    ...['__proto__', 'constructor', '65535', '0.0.0.0/0', 'host.example:1', '[fe80::1%eth0]:9'],
  ].map((word) => ascii(`\0${word}\0`)),
  run(input) {
    const all = Buffer.from(input).toString('utf8').split('\0');
    for (let at = 1; at < all.length; at++)
      if (namesFile(all[at - 1], all[at])) all[at] = '/nonexistent/pqtun';
    try {
      const { request, secrets } = parseSetWords(all);
      must(secrets.length === 0, 'a secret that came from no file');
      const checked = schema.safeParse(request);
      must(checked.success || isLong(request), 'words made a request that the daemon refuses');
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      must(!/[^\P{Cc}]/u.test(error.message) && error.message.length < 2000, 'an error of more than a line');
      must(!error.message.includes(kem.slice(0, 60)), 'a key in an error');
    }
  },
};

function namesFile(word: string | undefined, value: string | undefined): boolean {
  if (word === 'preshared-key' || word === 'deployment-key') return value !== '';
  return (
    word === 'kem-public-key' &&
    !(value !== undefined && value.length > 1000 && /^[A-Za-z0-9+/=]+$/.test(value))
  );
}

/** Lengths are the schema's to refuse: nobody types them. */
function isLong(request: ReturnType<typeof parseSetWords>['request']): boolean {
  return request.peers.some(
    ({ kemPublicKey, endpoint }) => (kemPublicKey?.length ?? 0) > 2092 || (endpoint?.length ?? 0) > 300,
  );
}
