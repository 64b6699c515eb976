import { describe, expect, it } from 'vitest';
import { dataPathOf } from './pqtun.ts';

describe('what a daemon says of its data path', () => {
  it('is plane, cipher, and offloads with the reason why not', () => {
    const offloads = [
      { name: 'udp-gso', active: true, reason: null },
      { name: 'tun-uso', active: false, reason: 'EINVAL' },
      { name: 'udp-gro', active: false, reason: null },
    ];
    expect(dataPathOf({ interfaces: [{ plane: 'native', aead: { name: 'raw' }, offloads }] })).toEqual({
      plane: 'native',
      aead: 'raw',
      text: 'AEAD raw, udp-gso, no tun-uso (EINVAL), no udp-gro',
    });
  });

  it('is unknown where it says nothing', () => {
    const nothing = { plane: 'unknown', aead: 'unknown', text: 'AEAD unknown, offloads unknown' };
    expect(dataPathOf({})).toEqual(nothing);
    expect(dataPathOf({ interfaces: [{}] })).toEqual(nothing);
  });
});
