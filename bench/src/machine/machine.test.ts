import { describe, expect, it } from 'vitest';
import { armCoreName } from './arm-cores.ts';
import { parseCpuInfo } from './cpu-info.ts';
import { trimmed } from './files.ts';
import { type ProcessFacts, readMachine } from './machine.ts';
import * as boards from './recorded.test.kit.ts';
import { readThrottleSigns, throttlingOf } from './throttling.ts';

const here: ProcessFacts = {
  arch: 'arm64',
  cpus: 4,
  memory: 4 * 2 ** 30,
  kernel: '6.6.20',
  node: '26.10.0',
  openssl: '3.5.4',
};
const read = (files: Readonly<Record<string, string>>, arch = 'arm64') =>
  readMachine(boards.recorded(files), { ...here, arch }, [], []);
const signs = (files: Readonly<Record<string, string>>) => readThrottleSigns(boards.recorded(files));

describe('a board', () => {
  it('Raspberry Pi 4 has no AES, and is told so', () => {
    expect(read(boards.raspberryPi4).facts).toEqual({
      cpu: 'ARM Cortex-A72',
      arch: 'arm64',
      cpus: 4,
      features: ['asimd'],
      memoryMiB: 4096,
      board: 'Raspberry Pi 4 Model B Rev 1.5',
      governor: 'ondemand',
      kernel: '6.6.20',
      system: 'Debian GNU/Linux 12 (bookworm)',
      node: '26.10.0',
      openssl: '3.5.4',
      virtualization: 'none',
      engines: [],
      offloads: [],
    });
  });

  it.each([
    ['Raspberry Pi 5', boards.raspberryPi5, 'ARM Cortex-A76', 'Raspberry Pi 5 Model B Rev 1.0', 'none'],
    ['i.MX8M Plus', boards.imx8m, 'ARM Cortex-A53', 'NXP i.MX8MPlus EVK board', 'none'],
    ['i.MX8QM', boards.imx8qm, 'ARM Cortex-A53 ×4, ARM Cortex-A72 ×2', 'Freescale i.MX8QM MEK', 'none'],
    ['Graviton 4', boards.neoverse, 'ARM Neoverse V2', 'Amazon EC2 c8g.2xlarge', 'Amazon Nitro'],
  ])('%s is known by its numbers', (_, files, cpu, board, virtualization) => {
    expect(read(files).facts).toMatchObject({ cpu, board, virtualization });
    expect(read(files).virtualization.isEmulator).toBe(false);
  });

  it('of 64-bit ARM says which of its features ciphers use', () => {
    expect(read(boards.neoverse).facts.features).toEqual([
      ...['aes', 'asimd', 'pmull', 'sha2', 'sha3', 'sve', 'sve2'],
    ]);
  });

  it('whose maker filled in nothing is unknown', () => {
    expect(read(boards.atom, 'x64').facts).toMatchObject({ cpu: 'Intel(R) N100', board: 'unknown' });
    expect(read({}, 'x64').facts).toMatchObject({
      cpu: 'unknown',
      board: 'unknown',
      governor: 'unknown',
      system: 'unknown',
    });
  });

  it('with a core that has no name here is told by its number', () => {
    expect(armCoreName(0x41, 0xd99)).toBe('ARM part 0xd99');
    expect(armCoreName(0x7a, 0x1)).toBe('implementer 0x7a part 0x1');
  });
});

describe('an emulator', () => {
  it.each([
    ['qemu-aarch64 on x86', boards.qemuUser, 'arm64', 'qemu-user'],
    ['qemu-aarch64 that shows a processor of its own', boards.laterQemuUser, 'arm64', 'qemu-user'],
    [
      'one that hands the wrong /proc/cpuinfo through',
      { '/proc/cpuinfo': boards.qemuUser['/proc/cpuinfo'] },
      'arm64',
      'an emulator of arm64 on x64',
    ],
    ['QEMU without KVM', boards.qemuTcg, 'x64', 'QEMU TCG'],
    ['QEMU without KVM on arm64', boards.qemuArm, 'arm64', 'QEMU TCG'],
  ])('%s is seen', (_, files, arch, name) => {
    expect(read(files, arch).virtualization).toEqual({ name, isEmulator: true });
  });

  it('is not taken for the processor it runs on', () => {
    expect(read(boards.qemuUser).facts).toMatchObject({
      cpu: 'an emulated arm64, on AMD EPYC',
      features: [],
    });
  });

  it.each([
    ['a small virtual machine', boards.microVm, 'KVM'],
    ["QEMU's own processor on KVM", boards.qemuWithKvm, 'KVM'],
    [
      'a guest that says nothing more',
      { '/proc/cpuinfo': boards.microVm['/proc/cpuinfo'] },
      'a hypervisor that does not say its name',
    ],
    ['VMware', { ...boards.microVm, '/sys/class/dmi/id/sys_vendor': 'VMware, Inc.' }, 'VMware'],
    [
      'Hyper-V',
      {
        '/sys/class/dmi/id/sys_vendor': 'Microsoft Corporation',
        '/sys/class/dmi/id/product_name': 'Virtual Machine',
      },
      'Hyper-V',
    ],
    [
      'a PC of the same maker',
      {
        '/sys/class/dmi/id/sys_vendor': 'Microsoft Corporation',
        '/sys/class/dmi/id/product_name': 'Surface Pro 9',
      },
      'none',
    ],
    [
      'Amazon without a hypervisor',
      { '/sys/class/dmi/id/sys_vendor': 'Amazon EC2', '/sys/class/dmi/id/product_name': 'c6i.metal' },
      'none',
    ],
    ['the PC itself', boards.atom, 'none'],
  ])('%s is none', (_, files, name) => {
    expect(read(files, 'x64').virtualization).toEqual({ name, isEmulator: false });
  });

  it('is not this machine, nor the one these tests run on without one', () => {
    expect(readMachine(undefined, undefined, [], []).facts.arch).toBe(process.arch);
  });
});

describe('throttling', () => {
  const cool = signs(boards.raspberryPi4);
  const hot = signs(boards.hotRaspberryPi4);

  it('is read from the firmware of a Raspberry Pi, in hexadecimal, and from the clock', () => {
    expect(cool).toEqual({ count: undefined, firmware: 0, isUnderVoltage: undefined, clockShare: 1 });
    expect(hot).toMatchObject({ firmware: 0x50005, clockShare: 1_000_000 / 1_800_000 });
  });

  it('is not seen where nothing happened', () => {
    expect(throttlingOf(cool, [cool], cool)).toEqual({ kind: 'not seen' });
  });

  it('is seen with why', () => {
    expect(throttlingOf(cool, [hot], hot)).toEqual({
      kind: 'seen',
      why: 'the supply voltage was too low; the firmware throttled the CPU; the clock fell to 56 % of what the CPU is made for',
    });
  });

  it('is seen when it came and went between two looks', () => {
    expect(throttlingOf(cool, [cool], { ...cool, firmware: 0x40000 })).toEqual({
      kind: 'seen',
      why: 'the firmware throttled the CPU',
    });
  });

  it('of before the bench is none of it', () => {
    const once = { ...cool, firmware: 0x50000 };
    expect(throttlingOf(once, [once], once)).toEqual({ kind: 'not seen' });
  });

  it('is seen by the voltage monitor where the kernel has no file for the firmware', () => {
    const fine = signs(boards.raspberryPi5);
    expect(fine).toMatchObject({ firmware: undefined, isUnderVoltage: false });
    expect(throttlingOf(fine, [{ ...fine, isUnderVoltage: true }], fine)).toEqual({
      kind: 'seen',
      why: 'the supply voltage was too low',
    });
  });

  it('is counted by x86, whose boost is no promise', () => {
    const before = signs(boards.atom);
    expect(before).toMatchObject({ count: 7, clockShare: 2_900_000 / 800_000 });
    expect(throttlingOf(before, [before], before)).toEqual({ kind: 'not seen' });
    expect(throttlingOf(before, [before], { ...before, count: 9 })).toEqual({
      kind: 'seen',
      why: 'the CPU counted 2 times that it slowed down for heat',
    });
  });

  it('is not a clock that a governor holds down on purpose', () => {
    const saving = {
      ...boards.imx8m,
      '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
      '/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq': '600000\n',
    };
    expect(signs(saving).clockShare).toBeUndefined();
  });

  it('is not a slow clock of an idle machine', () => {
    const idle = { ...cool, clockShare: 0.3 };
    expect(throttlingOf(idle, [cool], idle)).toEqual({ kind: 'not seen' });
  });

  it('is not one look at a slow clock among many', () => {
    const slow = { ...cool, clockShare: 0.5 };
    expect(throttlingOf(cool, [cool, slow, cool], cool)).toEqual({ kind: 'not seen' });
    expect(throttlingOf(cool, [cool, slow, slow], cool)).toMatchObject({ kind: 'seen' });
  });

  it('is unknown where the system says nothing', () => {
    const nothing = signs(boards.microVm);
    expect(throttlingOf(nothing, [nothing], nothing)).toEqual({ kind: 'unknown' });
  });
});

it('strings of the device tree end in a NUL', () => {
  expect(trimmed('a board\0')).toBe('a board');
  expect(parseCpuInfo('').model).toBeUndefined();
});
