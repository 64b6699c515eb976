/** Names of arm64 cores, which /proc/cpuinfo gives by numbers alone: MIDR_EL1's implementer and part, from each vendor's manuals. */

const implementers: Readonly<Record<number, string>> = {
  65: 'ARM',
  66: 'Broadcom',
  67: 'Cavium',
  70: 'Fujitsu',
  72: 'HiSilicon',
  78: 'NVIDIA',
  80: 'Applied Micro',
  81: 'Qualcomm',
  83: 'Samsung',
  86: 'Marvell',
  97: 'Apple',
  109: 'Microsoft',
  112: 'Phytium',
  192: 'Ampere',
};

const parts: Readonly<Record<string, string>> = {
  '41d03': 'Cortex-A53',
  '41d04': 'Cortex-A35',
  '41d05': 'Cortex-A55',
  '41d07': 'Cortex-A57',
  '41d08': 'Cortex-A72',
  '41d09': 'Cortex-A73',
  '41d0a': 'Cortex-A75',
  '41d0b': 'Cortex-A76',
  '41d0c': 'Neoverse N1',
  '41d0d': 'Cortex-A77',
  '41d0e': 'Cortex-A76AE',
  '41d40': 'Neoverse V1',
  '41d41': 'Cortex-A78',
  '41d42': 'Cortex-A78AE',
  '41d44': 'Cortex-X1',
  '41d46': 'Cortex-A510',
  '41d47': 'Cortex-A710',
  '41d48': 'Cortex-X2',
  '41d49': 'Neoverse N2',
  '41d4a': 'Neoverse E1',
  '41d4b': 'Cortex-A78C',
  '41d4d': 'Cortex-A715',
  '41d4e': 'Cortex-X3',
  '41d4f': 'Neoverse V2',
  '41d80': 'Cortex-A520',
  '41d81': 'Cortex-A720',
  '41d82': 'Cortex-X4',
  '41d83': 'Neoverse V3AE',
  '41d84': 'Neoverse V3',
  '41d8e': 'Neoverse N3',
  '42516': 'ThunderX2',
  '430a1': 'ThunderX',
  '430af': 'ThunderX2',
  '46001': 'A64FX',
  '48d01': 'Kunpeng 920',
  '4e003': 'Denver 2',
  '4e004': 'Carmel',
  '51800': 'Kryo',
  '51804': 'Kryo 4xx Gold',
  '61022': 'M1 Icestorm',
  '61023': 'M1 Firestorm',
  '6dd49': 'Azure Cobalt 100',
  c0ac3: 'Ampere-1',
  c0ac4: 'Ampere-1a',
};

/** `ARM Cortex-A72`; what has no name here keeps its number: `ARM part 0xd99`. */
export function armCoreName(implementer: number, part: number): string {
  const vendor = implementers[implementer] ?? `implementer ${hexOf(implementer)}`;
  const name = parts[implementer.toString(16).padStart(2, '0') + part.toString(16).padStart(3, '0')];
  return `${vendor} ${name ?? `part ${hexOf(part)}`}`;
}

function hexOf(number: number): string {
  return `0x${number.toString(16)}`;
}
