/**
 * The socket `wg` speaks to: bytes in pieces become blocks of lines, blocks requests or a `UapiError`, requests another configuration
 * or a refusal that changes nothing; what `get` answers is a `set` that leads to itself. Input: how it is cut, then the bytes.
 */
import type { DaemonConfig } from '@pqtun/daemon';
import { errno, UapiError } from '@pqtun/daemon/src/uapi/errno.ts';
import { getAnswer } from '@pqtun/daemon/src/uapi/get-answer.ts';
import { destroyRequest, parseRequest, type SetRequest } from '@pqtun/daemon/src/uapi/request.ts';
import { type RequestBlock, RequestBlocks } from '@pqtun/daemon/src/uapi/request-blocks.ts';
import { applySet } from '@pqtun/daemon/src/uapi/set-config.ts';
import { ascii, type FuzzTarget, must } from '../target.ts';
import { daemonConfig, kemKey, keyCheck, keyOf, mustBeSound, shown } from './daemon-config.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const set = (...lines: string[]): Uint8Array => ascii(`\x09${['set=1', ...lines].join('\n')}\n\n`);

export const target: FuzzTarget = {
  name: 'uapi',
  about: 'the socket of wg: requests in pieces, configurations that result, answers that lead to themselves',
  maxLength: 6000,
  executions: 45_000,
  seeds: [
    ascii('\x05get=1\n\n'),
    set(`private_key=${hex(keyOf.own)}`, 'listen_port=1', 'fwmark=7', 'replace_peers=true'),
    set(
      `public_key=${hex(keyOf.hybrid)}`,
      'endpoint=[::1]:51820',
      'persistent_keepalive_interval=0',
      'allowed_ip=10.0.1.0/24',
    ),
    set(
      `public_key=${hex(keyOf.classical)}`,
      'remove=true',
      `public_key=${hex(keyOf.classical)}`,
      'replace_allowed_ips=true',
    ),
    set(
      `public_key=${hex(keyOf.other)}`,
      `kem_public_key=${hex(kemKey)}`,
      `preshared_key=${hex(keyOf.other)}`,
      'allowed_ip=::/0',
    ),
    set(
      'replace_peers=true',
      `public_key=${hex(keyOf.hybrid)}`,
      'allowed_ip=-10.0.0.0/24',
      'update_only=true',
      'protocol_version=1',
    ),
  ],
  dictionary: [
    ...[
      'get=1\n\n',
      'set=1\n',
      'private_key=',
      'listen_port=',
      'fwmark=',
      'replace_peers=true\n',
      'public_key=',
      'remove=true\n',
    ],
    ...[
      'update_only=true\n',
      'kem_public_key=',
      'preshared_key=',
      'endpoint=',
      'persistent_keepalive_interval=',
    ],
    ...[
      'replace_allowed_ips=true\n',
      'allowed_ip=',
      'allowed_ip=-',
      'protocol_version=1\n',
      '\n\n',
      '__proto__=',
      '=',
      '-',
    ],
    ...[keyOf.hybrid, keyOf.classical, keyOf.other, keyOf.own, new Uint8Array(32)].map(
      (key) => `public_key=${hex(key)}\n`,
    ),
    ...[keyOf.hybrid, keyOf.other, new Uint8Array(32)].map((key) => `preshared_key=${hex(key)}\n`),
    ...['192.0.2.1:1', '[fe80::1%1]:1', '10.0.0.0/24', '::ffff:10.0.0.0/120', '65535', '4294967295'],
  ].map(ascii),
  run(input) {
    const [cut = 0] = input;
    for (const block of framed(input.subarray(1), cut))
      answer(block, (cut & 1) === 0 ? 'refuse' : 'classical');
  },
};

function framed(sent: Uint8Array, cut: number): RequestBlock[] {
  const whole = new RequestBlocks();
  const blocks: RequestBlock[] = [];
  for (let at = 0, nth = 0; at < sent.length; nth++) {
    const length = 1 + ((cut * (nth + 1)) % 101);
    const piece = sent.slice(at, at + length);
    at += length;
    const done = whole.push(piece);
    must(
      piece.every((byte) => byte === 0),
      'a piece that was taken is not wiped',
    );
    if (done === undefined) {
      must(
        Buffer.from(sent)
          .toString('latin1')
          .split('\n')
          .some((line) => line.length > 4096),
        'a legal line was refused',
      );
      return blocks;
    }
    blocks.push(...done);
  }
  const slow = Buffer.from(sent).toString('latin1').split('\n');
  slow.pop(); // not ended
  const expected = slow
    .join('\n')
    .concat('\n')
    .split(/\n\n+/)
    .map((block) => block.replace(/^\n+|\n+$/g, ''));
  const open = sent.length > 0 && !/(^|\n)\n$/.test(`\n${Buffer.from(sent).toString('latin1')}`);
  must(whole.pending === open, 'pending is not whether a request has begun');
  const complete = expected.filter((block) => block !== '').slice(0, blocks.length);
  const got = blocks.map((block) => block.map((line) => Buffer.from(line).toString('latin1')).join('\n'));
  must(got.join('\n\n') === complete.join('\n\n'), 'blocks differ from those of the twin');
  return blocks;
}

function answer(block: RequestBlock, uapiPeers: DaemonConfig['uapiPeers']): void {
  const copy = block.map((line) => line.slice());
  const request = refusable(() => parseRequest(block));
  must(
    block.every((line, at) => Buffer.compare(line, copy[at] ?? line) === 0),
    'parsing changed the request',
  );
  if (request === undefined) return;
  const config = daemonConfig(uapiPeers);
  if (request.kind === 'get') return comesBack(config);
  const before = shown(config);
  const result = refusable(() => apply(request, config));
  destroyRequest(request);
  must(shown(config) === before, 'a request changed the configuration it was made to');
  if (result === undefined) return;
  mustBeSound(result);
  const hybrid = result.tunnel.peers.find(({ publicKey }) => hex(publicKey) === hex(keyOf.hybrid));
  must(hybrid === undefined || hybrid.kemPublicKey !== undefined, '§3: a hybrid peer became a classical one');
  comesBack(result);
}

function apply(request: SetRequest, config: DaemonConfig): DaemonConfig {
  return applySet(request, { config, keys: keyCheck, memory: new Map(), endpointOf: () => undefined }).config;
}

/** The answer to `get`, as a `set` made to the same configuration, changes nothing that `get` shows. */
function comesBack(config: DaemonConfig): void {
  const text = shownTo(config);
  const told =
    /^(public_key|preshared_key|private_key|listen_port|fwmark|endpoint|persistent_keepalive_interval|allowed_ip|protocol_version)=/;
  const lines = text.split('\n').filter((line) => told.test(line));
  const block = ['set=1', 'replace_peers=true', ...lines].map((line) => ascii(line));
  const request = parseRequest(block);
  must(request.kind === 'set', 'an answer is no request');
  const again = apply(request, config);
  must(shownTo(again) === text, 'what get answers does not lead to itself');
  destroyRequest(request);
}

function shownTo({ tunnel }: DaemonConfig): string {
  const { listenPort = 0, fwMark = 0 } = tunnel;
  const bytes = getAnswer({ tunnel, listenPort, fwMark, fingerprints: new Map(), stats: new Map() });
  return Buffer.from(bytes).toString('latin1');
}

function refusable<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof UapiError)) throw error;
    must(Object.values(errno).includes(error.errno), 'an errno that is none of ours');
    must(error.message.length <= 1024 && !/[^\P{Cc}]/u.test(error.message), 'a reason of more than a line');
    must(!/[0-9a-f]{64}/.test(error.message), 'a key in a reason');
    return undefined;
  }
}
