/** A suite whose chance is a seed, so that a scenario which failed once can be run again. For tests only. */
import { nobleSuite, type Suite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';

/**
 * A suite that draws everything from `seed`: equal seeds and equal calls give equal bytes.
 *
 * With `base` `noble` (the default) that includes ML-KEM encapsulation, so whole transcripts repeat. `node` is ten times
 * faster, but its encapsulation takes chance from OpenSSL: secrets and ciphertexts then differ from run to run, while
 * indices, keys, cookies and jitter repeat.
 */
export function seededSuite(seed: number | string, base: 'noble' | 'node' = 'noble'): Suite {
  const random = seededRandom(seed);
  return base === 'noble' ? nobleSuite({ random }) : nodeSuite({ random });
}

/** The stream behind `seededSuite`: draw n is ChaCha20's key stream under BLAKE2s(name ‖ seed ‖ LE64 n). Not for secrets. */
export function seededRandom(seed: number | string): (length: number) => Uint8Array {
  const root = primitives.hash(new TextEncoder().encode(`pqtun test seed ${typeof seed} ${seed}`));
  let draw = 0n;
  return (length) => {
    const number = new Uint8Array(8);
    new DataView(number.buffer).setBigUint64(0, draw, true);
    draw += 1n;
    return primitives.stream(primitives.hash(root, number), new Uint8Array(length));
  };
}

const primitives = nobleSuite();
