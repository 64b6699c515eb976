import { describe, expect, it } from 'vitest';
import { missingTests, type NamedTest } from './named-tests.ts';
import { text } from './tree.ts';

interface KnownFault {
  readonly number: number;
  readonly where: string;
  readonly what: string;
  /** Why it cannot happen, or what is not built yet; empty where tests alone answer. */
  readonly reason: string;
  readonly tests: readonly NamedTest[];
}

const faults = text('docs/known-faults.md').split(/^### /m).slice(1).map(parse);

describe('docs/known-faults.md', () => {
  it('has each of the 44 faults once, in order', () => {
    expect(faults.map(({ number }) => number)).toEqual(Array.from({ length: 44 }, (_, i) => i + 1));
  });

  it('says of each where it was and what happened', () => {
    expect(faults.filter(({ where, what }) => where.length < 4 || what.length < 40)).toEqual([]);
  });

  it('answers each by tests, or by a reason', () => {
    expect(faults.filter(({ tests, reason }) => tests.length === 0 && reason.length < 80)).toEqual([]);
  });

  it('names files and tests that exist', () => {
    expect(faults.flatMap(({ tests }) => missingTests(tests))).toEqual([]);
  });

  it('is read whole: what is no test of a list is text', () => {
    expect(parse('7. A (b)\n\nWhat\nhappened.\n\n**Not built yet.** Why.\n\n- `a.ts`: b: `c`\n')).toEqual({
      number: 7,
      where: 'A (b)',
      what: 'What\nhappened.',
      reason: '**Not built yet.** Why.',
      tests: [{ by: 'fault 7', file: 'a.ts', title: 'b: `c`' }],
    });
  });
});

/** A heading `N. where`, a paragraph, perhaps a reason, and a list of tests. */
function parse(part: string): KnownFault {
  const [heading = '', ...blocks] = part.trim().split('\n\n');
  const [, number = '', where = ''] = /^(\d+)\. (.+)$/.exec(heading) ?? [];
  const paragraphs = blocks.filter((block) => !block.startsWith('- '));
  const lines = blocks.filter((block) => block.startsWith('- ')).flatMap((block) => block.split('\n'));
  return {
    number: Number(number),
    where,
    what: paragraphs[0] ?? '',
    reason:
      paragraphs
        .slice(1)
        .find((paragraph) => /^\*\*(Cannot happen here|Not built yet)\.\*\* /.test(paragraph)) ?? '',
    tests: lines.map((line) => {
      const [, file = '', title = ''] = /^- `([^`]+)`: (.+)$/.exec(line) ?? [];
      return { by: `fault ${number}`, file: file === '' ? line : file, title };
    }),
  };
}
