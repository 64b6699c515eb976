import { dropReasons, errorCodes } from '@pqtun/core';
import { describe, expect, it } from 'vitest';
import { quoted, rows, section, text } from './tree.ts';

const operations = text('docs/operations.md');

/** First cells of the table below a heading. */
function listed(heading: string): string[] {
  return rows(section(operations, heading)).map(([first = '']) => quoted(first)[0] ?? '');
}

describe('docs/operations.md', () => {
  it('lists every drop reason, in the order of drop.ts, and says what to do', () => {
    const table = rows(section(operations, 'Why packets die'));
    expect(table.map(([reason = '']) => quoted(reason)[0])).toEqual([...dropReasons]);
    expect(table.filter((cells) => cells.length !== 3 || cells.some((cell) => cell === ''))).toEqual([]);
  });

  it('lists every error code', () => {
    expect(listed('Error codes')).toEqual([...errorCodes]);
  });
});
