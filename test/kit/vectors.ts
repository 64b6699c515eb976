/** Reads files of test/vectors, whose README says where each comes from. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Content of `name` (below test/vectors) as text; `.gz` is unpacked. */
export function readVectorText(name: string): string {
  const bytes = readFileSync(new URL(`../vectors/${name}`, import.meta.url));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** JSON of `name`. The caller's `T` describes the file; a file of another shape makes its cases fail, not pass. */
export function readVectors<T>(name: string): T {
  const content: T = JSON.parse(readVectorText(name));
  return content;
}

/** Wycheproof's frame: groups of tests with an id, a verdict and, mostly, flags. */
export interface Wycheproof<Case> {
  readonly testGroups: readonly { readonly tests: readonly (Case & WycheproofCase)[] }[];
}

export interface WycheproofCase {
  readonly tcId: number;
  readonly comment?: string;
  readonly flags?: readonly string[];
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

/** All tests of a Wycheproof file, groups joined. */
export function readWycheproof<Case>(name: string): readonly (Case & WycheproofCase)[] {
  return readVectors<Wycheproof<Case>>(name).testGroups.flatMap((group) => group.tests);
}

export function fromHex(text: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(text)) throw new Error(`not hex: ${text.slice(0, 40)}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

export function toHex(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
}
