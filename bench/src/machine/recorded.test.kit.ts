/** Machines as they describe themselves: the files the bench reads, from boards, clouds and emulators. Shortened to what is read. */
import { type SystemFiles, trimmed } from './files.ts';

/** A system that has these files alone; a path that ends in ` ->` is a symbolic link. */
export function recorded(files: Readonly<Record<string, string>>): SystemFiles {
  const names = Object.keys(files);
  return {
    read: (path) => (files[path] === undefined ? undefined : trimmed(files[path])),
    list: (path) => [
      ...new Set(
        names
          .filter((name) => name.startsWith(`${path}/`))
          .map((name) => name.slice(path.length + 1).split('/')[0] ?? ''),
      ),
    ],
    link: (path) => files[`${path} ->`],
  };
}

/** Blocks of /proc/cpuinfo as arm64 kernels write them. */
function armCores(count: number, implementer: string, part: string, features: string): string {
  return Array.from(
    { length: count },
    (_, i) =>
      `processor\t: ${i}\nBogoMIPS\t: 108.00\nFeatures\t: ${features}\nCPU implementer\t: ${implementer}\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: ${part}\nCPU revision\t: 3\n\n`,
  ).join('');
}

const cpufreq = (cpu: number, now: number, most: number, governor: string, driver = 'cpufreq-dt') => ({
  [`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_cur_freq`]: `${now}\n`,
  [`/sys/devices/system/cpu/cpu${cpu}/cpufreq/cpuinfo_max_freq`]: `${most}\n`,
  [`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_governor`]: `${governor}\n`,
  [`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_driver`]: `${driver}\n`,
});

const firmwareFile = '/sys/bus/platform/drivers/raspberrypi-firmware/soc:firmware/get_throttled';

/** No crypto extension: the Pi 4's SoC has none. */
export const raspberryPi4 = {
  '/proc/cpuinfo': `${armCores(4, '0x41', '0xd08', 'fp asimd evtstrm crc32 cpuid')}Revision\t: c03115\nSerial\t\t: 10000000abcdef01\nModel\t\t: Raspberry Pi 4 Model B Rev 1.5\n`,
  '/proc/device-tree/model': 'Raspberry Pi 4 Model B Rev 1.5\0',
  '/etc/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\n',
  [firmwareFile]: '0\n',
  ...cpufreq(0, 1_800_000, 1_800_000, 'ondemand'),
};

/** After it had been too hot, and with a supply too weak. */
export const hotRaspberryPi4 = {
  ...raspberryPi4,
  [firmwareFile]: '50005\n',
  ...cpufreq(0, 1_000_000, 1_800_000, 'ondemand'),
};

export const raspberryPi5 = {
  '/proc/cpuinfo': `${armCores(4, '0x41', '0xd0b', 'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp')}Model\t\t: Raspberry Pi 5 Model B Rev 1.0\n`,
  '/sys/class/hwmon/hwmon0/name': 'cpu_thermal\n',
  '/sys/class/hwmon/hwmon1/name': 'rpi_volt\n',
  '/sys/class/hwmon/hwmon1/in0_lcrit_alarm': '0\n',
  ...cpufreq(0, 2_400_000, 2_400_000, 'ondemand'),
};

export const imx8m = {
  '/proc/cpuinfo': armCores(4, '0x41', '0xd03', 'fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid'),
  '/proc/device-tree/model': 'NXP i.MX8MPlus EVK board\0',
  ...cpufreq(0, 1_800_000, 1_800_000, 'schedutil'),
};

/** Two kinds of cores. */
export const imx8qm = {
  '/proc/cpuinfo':
    armCores(4, '0x41', '0xd03', 'fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid') +
    armCores(2, '0x41', '0xd08', 'fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid'),
  '/proc/device-tree/model': 'Freescale i.MX8QM MEK\0',
};

/** AWS Graviton 4, with DMI and no cpufreq. */
export const neoverse = {
  '/proc/cpuinfo': armCores(
    8,
    '0x41',
    '0xd4f',
    'fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma lrcpc dcpop sha3 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm sve2',
  ),
  '/sys/class/dmi/id/sys_vendor': 'Amazon EC2\n',
  '/sys/class/dmi/id/product_name': 'c8g.2xlarge\n',
};

const x86Info = (model: string, flags: string, vendor = 'GenuineIntel') =>
  `processor\t: 0\nvendor_id\t: ${vendor}\ncpu family\t: 6\nmodel name\t: ${model}\nflags\t\t: fpu sse sse2 ${flags}\n\n`;

/** A fanless PC with intel_pstate, whose powersave is what others call schedutil. */
export const atom = {
  '/proc/cpuinfo': x86Info('Intel(R) N100', 'ssse3 aes avx avx2 bmi2 adx sha_ni vaes'),
  '/sys/class/dmi/id/sys_vendor': 'To Be Filled By O.E.M.\n',
  '/sys/class/dmi/id/product_name': 'Default string\n',
  '/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count': '3\n',
  '/sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count': '4\n',
  '/sys/devices/system/cpu/cpu0/cpufreq/base_frequency': '800000\n',
  ...cpufreq(0, 2_900_000, 3_400_000, 'powersave', 'intel_pstate'),
};

const kvmClock = {
  '/sys/devices/system/clocksource/clocksource0/available_clocksource': 'kvm-clock tsc acpi_pm \n',
};

/** A small virtual machine without DMI. */
export const microVm = {
  '/proc/cpuinfo': x86Info('AMD EPYC', 'ssse3 aes avx avx2 bmi2 adx hypervisor vaes', 'AuthenticAMD'),
  ...kvmClock,
};

/** libvirt's old default processor, which runs on KVM as well as without. */
export const qemuWithKvm = {
  '/proc/cpuinfo': x86Info('QEMU Virtual CPU version 2.5+', 'hypervisor'),
  ...kvmClock,
};
export const qemuTcg = { '/proc/cpuinfo': x86Info('QEMU TCG CPU version 2.5+', 'ssse3 avx2 hypervisor') };
/** `-cpu max` of qemu-system-aarch64. */
export const qemuArm = {
  '/proc/cpuinfo': armCores(1, '0x00', '0x051', 'fp asimd aes pmull sha2 sve'),
  '/proc/device-tree/model': 'linux,dummy-virt\0',
  '/proc/device-tree/compatible': 'linux,dummy-virt\0',
};

/** An arm64 program under qemu-aarch64 7.2 on an x86 machine, which sees that machine's processor. */
export const qemuUser = {
  '/proc/cpuinfo': microVm['/proc/cpuinfo'],
  '/proc/self/exe ->': '/opt/node/bin/node',
  '/proc/thread-self/exe ->': '/usr/bin/qemu-aarch64',
};
/** A later one, which shows a processor of its own making. */
export const laterQemuUser = {
  '/proc/cpuinfo': armCores(2, '0x41', '0xd07', 'fp asimd aes'),
  '/proc/thread-self/maps': '00400000-00800000 r-xp 00000000 fe:00 123    /usr/bin/qemu-aarch64-static\n',
};
