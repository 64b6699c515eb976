/**
 * Loads what drives single classes of the native plane: plane_testing.node, which is built in a checkout beside the addon and
 * not shipped. Each class of native/plane has one object in it, made by native/testing/<class>_edge.cc.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Another build than this folder's, as test-asan.mjs has one for tests that lie outside the package. */
const path =
  process.env['PLANE_TESTING_ADDON'] ??
  [`prebuilds/linux-${process.arch}`, 'build/Release']
    .map((folder) => fileURLToPath(new URL(`../../${folder}/plane_testing.node`, import.meta.url)))
    .find((each) => existsSync(each));

/** The edge of one class. `Edge` states what its file in native/testing exports; build.mjs keeps both of one state. */
export function planeEdge<Edge>(name: string): Edge {
  if (path === undefined)
    throw new Error('plane_testing is not built; run "npm run build" in packages/tun-tap-native');
  const edges = createRequire(import.meta.url)(path) as Record<string, unknown>; // an addon exports one object
  if (edges[name] === undefined)
    throw new Error(`plane_testing has no "${name}"; run "npm run build" in packages/tun-tap-native`);
  return edges[name] as Edge; // the caller's statement, held by the tests that use it
}

/** The bytes of a typed array, as the edges take all arrays. */
export function bytesOf(words: ArrayBufferView): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
