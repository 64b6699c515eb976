import { describe, expect, it } from 'vitest';
import { isTest, moduleName, sources, target, violations } from './layers.ts';
import { importsOf } from './syntax.ts';
import { files } from './tree.ts';

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

  it('are relative with their extension, or name a package', () => {
    const bare = sources.flatMap((path) =>
      importsOf(path)
        .filter(({ specifier }) => specifier.startsWith('.') && !/\.(ts|mjs|json)$/.test(specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(bare).toEqual([]);
  });
});

/** tunnel is made of core and the addon; its unit tests may name the packages its sources do. */
function mayJoin(path: string, specifier: string): boolean {
  return path.startsWith('packages/tunnel/') && /^(@pqtun\/core|tun-tap-native)/.test(specifier);
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
