import { describe, expect, it } from 'vitest';
import { isTest, moduleName, ruleOf, sources, target, violations } from './layers.ts';
import { importsOf } from './syntax.ts';
import { files, text } from './tree.ts';

describe('imports', () => {
  it('follow the table of ARCHITECTURE.md', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(violations)).toEqual([]);
  });

  it('of node:crypto in core stand in crypto/node.ts alone', () => {
    const core = sources.filter((path) => path.startsWith('packages/core/'));
    const users = core.filter((path) =>
      importsOf(path).some(({ specifier }) => specifier.startsWith('node:')),
    );
    expect(users).toEqual(['packages/core/src/crypto/node.ts']);
  });

  it('of a crypto back end stand in no other part of core', () => {
    const backEnds = new Set(['core/crypto/node', 'core/crypto/noble']);
    const users = sources.filter((path) => path.startsWith('packages/core/') && !path.includes('/crypto/'));
    expect(
      users.filter((path) => importsOf(path).some(({ specifier }) => backEnds.has(target(path, specifier)))),
    ).toEqual([]);
  });

  it('of the portable plane stand in portable-tunnel.ts and the public surface alone', () => {
    const users = sources.filter(
      (path) => path.startsWith('packages/core/src/') && !path.includes('/plane/'),
    );
    const importers = users.filter((path) =>
      importsOf(path).some(({ specifier }) => target(path, specifier) === 'core/plane/portable-plane'),
    );
    const allowed = new Set(['packages/core/src/engine/portable-tunnel.ts', 'packages/core/src/index.ts']);
    expect(importers.filter((path) => !allowed.has(path))).toEqual([]);
  });

  it('form no cycle, type imports apart', () => {
    const graph = new Map(
      sources.map((path) => [
        moduleName(path),
        importsOf(path)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ specifier }) => target(path, specifier)),
      ]),
    );
    expect(cycleIn(graph)).toEqual([]);
  });

  it('of a unit test stay within its own package', () => {
    const unitTests = files.filter((path) => isTest(path) && /^(packages|daemon)\//.test(path));
    const strangers = unitTests.flatMap((path) =>
      importsOf(path)
        .map(({ specifier }) => specifier)
        .filter(
          (specifier) =>
            /^@pqtun\/(core|daemon|test)|^tun-tap-native/.test(specifier) && !mayJoin(path, specifier),
        )
        .map((specifier) => `${path} imports ${specifier}`),
    );
    expect(strangers).toEqual([]);
  });

  it('of packages are declared in the manifest of their member', () => {
    const undeclared = files
      .filter((path) => /^(packages\/[^/]+\/src|daemon|test|bench|interop)\/.*\.ts$/.test(path))
      .flatMap((path) =>
        importsOf(path)
          .map(({ specifier }) => packageOf(specifier))
          .filter((name) => name !== undefined && !declared(path).has(name))
          .map((name) => `${path} imports ${name}`),
      );
    expect(undeclared).toEqual([]);
  });

  it('are relative with their extension, or name a package', () => {
    const bare = sources.flatMap((path) =>
      importsOf(path)
        .filter(({ specifier }) => specifier.startsWith('.') && !/\.(ts|mjs|json)$/.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(bare).toEqual([]);
  });
});

/** `@scope/name` or `name` of a specifier; nothing for relative ones and for Node's own modules. */
function packageOf(specifier: string): string | undefined {
  if (/^(\.|node:)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const manifests = new Map<string, ReadonlySet<string>>();

/** What a source may name: its member's dependencies and its own name; the tools of the root, where it is a test. */
function declared(path: string): ReadonlySet<string> {
  const member = /^(packages\/[^/]+|[^/]+)\//.exec(path)?.[1] ?? '.';
  const forTests = isTest(path) || path.startsWith('test/');
  const key = `${member} ${forTests}`;
  const known = manifests.get(key);
  if (known !== undefined) return known;
  const names = new Set([...namesIn(`${member}/package.json`), ...(forTests ? namesIn('package.json') : [])]);
  manifests.set(key, names);
  return names;
}

function namesIn(manifest: string): string[] {
  const { name, ...kinds } = JSON.parse(text(manifest)) as { name: string } & Record<
    string,
    object | undefined
  >;
  const lists = [
    kinds['dependencies'],
    kinds['optionalDependencies'],
    kinds['devDependencies'],
    kinds['peerDependencies'],
  ];
  return [name, ...lists.flatMap((list) => Object.keys(list ?? {}))];
}

/** A package's unit tests may name the packages its sources do, and itself. */
function mayJoin(path: string, specifier: string): boolean {
  const member = /^(?:packages\/)?([^/]+)\//.exec(path)?.[1] ?? '';
  const joined = ruleOf(member === 'tun-tap-native' ? 'native' : member)?.allowed ?? [];
  return joined.some((prefix) => specifier === prefix || specifier.startsWith(`${prefix}/`));
}

/** One cycle of the graph as the list of its modules, or an empty list. */
function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>();
  const walk = (module: string, path: readonly string[]): string[] => {
    const at = path.indexOf(module);
    if (at >= 0) return [...path.slice(at), module];
    if (done.has(module)) return [];
    for (const next of graph.get(module) ?? []) {
      const cycle = walk(next, [...path, module]);
      if (cycle.length > 0) return cycle;
    }
    done.add(module);
    return [];
  };
  for (const module of graph.keys()) {
    const cycle = walk(module, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}
