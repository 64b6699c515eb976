import { dropReasons } from '@pqtun/core';
import { expect, it } from 'vitest';
import { text } from './tree.ts';

it('drop.h has the reasons of drop.ts, in their order, and one more that is none', () => {
  const header = text('packages/tun-tap-native/native/plane/drop.h');
  const [, body = ''] = /enum class Drop : uint8_t \{([^}]*)\}/.exec(header) ?? [];
  const names = body
    .replace(/\/\*.*?\*\//g, '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const camel = dropReasons.map((reason) =>
    reason.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
  );
  expect(names).toEqual([...camel, 'none']);
});
