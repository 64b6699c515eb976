import { dropReasons, errorCodes } from '@pqtun/core';
import { describe, expect, it } from 'vitest';
import { literalsOf, membersOf, stringsOf } from './syntax.ts';
import { files, quoted, rows, section, text } from './tree.ts';

const operations = text('docs/operations.md');

/** First cells of the table below a heading, without their backticks. */
function listed(heading: string, column = 0): string[] {
  return rows(section(operations, heading)).map((cells) => quoted(cells[column] ?? '')[0] ?? '');
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

  it('lists every event of the daemon, with its level', () => {
    const catalogue = membersOf('daemon/src/events.ts', 'eventCatalogue').map(({ name, strings }) => [
      name,
      strings[0],
    ]);
    expect(catalogue.length).toBeGreaterThan(20);
    expect(
      rows(section(operations, 'Events')).map(([event = '', level]) => [quoted(event)[0], level]),
    ).toEqual(catalogue);
  });

  it('marks every event a tunnel raises', () => {
    const marked = rows(section(operations, 'Events'))
      .filter(([, , meaning = '']) => meaning.endsWith('*tunnel*'))
      .map(([event = '']) => quoted(event)[0] ?? '');
    expect(marked.sort()).toEqual(literalsOf('packages/tunnel/src/api.ts', 'id').sort());
  });

  it('lists every exit code', () => {
    const codes = membersOf('daemon/src/exit-codes.ts', 'exitCodes').map(
      ({ name, value }) => `${value} ${name}`,
    );
    expect(listed('Exit codes').map((code, i) => `${code} ${listed('Exit codes', 1)[i]}`)).toEqual(codes);
  });

  it('lists every command', () => {
    const commands = files
      .filter((path) => /^daemon\/src\/commands\/[a-z-]+\.ts$/.test(path))
      .flatMap((path) => literalsOf(path, 'name'))
      .filter((name) => /^[a-z]+$/.test(name));
    expect(commands.length).toBeGreaterThan(10);
    expect(listed('Commands').sort()).toEqual([...new Set(commands)].sort());
  });

  it('lists every metric', () => {
    const names = stringsOf('daemon/src/metrics.ts').filter((word) => /^(pqtun|wireguard)_\w+$/.test(word));
    expect(names.length).toBeGreaterThan(5);
    expect(listed('Metrics').sort()).toEqual([...new Set(names)].sort());
  });

  it('lists every key of the configuration file', () => {
    const keys = (path: string) =>
      [...text(path).matchAll(/\b(?:scalar|list|publicKey|secretKey|hook)(?:<[^>]*>)?\(\s*'(\w+)'/g)].map(
        (match) => match[1] ?? '',
      );
    const documented = (heading: string) =>
      rows(section(operations, heading)).flatMap(([key = '']) => quoted(key));
    expect(documented('`[Interface]`').sort()).toEqual(keys('daemon/src/config/interface-fields.ts').sort());
    expect(documented('`[Peer]`').sort()).toEqual(keys('daemon/src/config/peer-fields.ts').sort());
  });
});
