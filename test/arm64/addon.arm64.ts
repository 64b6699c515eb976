/** What is to be found of the addon on arm64, and what is to be refused, with the right reason. */
import { available, bootTime } from 'tun-tap-native';
import type { AeadEdge } from 'tun-tap-native/testing/plane-aead';
import { planeEdge } from 'tun-tap-native/testing/plane-edge';
import { describe, expect, it } from 'vitest';

describe('the addon on arm64', () => {
  const { select } = planeEdge<AeadEdge>('aead');

  it('loads and answers', () => {
    expect(process.arch).toBe('arm64');
    expect(available()).toBe(true);
    expect(bootTime()).toBeGreaterThan(0);
  });

  it('takes the engine raw by itself, which has passed its known answers, and has evp', () => {
    expect(select('auto').name).toBe('raw');
    expect(select('raw')).toEqual({ name: 'raw', reason: '' });
    expect(select('evp')).toEqual({ name: 'evp', reason: '' });
  });

  it('refuses multibuffer, and says that it is for other processors', () => {
    const reason = 'it is written for x64 processors with AVX2 or AVX-512, and this is none';
    expect(select('multibuffer')).toEqual({ name: '', reason });
    expect(select('auto').reason).toBe(`multibuffer: ${reason}`);
  });
});
