/**
 * The control socket: bytes in pieces of any size become lines, lines requests or a `ControlError`, requests another configuration or
 * a refusal that changes nothing. Input: how it is cut into pieces, then what a client sends.
 */
import type { Secret } from '@pqtun/core';
import { LineBuffer } from '@pqtun/daemon/src/control/line-buffer.ts';
import {
  ControlError,
  parseRequest,
  type Request,
  request as schema,
} from '@pqtun/daemon/src/control/protocol.ts';
import { cutSecrets, pasteSecrets } from '@pqtun/daemon/src/control/secret-fields.ts';
import { changePeers } from '@pqtun/daemon/src/peer-changes.ts';
import { ascii, type FuzzTarget, must } from '../target.ts';
import { daemonConfig, kemKey, keyCheck, keyOf, mustBeSound, shown } from './daemon-config.ts';

const text = (key: Uint8Array): string => Buffer.from(key).toString('base64');
const line = (request: object): Uint8Array => ascii(`\x07${JSON.stringify({ v: 1, ...request })}\n`);
const peers = (...changes: object[]): Uint8Array => line({ op: 'set', peers: changes });

export const target: FuzzTarget = {
  name: 'json',
  about: 'the control socket: lines, secrets cut out, requests, changes of peers',
  maxLength: 4096,
  executions: 50_000,
  seeds: [
    line({ op: 'status' }),
    line({ op: 'ping-peer', publicKey: text(keyOf.hybrid), size: 64, timeout: 100 }),
    peers({
      publicKey: text(keyOf.hybrid),
      endpoint: '[::1]:1',
      allowedIps: ['10.0.1.0/24'],
      persistentKeepalive: 5,
    }),
    peers({ publicKey: text(keyOf.classical), presharedKey: text(keyOf.other), remove: true }),
    peers({
      publicKey: text(keyOf.other),
      kemPublicKey: text(kemKey),
      deploymentKey: text(keyOf.own),
      rekeyProfile: 'metered',
    }),
    peers(
      { publicKey: text(keyOf.other), mode: 'classical', allowedIps: ['::/0'] },
      { publicKey: text(keyOf.other), resetTimestamp: true },
    ),
    ascii('\x01{"v":1,"op":"version"}\n\n{"v":1,"op":"ping"}\n{'),
  ],
  dictionary: [
    ...[
      '"presharedKey":',
      '"deploymentKey":',
      '"\\u0070resharedKey":',
      '"#0 "',
      '"__proto__":',
      '"publicKey":',
      '"peers":[',
    ],
    ...[
      '"op":"set"',
      '"op":"reload"',
      '"op":"stop"',
      'null',
      'true',
      '1e999',
      '-0',
      '"updateOnly":true',
      '"mode":"require"',
    ],
    ...[
      '"endpoint":"a:1"',
      '"allowedIps":["0.0.0.0/0"]',
      '"rekeyProfile":"standard"',
      '\\"',
      '\\\\',
      '[[[[',
      ':',
      ',',
    ],
    `"presharedKey":"${text(keyOf.other)}"`,
    `"deploymentKey":"${text(keyOf.other)}"`,
  ].map(ascii),
  run(input) {
    const [cut = 0] = input;
    const sent = input.subarray(1);
    const lines = framed(sent, cut);
    for (const each of lines) if (each.length > 0) answer(each);
  },
};

/** Small, so that the limit is met; the socket's own is a matter of one number. */
const mostOfLine = 3000;

function framed(sent: Uint8Array, cut: number): Uint8Array[] {
  const buffer = new LineBuffer(mostOfLine);
  const pieces: Uint8Array[] = [];
  for (let at = 0, nth = 0; at < sent.length; nth++) {
    const length = 1 + ((cut * (nth + 1)) % 97);
    pieces.push(sent.slice(at, at + length));
    at += length;
  }
  const slow = Buffer.from(sent).toString('latin1').split('\n');
  const open = slow.pop() ?? '';
  const lines: Uint8Array[] = [];
  for (const piece of pieces) {
    const done = buffer.push(piece);
    must(
      piece.every((byte) => byte === 0),
      'a piece that was taken is not wiped',
    );
    if (done === undefined) {
      must(
        [...slow, open].some(({ length }) => length > mostOfLine),
        'a line of legal length was refused',
      );
      return lines;
    }
    lines.push(...done);
  }
  must(
    slow.every(({ length }) => length <= mostOfLine),
    'a line beyond the limit was taken',
  );
  must(
    slow.join('\n') === lines.map((each) => Buffer.from(each).toString('latin1')).join('\n'),
    'lines differ',
  );
  must(buffer.pending === open.length > 0, 'pending is not whether a line has begun');
  return lines;
}

function answer(line: Uint8Array): void {
  const original = Buffer.from(line);
  const secrets = cutSecrets(line);
  must(line.length === original.length, 'cutting secrets changed the length of a line');
  mustComeBack(original, line, secrets);
  const request = parsed(line);
  if (request?.op === 'set') change(request, secrets);
  for (const secret of secrets) secret.destroy();
}

/** Where every secret was well-formed, putting them back gives the line as it was. */
function mustComeBack(original: Buffer, cut: Uint8Array, secrets: readonly Secret[]): void {
  const again = cut.slice();
  pasteSecrets(again, secrets);
  for (const [at, byte] of again.entries())
    must(byte === original[at] || cut[at] === 0x20, 'cut and pasted, something else than a secret differs');
  for (const secret of secrets) {
    const base64 = Buffer.from(secret.borrow()).toString('base64');
    must(original.includes(base64), 'a secret that was not in the line');
  }
}

function parsed(line: Uint8Array): Request | undefined {
  try {
    const request = parseRequest(line);
    must(
      schema.safeParse(JSON.parse(Buffer.from(line).toString('utf8'))).success,
      'taken, though the schema refuses',
    );
    return request;
  } catch (error) {
    mustBeShort(error);
    must(!/[A-Za-z0-9+/]{40}/.test(error.message), 'a refusal that holds what may be a key');
    return undefined;
  }
}

function change(request: Request & { op: 'set' }, secrets: readonly Secret[]): void {
  const config = daemonConfig();
  const before = shown(config);
  try {
    const { config: after, steps } = changePeers(config, request.peers, secrets, keyCheck);
    mustBeSound(after);
    must(
      steps.length <= request.peers.length * (2 + after.tunnel.peers.length + 2),
      'more steps than changes can need',
    );
    for (const { publicKey, remove } of request.peers) {
      const there = after.tunnel.peers.some((peer) => text(peer.publicKey) === publicKey);
      const last = request.peers.findLast((other) => other.publicKey === publicKey);
      if (remove === true && last?.remove === true) must(!there, 'a peer that was removed is there');
    }
    const hybrid = after.tunnel.peers.find((peer) => text(peer.publicKey) === text(keyOf.hybrid));
    const removed = request.peers.some(
      (peer) => peer.publicKey === text(keyOf.hybrid) && peer.remove === true,
    );
    must(removed || hybrid?.kemPublicKey !== undefined, '§3: a hybrid peer became a classical one');
  } catch (error) {
    mustBeShort(error);
  }
  must(shown(config) === before, 'a request changed the configuration it was made to');
}

/** A refusal: of our kind, of one line, and without a secret. */
function mustBeShort(error: unknown): asserts error is ControlError {
  if (!(error instanceof ControlError)) throw error;
  must(
    error.message.length <= 4096 && !/[^\P{Cc}]/u.test(error.message),
    'a refusal that is long or of more than a line',
  );
}
