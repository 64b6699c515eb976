import { describe, expect, test } from 'vitest';
import { headRoom, PacketBuffer, tailRoom } from './packet-buffer.ts';

describe('packet buffer', () => {
  test('the room is the header of 16 B before and 15 B of padding and 16 B of tag behind', () => {
    expect([headRoom, tailRoom]).toEqual([16, 31]);
  });

  test('takes memory with exactly the room, and refuses a byte less on either side', () => {
    expect(new PacketBuffer(new Uint8Array(16 + 5 + 31), 16, 5).length).toBe(5);
    expect(() => new PacketBuffer(new Uint8Array(16 + 5 + 31), 15, 5)).toThrow('head-room');
    expect(() => new PacketBuffer(new Uint8Array(16 + 5 + 30), 16, 5)).toThrow('tail-room');
    expect(() => new PacketBuffer(new Uint8Array(100), 16, -1)).toThrow();
  });

  test('a copy leaves the original to its owner', () => {
    const original = Uint8Array.of(1, 2, 3);
    const buffer = PacketBuffer.copyOf(original);
    buffer.packet.fill(9);
    expect(original).toEqual(Uint8Array.of(1, 2, 3));
    expect(buffer.memory.length).toBe(16 + 3 + 31);
  });

  test('trimming shortens the packet and never lengthens it', () => {
    const buffer = PacketBuffer.copyOf(Uint8Array.of(1, 2, 3, 4));
    buffer.trim(2);
    expect(buffer.packet).toEqual(Uint8Array.of(1, 2));
    expect(() => buffer.trim(3)).toThrow('lengthen');
    expect(() => buffer.trim(-1)).toThrow('lengthen');
    buffer.trim(0);
    expect(buffer.length).toBe(0);
  });

  test('a packet that waits does not hold on to memory more than twice its need', () => {
    const need = 16 + 100 + 31;
    const snug = new PacketBuffer(new Uint8Array(2 * need), 16, 100);
    expect(snug.compact()).toBe(snug);
    const loose = new PacketBuffer(new Uint8Array(2 * need + 1).fill(7), 20, 100);
    expect(loose.compact().memory.length).toBe(need);
    expect(loose.compact().packet).toEqual(loose.packet);
  });

  test('lent memory is used as it is, and left as soon as the packet has to wait', () => {
    const slot = new Uint8Array(16 + 3 + 31).fill(7);
    const buffer = PacketBuffer.lend(slot, 16, 3);
    expect(buffer.memory).toBe(slot);
    const waiting = buffer.compact();
    slot.fill(0);
    expect(waiting.packet).toEqual(Uint8Array.of(7, 7, 7));
    expect(waiting.compact()).toBe(waiting);
  });

  test('lent memory needs the same room', () => {
    expect(() => PacketBuffer.lend(new Uint8Array(49), 16, 3)).toThrow('tail-room');
  });
});
