/**
 * The parts of core that are mutated, and the tests each is held to: its own, and what in `test/` is a quick test of just that code.
 *
 * Only those: a fault in `wire` would show in nearly every handshake test as well, but what only a test three layers up can
 * see is a gap in the tests beside the code, and a survivor would cost all of them.
 */
const core = 'packages/core/src';
const unitTests = (folder) => `${core}/${folder}/**/*.test.ts`;
const scenarios = (...names) => names.map((name) => `test/scenario/${name}.test.ts`);

const lives = [
  unitTests('peer'),
  unitTests('engine'),
  ...scenarios(
    'handshake',
    'commit-on-confirm',
    'keepalive',
    'roaming',
    'restart',
    'expiry',
    'profiles',
    'cookies',
  ),
];

/** In the order in which the folders of core import each other, which is that of the risk as well. */
export const folders = {
  base: { mutate: [`${core}/*.ts`], tests: [`${core}/**/*.test.ts`] },
  wire: { mutate: [`${core}/wire/*.ts`], tests: [unitTests('wire')] },
  crypto: {
    mutate: [`${core}/crypto/*.ts`],
    tests: [
      unitTests('crypto'),
      'test/contract/suite.test.ts',
      'test/vectors/{aead,blake2s,kdf,mlkem-acvp}.test.ts',
    ],
  },
  handshake: { mutate: [`${core}/handshake/*.ts`], tests: [unitTests('handshake')] },
  plane: {
    mutate: [`${core}/plane/*.ts`],
    tests: [
      unitTests('plane'),
      'test/contract/data-plane.test.ts',
      'test/vectors/{allowedips,replay}.test.ts',
    ],
  },
  peer: { mutate: [`${core}/peer/*.ts`], tests: lives },
  engine: { mutate: [`${core}/engine/*.ts`], tests: lives },
};
