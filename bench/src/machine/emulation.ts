/** Whether a program is at work where a processor should be: then time means nothing. And which hypervisor, with which it still does. */
import type { CpuInfo } from './cpu-info.ts';
import type { SystemFiles } from './files.ts';

export interface Virtualization {
  /** An emulator's or a hypervisor's name, or `none`. */
  readonly name: string;
  readonly isEmulator: boolean;
}

export function virtualizationOf(files: SystemFiles, cpu: CpuInfo, arch: string): Virtualization {
  const emulator = userEmulator(files, cpu, arch) ?? machineEmulator(files, cpu);
  if (emulator !== undefined) return { name: emulator, isEmulator: true };
  return { name: hypervisor(files, cpu) ?? 'none', isEmulator: false };
}

/** Programs that run other processors' programs, by the beginning of their own names. */
const emulators = [
  [/^qemu-/, 'qemu-user'],
  [/^box64/, 'box64'],
  [/^FEX/, 'FEX'],
  [/^rosetta/, 'Rosetta'],
] as const;

/**
 * They answer for /proc/self/exe and /proc/self/maps in the place of the program they run, but, as of QEMU 10, not for the same files
 * by other paths. Older ones hand through /proc/cpuinfo, which then is of another kind of processor.
 */
function userEmulator(files: SystemFiles, cpu: CpuInfo, arch: string): string | undefined {
  const programs = ['/proc/thread-self/exe', '/proc/self/exe'].map((path) => files.link(path));
  const mapped = ['/proc/thread-self/maps', '/proc/self/maps'].flatMap((path) =>
    [...(files.read(path) ?? '').matchAll(/\s(\/\S+)$/gm)].map(([, file]) => file),
  );
  for (const file of [...programs, ...mapped]) {
    const name = file?.slice(file.lastIndexOf('/') + 1) ?? '';
    for (const [pattern, emulator] of emulators) if (pattern.test(name)) return emulator;
  }
  if (cpu.arch !== undefined && cpu.arch !== arch) return `an emulator of ${arch} on ${cpu.arch}`;
  return /VirtualApple/.test(cpu.model ?? '') ? 'Rosetta' : undefined;
}

/** A whole machine in software: QEMU's own processor, and no KVM beneath it. */
function machineEmulator(files: SystemFiles, cpu: CpuInfo): string | undefined {
  if (/\bTCG\b/.test(cpu.model ?? '')) return 'QEMU TCG';
  return cpu.isOfQemu && !hasKvmClock(files) ? 'QEMU TCG' : undefined;
}

function hasKvmClock(files: SystemFiles): boolean {
  const clocks = files.read('/sys/devices/system/clocksource/clocksource0/available_clocksource');
  return (
    /\bkvm-clock\b/.test(clocks ?? '') ||
    files.read('/proc/device-tree/hypervisor/compatible') === 'linux,kvm'
  );
}

/** What makers of virtual machines write where others write the maker of the board. */
const makers = [
  [/^(QEMU|Red Hat|KubeVirt|OpenStack)/, 'KVM'],
  [/^VMware/, 'VMware'],
  [/^innotek|^Oracle Corporation.*VirtualBox/, 'VirtualBox'],
  [/^Microsoft Corporation Virtual Machine/, 'Hyper-V'],
  [/^Xen/, 'Xen'],
  [/^Amazon EC2 (?!.*\.metal)/, 'Amazon Nitro'],
  [/^Google/, 'Google Compute Engine'],
  [/^Parallels/, 'Parallels'],
  [/^Apple.*Virtualization/, 'Apple Virtualization'],
] as const;

function hypervisor(files: SystemFiles, cpu: CpuInfo): string | undefined {
  if (files.read('/sys/hypervisor/type') === 'xen') return 'Xen';
  const dmi = ['sys_vendor', 'product_name'].map((name) => files.read(`/sys/class/dmi/id/${name}`) ?? '');
  for (const [pattern, name] of makers) if (pattern.test(dmi.join(' '))) return name;
  if (hasKvmClock(files)) return 'KVM';
  const isVirtBoard = files.read('/proc/device-tree/compatible')?.includes('linux,dummy-virt') ?? false;
  if (isVirtBoard) return 'KVM'; // QEMU's arm64 board, with the host's own kind of processor
  return cpu.hasHypervisor ? 'a hypervisor that does not say its name' : undefined;
}
