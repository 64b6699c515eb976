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
    'cookies',
    'pending',
    'rekey',
    'hostile-reflection',
  ),
];

/**
 * Titles of tests left out for their time: every survivor would cost them, and they repeat at length what quicker ones of their
 * folder show, or look into the memory of a process that is another one here.
 */
export const leftOut = [
  'of every length 0 to 65,535',
  'in memory, needs /proc/self/mem',
  'any bit of a response changed',
  '10^5 bad packets',
  'every flipped bit and every truncation',
  'reordering by up to 2,000',
  'never makes the table larger than its bound',
  'of 30,000 spoofed prefixes',
  'bring the session back days later',
  'both at once, either or both beginning',
  'keeps nobody out: from',
  'lose nothing and renew keys no more than T1 asks',
  'after each of a hundred kills',
  'data flows both ways in time afterwards',
  'writes its ceiling in blocks of ten minutes, half a block ahead, and never',
  'fifty gateways, with loss',
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
