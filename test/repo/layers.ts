/** Who may import whom: ARCHITECTURE.md's table, read, and laid over the sources. The document is the one home of the rules. */
import { posix } from 'node:path';
import { type Import, importsOf } from './syntax.ts';
import { files, quoted, rows, section, text } from './tree.ts';

/** The five files every part of core may import. */
const base = ['core/types', 'core/limits', 'core/policy', 'core/drop', 'core/errors'];

interface Rule {
  readonly subjects: readonly string[];
  /** Module prefixes; one that begins with `type ` lets types through only. */
  readonly allowed: readonly string[];
}

const rules: readonly Rule[] = rows(section(text('ARCHITECTURE.md'), 'What may import what')).map(
  ([subject = '', allowed = '']) => ({
    subjects: quoted(subject).flatMap(expand),
    allowed: quoted(allowed).flatMap(expand),
  }),
);

function expand(token: string): string[] {
  return token === 'base' ? base : [token];
}

export function isTest(path: string): boolean {
  return /\.test(\.kit|-d)?\.ts$|\/src\/testing\//.test(path);
}

/** TypeScript sources the table speaks of: all but tests that lie beside their sources. */
export const sources: readonly string[] = files.filter(
  (path) =>
    /^(packages\/[^/]+\/src|daemon|test|bench|interop)\/.*\.ts$/.test(path) &&
    !(isTest(path) && !path.startsWith('test/')),
);

/** `packages/core/src/wire/layout.ts` → `core/wire/layout`. */
export function moduleName(path: string): string {
  return path
    .replace(/^packages\/tun-tap-native\/src\//, 'native/')
    .replace(/^packages\/([^/]+)\/src\//, '$1/')
    .replace(/^daemon\/src\//, 'daemon/')
    .replace(/\.ts$/, '');
}

/** The module an import leads to: `core/drop` for a relative one of ours, the specifier for a package. */
export function target(path: string, specifier: string): string {
  return specifier.startsWith('.') ? moduleName(posix.join(posix.dirname(path), specifier)) : specifier;
}

function covers(prefix: string, module: string): boolean {
  return (
    module === prefix ||
    module.startsWith(prefix.endsWith('/') || prefix.endsWith(':') ? prefix : `${prefix}/`)
  );
}

/** The rule whose subject is the longest prefix of the module. */
export function ruleOf(module: string): Rule | undefined {
  let best: { rule: Rule; length: number } | undefined;
  for (const rule of rules) {
    for (const subject of rule.subjects) {
      if (covers(subject, module) && subject.length > (best?.length ?? 0))
        best = { rule, length: subject.length };
    }
  }
  return best?.rule;
}

/** Sentences that say what is wrong with the imports of a source; empty when all is well. */
export function violations(path: string): string[] {
  const module = moduleName(path);
  const rule = ruleOf(module);
  if (rule === undefined) return [`${path}: no row of the table speaks of ${module}`];
  return importsOf(path)
    .filter((found) => !isAllowed(rule, path, found))
    .map((found) => `${path} must not import ${found.specifier}`);
}

function isAllowed(rule: Rule, path: string, { specifier, typeOnly }: Import): boolean {
  const module = target(path, specifier);
  return rule.allowed.some((token) => {
    const [, kind, prefix = token] = /^(type) (.+)$/.exec(token) ?? [];
    return covers(prefix, module) && (kind === undefined || typeOnly);
  });
}
