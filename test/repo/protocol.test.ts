import { describe, expect, it } from 'vitest';
import { sources } from './layers.ts';
import { missingTests } from './named-tests.ts';
import { commentsOf } from './syntax.ts';
import { rows, section, text } from './tree.ts';

const document = text('docs/protocol.md');
const core = sources.filter((path) => path.startsWith('packages/core/src/'));

describe('step labels', () => {
  /** Where the document defines a step: a list item in bold, or the start of a line of the key schedule. */
  const defined = [...document.matchAll(/^(?:- \*\*| {2})([IRSCNT][1-8])(?:\*\*|\s{4,})/gm)].map(
    (match) => match[1] ?? '',
  );

  it('are defined once each, without a gap', () => {
    const expected = { C: 6, I: 8, N: 4, R: 8, S: 1, T: 6 };
    const all = Object.entries(expected).flatMap(([letter, count]) =>
      Array.from({ length: count }, (_, i) => `${letter}${i + 1}`),
    );
    expect([...defined].sort()).toEqual(all.sort());
  });

  it('stand in comments of core, each of them, and no others do', () => {
    const cited = new Set(core.flatMap((path) => labelsIn(commentsOf(path))));
    const known = new Set(defined);
    expect({
      missingInCode: [...known].filter((label) => !cited.has(label)),
      unknownInCode: [...cited].filter((label) => !known.has(label)),
    }).toEqual({ missingInCode: [], unknownInCode: [] });
  });

  it('are read from ranges too', () => {
    expect(labelsIn('see C3–C5, T1 and N2 (not §5)')).toEqual(['C3', 'C4', 'C5', 'T1', 'N2']);
  });
});

describe('every MUST of docs/protocol.md', () => {
  const body = document.slice(0, document.indexOf('## Appendix B'));
  const stated = [...body.matchAll(/\*\*MUST(?: NOT)?\*\*<sup>([\d./]+)<\/sup>/g)].map(
    (match) => match[1] ?? '',
  );
  const table = rows(section(document, 'Appendix B: which test holds which MUST'));

  it('is numbered within its section', () => {
    const bare = body.split(/\*\*MUST(?: NOT)?\*\*<sup>[\d./]+<\/sup>/).join('');
    // The word alone stands once: where the page says how to read it.
    expect([...bare.matchAll(/MUST/g)]).toHaveLength(1);
    expect(new Set(stated).size).toBe(stated.length);
    expect(misplaced(body)).toEqual([]);
  });

  it('has a row in Appendix B, and no row is left over', () => {
    expect([...new Set(table.map(([number]) => number))].sort()).toEqual([...stated].sort());
  });

  it('names a file and a test that exist', () => {
    const named = table.map(([by = '', file = '', title = '']) => ({
      by,
      file: file.replaceAll('`', ''),
      title,
    }));
    expect(missingTests(named)).toEqual([]);
  });
});

/** Labels in a text; `C3–C5` and `C3-C5` name three. */
function labelsIn(words: string): string[] {
  return [...words.matchAll(/\b([IRSCNT])([1-8])\b(?:\s?[–-]\s?\1([1-8])\b)?/g)].flatMap(
    ([, letter = '', from = '', to = from]) =>
      Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => `${letter}${Number(from) + i}`),
  );
}

/** Numbers that stand under a heading other than their own. */
function misplaced(body: string): string[] {
  let heading = '';
  return body.split('\n').flatMap((line) => {
    heading = /^#+ ([\d.]*\d)/.exec(line)?.[1] ?? heading;
    return [...line.matchAll(/<sup>([\d.]+)\/\d+<\/sup>/g)]
      .filter((match) => match[1] !== heading)
      .map((match) => match[0]);
  });
}
