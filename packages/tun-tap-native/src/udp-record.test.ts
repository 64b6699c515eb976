import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadBinding } from './binding.ts';
import { UdpRecords, udpRecordLayout } from './udp-record.ts';

describe('a UDP record', () => {
  it('has the layout of native/udp_record.h', () => {
    expect(loadBinding().udpRecordLayout).toEqual(udpRecordLayout);
  });

  it('gives back the addresses written to it, and touches no neighbour', () => {
    const ip = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    const address = fc.record({ ip, port: fc.integer({ min: 0, max: 0xffff }), scope: fc.nat(0xffffffff) });
    fc.assert(
      fc.property(address, fc.nat(0x7fffffff), fc.boolean(), (to, interfaceIndex, withLocal) => {
        const records = UdpRecords.withCapacity(3);
        records.bytes.fill(0xee);
        const localIp = withLocal ? to.ip.map((byte) => byte ^ 0xff) : new Uint8Array(0);
        records.write(1, 'datagram', { bytes: new Uint8Array(0), to, localIp, interfaceIndex }, 6);
        const size = udpRecordLayout.size;
        expect(records.bytes.subarray(0, size).every((byte) => byte === 0xee)).toBe(true);
        expect(records.bytes.subarray(2 * size).every((byte) => byte === 0xee)).toBe(true);
        const moved = new UdpRecords(records.bytes.slice(size, 2 * size).buffer);
        const [datagram] = moved.received(new ArrayBuffer(0), 1);
        expect(datagram).toEqual({ bytes: new Uint8Array(0), from: to, localIp, interfaceIndex });
      }),
    );
  });
});
