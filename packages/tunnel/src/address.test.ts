import { SocketAddress } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { endpointOf, formatEndpoint, formatIp, parseIp, parseScoped } from './address.ts';

const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
/** Many zeros, so that runs of them occur. */
const sparse = fc.array(fc.constantFrom(0, 0, 0, 0, 1, 0xff), { minLength: 16, maxLength: 16 });

describe('addresses as text', () => {
  test('come back as they went, and are those of the system (the slow twin: node:net)', () => {
    const check = (bytes: Uint8Array): void => {
      const text = formatIp(bytes);
      expect(new SocketAddress({ address: text, family: 'ipv6' }).address).toBe(text);
      const mapped =
        bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
      expect(parseIp(text)).toEqual(mapped ? bytes.subarray(12) : bytes);
    };
    // the system writes ::a.b.c.d for what was "IPv4-compatible"; we do not
    const compatible = (bytes: Uint8Array) => bytes.subarray(0, 10).every((byte) => byte === 0);
    fc.assert(
      fc.property(
        ipv6.filter((bytes) => !compatible(bytes)),
        check,
      ),
    );
    fc.assert(
      fc.property(
        sparse.map((bytes) => Uint8Array.from(bytes)).filter((bytes) => !compatible(bytes)),
        check,
      ),
    );
  });

  test('of IPv4 are dotted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (bytes) => {
        expect(parseIp(formatIp(bytes))).toEqual(bytes);
      }),
    );
  });

  test('are shortened as in RFC 5952', () => {
    const texts = ['::', '::1', '1::', '2001:db8::1', '2001:db8:0:1:1:1:1:1', '1:0:0:2::3', 'fe80::1:0:0:1'];
    for (const text of texts) expect(formatIp(parseIp(text) ?? new Uint8Array(0))).toBe(text);
  });

  test('are read with an IPv4 tail, and refused when they are none', () => {
    expect(parseIp('64:ff9b::192.0.2.33')).toEqual(
      Uint8Array.of(0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 33),
    );
    const none = [
      '',
      'hub.example',
      '1.2.3',
      '1.2.3.4.5',
      '256.1.1.1',
      ':::',
      '1::2::3',
      '::1%1',
      '12345::',
      ' ::1',
    ];
    for (const text of none) expect(parseIp(text), text).toBeUndefined();
  });

  test('have a zone only where it means something', () => {
    expect(parseScoped('fe80::1%2')).toMatchObject({ scope: 2 });
    expect(parseScoped('fe80::1%nosuchinterface')).toBeUndefined();
    expect(parseScoped('10.0.0.1%2')).toBeUndefined();
    expect(endpointOf('fe80::1%2', 5)).toMatchObject({ scope: 2, port: 5 });
    expect(formatEndpoint({ ip: parseIp('fe80::1') ?? new Uint8Array(0), port: 5, scope: 2 })).toBe(
      '[fe80::1%2]:5',
    );
    expect(formatEndpoint({ ip: Uint8Array.of(10, 0, 0, 1), port: 5, scope: 0 })).toBe('10.0.0.1:5');
  });
});
