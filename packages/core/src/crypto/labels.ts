/** Protocol names and every domain-separation string. protocol.md §1–§4. No other file holds one. */
import type { SuiteId } from '../limits.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));

export const construction: Readonly<Record<SuiteId, Uint8Array>> = {
  1: ascii('PqTun1_IKpsk2_25519+MLKEM768_ChaChaPoly_BLAKE2s'),
  2: ascii('PqTun1_IKpsk2_25519+MLKEM1024_ChaChaPoly_BLAKE2s'),
};
export const identifier = ascii('pqtun v1');
export const idLabel = ascii('pqtun-id');
export const mac1Label = ascii('mac1----');
export const cookieLabel = ascii('cookie--');
export const responseMacLabel = ascii('pqtun-m2');

/** WireGuard's own names, for classical peers only. */
export const classicalConstruction = ascii('Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s');
export const classicalIdentifier = ascii('WireGuard v1 zx2c4 Jason@zx2c4.com');
