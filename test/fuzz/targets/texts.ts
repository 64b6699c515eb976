/**
 * The small languages that everything else is made of, each against an independent twin: addresses against Node's and the tunnel's own
 * parser, base64 and hexadecimal against Buffer, integers, endpoints, prefixes. Input: the text.
 */
import { isIP, isIPv6 } from 'node:net';
import { unmapped } from '@pqtun/core';
import {
  formatEndpoint,
  formatIp,
  formatPrefix,
  isName,
  masked,
  parseEndpoint,
  parseInteger,
  parseIp,
  parsePrefix,
} from '@pqtun/daemon/src/address-text.ts';
import { base64Length, decodeBase64, encodeBase64 } from '@pqtun/daemon/src/secret-text.ts';
import { decodeHex, encodeHex } from '@pqtun/daemon/src/uapi/hex.ts';
import * as tunnel from '@pqtun/tunnel/src/address.ts';
import { checkEndpoint } from '@pqtun/tunnel/src/check-config.ts';
import { ascii, type FuzzTarget, must } from '../target.ts';

export const target: FuzzTarget = {
  name: 'texts',
  about: 'addresses, prefixes, endpoints, base64, hexadecimal, against twins',
  maxLength: 128,
  executions: 150_000,
  seeds: [
    '10.0.0.1',
    '::ffff:192.0.2.1',
    '2001:db8:0:1::5',
    '1:2:3:4:5:6:7::',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::8',
    '::2:3:4:5:6:7:8',
    '[fe80::1%eth0]:51820',
    'hub.example:51820',
    '10.0.0.0/8',
    'fd00::/64',
    'AQIDBA==',
    'AQIDBAU=',
    'deadBEEF',
    '4294967295',
  ].map(ascii),
  dictionary: [
    '::',
    ':',
    '.',
    '0',
    '255',
    '256',
    '/128',
    '/33',
    'ffff',
    '%1',
    '[',
    ']',
    '=',
    '==',
    '65535',
    '1:',
  ].map(ascii),
  run(input) {
    const text = Buffer.from(input).toString('latin1');
    addresses(text);
    prefixes(text);
    endpoints(text);
    base64(input);
    hexadecimal(input);
    const number = parseInteger(text, 0, 2 ** 32 - 1);
    must(
      number ===
        (/^\d+$/.test(text) && String(Number(text)) === text && Number(text) < 2 ** 32
          ? Number(text)
          : undefined),
      'an integer is read otherwise than its twin does',
    );
  },
};

function addresses(text: string): void {
  const ip = parseIp(text);
  const known = isIP(text) !== 0 && !text.includes('%');
  must((ip !== undefined) === known, 'Node and we disagree about what an address is');
  if (ip === undefined) return;
  const written = formatIp(ip);
  must(same(parseIp(written), ip), 'an address written and read differs');
  must(formatIp(parseIp(written) ?? ip) === written, 'an address has two texts');
  if (ip.length === 16)
    must(
      new URL(`http://[${text}]/`).hostname === `[${mappedText(ip, written)}]`,
      'RFC 5952: another text than the URL standard',
    );
  must(same(tunnel.parseIp(text), unmapped(ip)), 'daemon and tunnel read another address');
  must(
    same(tunnel.parseIp(tunnel.formatIp(unmapped(ip))), unmapped(ip)),
    'the tunnel writes an address it reads otherwise',
  );
}

/** The URL standard writes IPv4-mapped addresses in groups. */
function mappedText(ip: Uint8Array, written: string): string {
  if (!written.includes('.')) return written;
  const group = (at: number): string => (((ip[at] ?? 0) << 8) | (ip[at + 1] ?? 0)).toString(16);
  return written.replace(/[0-9.]+\.[0-9.]+$/, `${group(12)}:${group(14)}`);
}

function prefixes(text: string): void {
  const prefix = parsePrefix(text);
  if (prefix === undefined) return;
  const again = parsePrefix(formatPrefix(prefix));
  must(
    again !== undefined && same(again.ip, prefix.ip) && again.bits === prefix.bits,
    'a prefix written and read differs',
  );
  const once = masked(prefix);
  must(same(masked(once).ip, once.ip), 'masked twice is not masked once');
  const bits = [...once.ip].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  must(!bits.slice(prefix.bits).includes('1'), 'a masked prefix has host bits');
}

function endpoints(text: string): void {
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined) return;
  const again = parseEndpoint(formatEndpoint(endpoint));
  must(
    again !== undefined && again.host === endpoint.host && again.port === endpoint.port,
    'an endpoint written and read differs',
  );
  checkEndpoint('endpoint', endpoint); // what the daemon takes, the tunnel takes
  const literal = isIP(endpoint.host.replace(/%.*/, '')) !== 0;
  must(isName(endpoint) !== literal, 'a name is what is no address');
  if (endpoint.host.includes(':'))
    must(isIPv6(endpoint.host.replace(/%.*/, '')), 'Node does not know this IPv6 address');
}

function base64(input: Uint8Array): void {
  const text = encodeBase64(input);
  must(
    Buffer.from(text).toString('latin1') === Buffer.from(input).toString('base64'),
    'base64 is written otherwise than Buffer does',
  );
  must(text.length === base64Length(input.length), 'base64 of another length');
  must(same(decodeBase64(text, input.length), input), 'base64 written and read differs');
  const slow = Buffer.from(Buffer.from(input).toString('latin1'), 'base64');
  const canonical = slow.toString('base64') === Buffer.from(input).toString('latin1');
  for (const length of [slow.length, slow.length + 1, 32]) {
    const read = decodeBase64(input, length);
    if (canonical && length === slow.length)
      must(same(read, slow), 'canonical base64 is refused, or read otherwise');
    else must(read === undefined, 'base64 that is not canonical, or of another length, was taken');
  }
}

function hexadecimal(input: Uint8Array): void {
  must(
    Buffer.from(encodeHex(input)).toString('latin1') === Buffer.from(input).toString('hex'),
    'hexadecimal is written otherwise',
  );
  must(same(decodeHex(encodeHex(input), input.length), input), 'hexadecimal written and read differs');
  const text = Buffer.from(input).toString('latin1');
  const read = decodeHex(input, input.length >> 1);
  const legal = /^([0-9a-fA-F]{2})*$/.test(text);
  must(
    legal ? same(read, Buffer.from(text, 'hex')) : read === undefined,
    'hexadecimal is read otherwise than its twin does',
  );
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}
