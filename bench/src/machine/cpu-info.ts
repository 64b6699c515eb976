/** What /proc/cpuinfo says: which CPU, and what of its features a cipher can use. Text in, facts out. */
import { armCoreName } from './arm-cores.ts';

export interface CpuInfo {
  /** `undefined` where nothing in the text is known. */
  readonly model: string | undefined;
  /** Those of `cipherFeatures` it has. */
  readonly features: readonly string[];
  /** Which processors the text is of, as Node names them; `undefined` where it does not say. */
  readonly arch: 'x64' | 'arm64' | undefined;
  /** The processor says that it is a guest's. */
  readonly hasHypervisor: boolean;
  /** QEMU's own processor, which no silicon is: x86 by its name, arm64 by an implementer that is reserved for software. */
  readonly isOfQemu: boolean;
  /** The board, where the kernel writes it there, as Raspberry Pi's does. */
  readonly board: string | undefined;
}

/** What ChaCha20, Poly1305, BLAKE2s, X25519 and ML-KEM are or might be made of, and AES for whoever compares. */
const cipherFeatures = [
  ...[
    'ssse3',
    'avx',
    'avx2',
    'avx512f',
    'avx512vl',
    'avx512_ifma',
    'avx512ifma',
    'bmi2',
    'adx',
    'aes',
    'vaes',
    'sha_ni',
  ],
  ...['asimd', 'pmull', 'sha2', 'sha3', 'sve', 'sve2'],
];

export function parseCpuInfo(text: string): CpuInfo {
  const value = (name: string): string | undefined =>
    new RegExp(`^${name}\\s*: *(.*)$`, 'm').exec(text)?.[1]?.trim();
  const modelName = value('model name');
  const words = new Set((value('flags') ?? value('Features') ?? '').split(/\s+/));
  return {
    model: modelName ?? armModel(text),
    features: cipherFeatures.filter((feature) => words.has(feature)),
    arch: archOf(value),
    hasHypervisor: words.has('hypervisor'),
    isOfQemu: /^QEMU (Virtual|TCG) CPU/.test(modelName ?? '') || value('CPU implementer') === '0x00',
    board: value('Model'),
  };
}

function archOf(value: (name: string) => string | undefined): CpuInfo['arch'] {
  if (value('vendor_id') !== undefined) return 'x64';
  return value('CPU implementer') === undefined ? undefined : 'arm64';
}

/** By kind, the most numerous first: `ARM Cortex-A53 ×4, ARM Cortex-A72 ×2`; without a number where all are alike. */
function armModel(text: string): string | undefined {
  const implementers = [...text.matchAll(/^CPU implementer\s*: *(0x[0-9a-f]+)$/gim)];
  const parts = [...text.matchAll(/^CPU part\s*: *(0x[0-9a-f]+)$/gim)];
  const names = parts.flatMap((part, i) => {
    const implementer = implementers[i]?.[1];
    return implementer === undefined ? [] : [armCoreName(Number(implementer), Number(part[1]))];
  });
  const kinds = [...Map.groupBy(names, (name) => name)].sort(([, a], [, b]) => b.length - a.length);
  const [first] = kinds;
  if (first === undefined) return undefined;
  return kinds.length === 1 ? first[0] : kinds.map(([name, { length }]) => `${name} ×${length}`).join(', ');
}
