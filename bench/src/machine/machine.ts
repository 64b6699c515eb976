/** Which machine was measured, found in what the system says of itself. What cannot be found out is the word `unknown`. */
import { availableParallelism, release, totalmem } from 'node:os';
import { type OffloadName, offloadNames, testAeads, testOffloads } from 'tun-tap-native';
import type { EngineFacts, MachineFacts, OffloadFacts } from '../result.ts';
import { addonProblem } from './addon.ts';
import { type CpuInfo, parseCpuInfo } from './cpu-info.ts';
import { type Virtualization, virtualizationOf } from './emulation.ts';
import { type SystemFiles, systemFiles } from './files.ts';

/** What is known before anything is measured: throttling shows itself while it is. */
export interface Machine {
  readonly facts: Omit<MachineFacts, 'throttling'>;
  readonly virtualization: Virtualization;
}

/** What is not in files. */
export interface ProcessFacts {
  readonly arch: string;
  readonly cpus: number;
  readonly memory: number;
  readonly kernel: string;
  readonly node: string;
  readonly openssl: string;
}

const thisProcess: ProcessFacts = {
  arch: process.arch,
  cpus: availableParallelism(),
  memory: totalmem(),
  kernel: release(),
  node: process.versions.node,
  openssl: process.versions.openssl,
};

export function readMachine(
  files: SystemFiles = systemFiles,
  here: ProcessFacts = thisProcess,
  engines: readonly EngineFacts[] = engineFacts(),
  offloads: readonly OffloadFacts[] = offloadFacts(),
): Machine {
  const cpu = parseCpuInfo(files.read('/proc/cpuinfo') ?? '');
  const virtualization = virtualizationOf(files, cpu, here.arch);
  const isOfAnother = cpu.arch !== undefined && cpu.arch !== here.arch;
  return {
    virtualization,
    facts: {
      cpu: isOfAnother ? `an emulated ${here.arch}, on ${cpu.model ?? 'unknown'}` : (cpu.model ?? 'unknown'),
      arch: here.arch,
      cpus: here.cpus,
      features: isOfAnother ? [] : cpu.features,
      memoryMiB: Math.round(here.memory / 2 ** 20),
      board: boardOf(files, cpu) ?? 'unknown',
      governor: files.read('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor') ?? 'unknown',
      kernel: here.kernel,
      system: systemName(files) ?? 'unknown',
      node: here.node,
      openssl: here.openssl,
      virtualization: virtualization.name,
      engines,
      offloads,
    },
  };
}

/** The device tree's model, or DMI's maker and product; words that stand for "nobody filled this in" are left out. */
function boardOf(files: SystemFiles, cpu: CpuInfo): string | undefined {
  const model = files.read('/proc/device-tree/model') ?? cpu.board;
  if (model !== undefined && model !== '') return model;
  const words = ['sys_vendor', 'product_name'].flatMap((name) => {
    const word = files.read(`/sys/class/dmi/id/${name}`)?.trim() ?? '';
    return word === '' ||
      /^(to be filled by o\.?e\.?m\.?|system (manufacturer|product name)|default string|none)$/i.test(word)
      ? []
      : [word];
  });
  return words.length === 0 ? undefined : words.join(' ');
}

function systemName(files: SystemFiles): string | undefined {
  const text = files.read('/etc/os-release') ?? files.read('/usr/lib/os-release') ?? '';
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1];
}

const nativeEngines = ['evp', 'raw', 'multibuffer'] as const;

/** Those in TypeScript's reach always, those of the addon where it is, and why not. */
function engineFacts(): EngineFacts[] {
  const always = ['noble', 'node'].map((name) => ({ name, active: true }));
  const problem = addonProblem();
  if (problem !== undefined)
    return [...always, ...nativeEngines.map((name) => ({ name, active: false, reason: problem }))];
  const found = testAeads();
  return [
    ...always,
    ...nativeEngines.map((name) => {
      const reason = found.find((engine) => engine.name === name)?.reason;
      return reason === undefined ? { name, active: true } : { name, active: false, reason };
    }),
  ];
}

function offloadFacts(): OffloadFacts[] {
  const untested = (reason: string) =>
    offloadNames.map((name: OffloadName) => ({ name, active: false, reason }));
  const problem = addonProblem();
  if (problem !== undefined) return untested(problem);
  try {
    return testOffloads().map(({ name, active, reason }) =>
      reason === undefined ? { name, active } : { name, active, reason },
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return untested(`not tested, that needs root: ${message}`);
  }
}
