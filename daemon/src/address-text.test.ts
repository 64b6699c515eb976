import net from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatEndpoint,
  formatIp,
  formatPrefix,
  masked,
  parseEndpoint,
  parseInteger,
  parseIp,
  parsePrefix,
} from './address-text.ts';

describe('addresses', () => {
  it('accepts exactly what the platform calls an address, zones apart', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{0,20}$/),
      fc.ipV6().map((ip) => ip.replace(/:/, '::')),
      fc.ipV6().map((ip) => ip.slice(1)),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseIp(candidate) !== undefined).toBe(net.isIP(candidate) !== 0);
      }),
      { numRuns: 3000 },
    );
  });

  it('prints what it read, in the form of RFC 5952', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ minLength: 4, maxLength: 4 }),
          fc.uint8Array({ minLength: 16, maxLength: 16 }),
        ),
        (ip) => {
          expect(parseIp(formatIp(ip))).toEqual(ip);
        },
      ),
    );
    const same = ['::', '::1', '2001:db8::1', '2001:db8:0:1:1:1:1:1', '1::8', '2001:0:0:1::1', 'fe80::'];
    for (const text of same) expect(formatIp(parseIp(text) ?? new Uint8Array(4))).toBe(text);
    expect(formatIp(parseIp('::ffff:1.2.3.4') ?? new Uint8Array(4))).toBe('::ffff:102:304');
  });

  it('refuses leading zeros, which some read as octal', () => {
    for (const text of ['01.2.3.4', '1.2.3', '1.2.3.4.5', '256.1.1.1', '1.2.3.-1', ' 1.2.3.4', '1.2.3.4 '])
      expect(parseIp(text)).toBeUndefined();
  });
});

describe('prefixes', () => {
  it('has bits up to the width of the family and no more', () => {
    expect(parsePrefix('10.0.0.1/32')?.bits).toBe(32);
    expect(parsePrefix('10.0.0.1/33')).toBeUndefined();
    expect(parsePrefix('::/128')?.bits).toBe(128);
    expect(parsePrefix('::/129')).toBeUndefined();
    expect(parsePrefix('10.0.0.1')?.bits).toBe(32);
    for (const text of ['10.0.0.1/', '10.0.0.1/08', '10.0.0.1/1/1', '/8', '10.0.0.1/-1'])
      expect(parsePrefix(text)).toBeUndefined();
  });

  it('masks host bits', () => {
    const text = (prefix: string) =>
      formatPrefix(masked(parsePrefix(prefix) ?? { ip: new Uint8Array(4), bits: 0 }));
    expect(text('10.99.77.66/8')).toBe('10.0.0.0/8');
    expect(text('10.255.255.255/9')).toBe('10.128.0.0/9');
    expect(text('1.2.3.4/0')).toBe('0.0.0.0/0');
    expect(text('1.2.3.4/32')).toBe('1.2.3.4/32');
    expect(text('fd00:ffff::1/20')).toBe('fd00:f000::/20');
  });
});

describe('endpoints', () => {
  it.each([
    '1.2.3.4:1',
    'vpn.example.org:51820',
    '[2001:db8::1]:65535',
    '[fe80::1%eth0]:51820',
    'my_host:7',
    'a.:1',
  ])('keeps %s', (text) => {
    const at = parseEndpoint(text);
    expect(at && formatEndpoint(at)).toBe(text);
  });

  it.each([
    '1.2.3.4',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    ':1',
    '1.2.3:1',
    '1.2.3.400:1',
    '2001:db8::1:1',
    '[1.2.3.4]:1',
    '[::1]',
    '[::1%]:1',
    '[::1%e th]:1',
    '-a.b:1',
    'a..b:1',
    `${'a'.repeat(64)}.b:1`,
    'a b:1',
    'a:1:2',
    'a:+1',
    'a:01',
  ])('refuses %s', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});

describe('integers', () => {
  it('are decimal digits and nothing else', () => {
    expect(parseInteger('0', 0, 9)).toBe(0);
    expect(parseInteger('4294967295', 0, 0xffff_ffff)).toBe(0xffff_ffff);
    for (const text of ['', ' 1', '1 ', '+1', '-1', '1e3', '0x10', '01', '1.0', '٣', '10', '99999999999'])
      expect(parseInteger(text, 0, 9)).toBeUndefined();
  });
});
