import { describe, expect, it } from 'vitest';
import { parsePatch, withFault } from './patch.ts';

const text = `Fault: a limit with < for <=
Breaks: protocol.md §3.4
Test: a/b.test.ts › refuses 32 B › and more

--- a/a/b.ts
+++ b/a/b.ts
@@ -7,3 +7,3 @@
 one
-  if (length < 32) return;
+  if (length <= 32) return;
 two
`;
const source = 'zero\none\n  if (length < 32) return;\ntwo\nthree\n';

describe('a patch', () => {
  it('is its header, its file and its lines', () => {
    expect(parsePatch('01-limit', text.replace(' › and more', ''))).toEqual({
      name: '01-limit',
      fault: 'a limit with < for <=',
      breaks: 'protocol.md §3.4',
      test: { by: '01-limit', file: 'a/b.test.ts', title: 'refuses 32 B' },
      file: 'a/b.ts',
      removed: ['  if (length < 32) return;'],
      added: ['  if (length <= 32) return;'],
      before: 'one\n  if (length < 32) return;\ntwo\n',
      after: 'one\n  if (length <= 32) return;\ntwo\n',
    });
  });

  it.each([
    ['without a fault', text.replace(/^Fault.*\n/, '')],
    ['with two tests', text.replace(/^(Test.*\n)/m, '$1$1')],
    ['without a title', text.replace(/ › .*/, '')],
    ['without a diff', text.replace(/^---[\s\S]*/m, '')],
    ['of two files', text.replace('+++ b/a/b.ts', '+++ b/a/c.ts')],
    ['of two hunks', text.replace(' two\n', ' two\n@@ -9 +9 @@\n')],
  ])('%s is refused by its name', (_, wrong) => {
    expect(() => parsePatch('01-limit', wrong)).toThrow(/^01-limit: expected/);
  });

  it('is found wherever its lines have moved to', () => {
    const fault = parsePatch('01-limit', text);
    expect(withFault(fault, source)).toBe('zero\none\n  if (length <= 32) return;\ntwo\nthree\n');
    expect(withFault(fault, source.replace('zero\n', ''))).toBe(
      'one\n  if (length <= 32) return;\ntwo\nthree\n',
    );
  });

  it('does not apply where its lines are changed, or stand twice', () => {
    const fault = parsePatch('01-limit', text);
    expect(() => withFault(fault, source.replace('32', '33'))).toThrow(/0 times/);
    expect(() => withFault(fault, source + source)).toThrow(/2 times/);
    expect(() => withFault(fault, source.replace('one', 'none'))).toThrow(/0 times/);
  });
});
