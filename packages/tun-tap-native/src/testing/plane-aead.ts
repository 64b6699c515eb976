/** The AEAD engines as tests drive them: through the shipped edge, and the one engine that is not for use through native/testing/aead_edge.cc. */
import type { AeadName } from '../data-plane.ts';
import { openRecordCipher, type RecordCipher } from '../record-cipher.ts';
import { planeEdge } from './plane-edge.ts';

/** What native/testing/aead_edge.cc exports. */
export interface AeadEdge {
  /** `name` is empty where there is no engine of that name. Knows `multibuffer-wide` as well. */
  select(name: string): { name: string; reason: string };
  createWide(key: Uint8Array): object;
  /** As the shipped ones of that name. */
  sealRecords(cipher: object, memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  openRecords(cipher: object, memory: Uint8Array, places: Uint8Array, verdicts: Uint8Array): number;
  checkBroken(what: string): string;
  compareBroken(fault: string): string;
}

/** The last one is the code for wide registers, run in narrow ones. */
export const testedEngines = ['evp', 'raw', 'multibuffer', 'multibuffer-wide'] as const;
export type TestedEngine = (typeof testedEngines)[number];

/** A cipher of any engine that a test may name. */
export function testCipher(
  engine: TestedEngine | AeadName,
  key: Uint8Array,
): Pick<RecordCipher, 'seal' | 'open'> {
  if (engine !== 'multibuffer-wide') return openRecordCipher(engine, key);
  const edge = planeEdge<AeadEdge>('aead');
  const cipher = edge.createWide(key);
  return {
    seal: (memory, places, verdicts) => edge.sealRecords(cipher, memory, places, verdicts),
    open: (memory, places, verdicts) => edge.openRecords(cipher, memory, places, verdicts),
  };
}
