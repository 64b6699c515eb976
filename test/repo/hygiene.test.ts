import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exists, files, quoted, rows, section, text } from './tree.ts';

const binary = /\.(png|jpg|ico|gz|tgz|zip|bin|pcap|node|wasm)$/;
const textFiles = files.filter((path) => !binary.test(path));
const written = textFiles.filter((path) => !path.startsWith('test/vectors/') && path !== 'pnpm-lock.yaml');
const documents = textFiles.filter((path) => path.endsWith('.md'));

describe('every text file', () => {
  it('ends its lines with a line feed, the last one too', () => {
    const wrong = written.filter((path) => {
      const content = text(path);
      return content.includes('\r') || (content !== '' && !content.endsWith('\n'));
    });
    expect(wrong).toEqual([]);
  });

  it('names no path of one machine and no host of a package registry', () => {
    const found = textFiles
      .filter((path) => path !== 'test/repo/hygiene.test.ts')
      .flatMap((path) => machineWords(path));
    expect(found).toEqual([]);
  });
});

describe('workspace members', () => {
  const manifests = files.filter((path) =>
    /^(packages\/[^/]+|daemon|bench|interop|test)\/package\.json$/.test(path),
  );

  it('have a README', () => {
    expect(manifests.map((path) => join(dirname(path), 'README.md')).filter((path) => !exists(path))).toEqual(
      [],
    );
  });

  it('have the names of the architecture, one licence, and one version', () => {
    const read = manifests.map(
      (path) => JSON.parse(text(path)) as { name: string; license: string; version: string },
    );
    expect(read.map(({ name }) => name).sort()).toEqual([
      '@pqtun/bench',
      '@pqtun/core',
      '@pqtun/daemon',
      '@pqtun/interop',
      '@pqtun/test',
      '@pqtun/tunnel',
      'tun-tap-native',
    ]);
    expect(new Set(read.map(({ license }) => license))).toEqual(new Set(['Apache-2.0']));
    expect(new Set(read.map(({ version }) => version)).size).toBe(1);
  });

  it('depend at run time on nothing but what SECURITY.md lists', () => {
    const listed = new Set(quoted(section(text('SECURITY.md'), 'Dependencies at run time')));
    const wanted = manifests
      .filter((path) => /^(packages|daemon)\//.test(path))
      .flatMap((path) =>
        Object.keys((JSON.parse(text(path)) as { dependencies?: object }).dependencies ?? {}),
      )
      .filter((name) => !/^@pqtun\/|^tun-tap-native$/.test(name));
    expect(wanted.filter((name) => !listed.has(name))).toEqual([]);
  });
});

describe('documents', () => {
  it('link to files and headings that exist', () => {
    expect(documents.length).toBeGreaterThan(10);
    expect(documents.flatMap(brokenLinks)).toEqual([]);
  });

  it('say in "Where does it go" where things are', () => {
    const table = rows(section(text('ARCHITECTURE.md'), 'Where does it go'));
    expect(table.length).toBeGreaterThan(10);
    const named = table.flatMap(([, place = '']) => quoted(place));
    expect(named.filter((path) => !exists(path))).toEqual([]);
  });

  it('of the tree in ARCHITECTURE.md name what is there', () => {
    const tree = section(text('ARCHITECTURE.md'), 'The tree');
    const named = rows(tree).flatMap(([place = '']) => quoted(place));
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !exists(path))).toEqual([]);
  });
});

function machineWords(path: string): string[] {
  const patterns = [
    /\/(?:work|root|tmp\/bash_jobs)\/[a-z]/,
    /\bregistry\.npm|registry\.yarnpkg|deb\.debian\.org|\bproxy\.golang\.org|\bpypi\.org|\bcrates\.io\b|\bmaven\.org\b/,
  ];
  return patterns.flatMap((pattern) => {
    const match = pattern.exec(text(path));
    return match === null ? [] : [`${path}: ${match[0]}`];
  });
}

function brokenLinks(path: string): string[] {
  const content = text(path).replace(/```[\s\S]*?```/g, '');
  return [...content.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const linked = file === '' ? path : normalize(join(dirname(path), file));
    if (!exists(linked)) return [`${path} → ${link}: no such file`];
    if (anchor === undefined || anchorsOf(linked).has(anchor)) return [];
    return [`${path} → ${link}: no such heading`];
  });
}

/** Anchors of a document's headings, as code hosts make them. */
function anchorsOf(path: string): Set<string> {
  const headings = [...text(path).matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}
