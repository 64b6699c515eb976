/** Whether a machine went slower than it could, for heat or for want of power: read at the beginning, while it works, and at the end. */
import type { SystemFiles } from './files.ts';

/** What the system says of it at one moment. */
export interface ThrottleSigns {
  /** How often cores and packages have throttled since the start, all together; x86. */
  readonly count: number | undefined;
  /** Raspberry Pi's firmware: bits 0 … 3 what is, 16 … 19 what has been since the start. */
  readonly firmware: number | undefined;
  /** Raspberry Pi's voltage monitor, where the kernel has no file for the bits. */
  readonly isUnderVoltage: boolean | undefined;
  /** The fastest CPU's clock as a share of what it is made for; `undefined` where that cannot be known. */
  readonly clockShare: number | undefined;
}

const cpus = '/sys/devices/system/cpu';
/** The firmware's device has another name on each kind of board: its driver knows it. */
const firmwareDriver = '/sys/bus/platform/drivers/raspberrypi-firmware';

export function readThrottleSigns(files: SystemFiles): ThrottleSigns {
  const folders = files
    .list(cpus)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${cpus}/${name}`);
  return {
    count: throttleCount(files, folders),
    firmware: firmwareBits(files),
    isUnderVoltage: underVoltage(files),
    clockShare: clockShare(files, folders),
  };
}

export type Throttling =
  | { readonly kind: 'seen'; readonly why: string }
  | { readonly kind: 'not seen' }
  | { readonly kind: 'unknown' };

/** Below this share of the nominal clock a busy CPU has been slowed down. */
const leastClock = 0.9;
/** Looks that must have found it so: one may fall into a change of the clock. */
const surely = 2;

/** `during`: read while the machine worked; an idle one has every right to a slow clock. */
export function throttlingOf(
  before: ThrottleSigns,
  during: readonly ThrottleSigns[],
  after: ThrottleSigns,
): Throttling {
  const shares = during.flatMap(({ clockShare: share }) => share ?? []);
  const slow = shares.filter((share) => share < leastClock);
  const found = [
    firmwareWords(before, [...during, after]),
    [before, ...during, after].some(({ isUnderVoltage }) => isUnderVoltage === true)
      ? 'the supply voltage was too low'
      : undefined,
    before.count !== undefined && after.count !== undefined && after.count > before.count
      ? `the CPU counted ${after.count - before.count} times that it slowed down for heat`
      : undefined,
    slow.length > 0 && slow.length >= Math.min(surely, shares.length)
      ? `the clock fell to ${Math.round(Math.min(...slow) * 100)} % of what the CPU is made for`
      : undefined,
  ].filter((words) => words !== undefined);
  if (found.length > 0) return { kind: 'seen', why: found.join('; ') };
  const isKnown = after.count !== undefined || after.firmware !== undefined || shares.length > 0;
  return { kind: isKnown ? 'not seen' : 'unknown' };
}

/** Of vcgencmd's documentation. */
const firmwareMeanings = [
  [0, 'the supply voltage was too low'],
  [1, 'the clock was capped'],
  [2, 'the firmware throttled the CPU'],
  [3, 'the CPU reached its soft temperature limit'],
] as const;

/** What held at some moment, or came up between the first and the last. */
function firmwareWords(before: ThrottleSigns, later: readonly ThrottleSigns[]): string | undefined {
  if (before.firmware === undefined) return undefined;
  const known = later.flatMap(({ firmware }) => firmware ?? []);
  const now = [before.firmware, ...known].reduce((bits, each) => bits | (each & 0xf), 0);
  const came = (known.at(-1) ?? before.firmware) & ~before.firmware & 0xf0000;
  const words = firmwareMeanings.filter(([bit]) => ((now | (came >>> 16)) & (1 << bit)) !== 0);
  return words.length === 0 ? undefined : words.map(([, text]) => text).join('; ');
}

function firmwareBits(files: SystemFiles): number | undefined {
  const devices = files.list(firmwareDriver).map((device) => `${firmwareDriver}/${device}`);
  return devices
    .map((device) => numberIn(files.read(`${device}/get_throttled`), 16))
    .find((bits) => bits !== undefined);
}

function throttleCount(files: SystemFiles, folders: readonly string[]): number | undefined {
  const counts = folders.flatMap((folder) =>
    ['core_throttle_count', 'package_throttle_count'].flatMap(
      (name) => numberIn(files.read(`${folder}/thermal_throttle/${name}`), 10) ?? [],
    ),
  );
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

function underVoltage(files: SystemFiles): boolean | undefined {
  const monitors = files.list('/sys/class/hwmon').map((name) => `/sys/class/hwmon/${name}`);
  const monitor = monitors.find((folder) => files.read(`${folder}/name`) === 'rpi_volt');
  return monitor === undefined ? undefined : files.read(`${monitor}/in0_lcrit_alarm`) === '1';
}

/**
 * Against the clock a CPU keeps under any load: `base_frequency` where the driver tells it, else the highest, but not on x86, where
 * that is a boost which nobody promises. A governor that holds the clock down on purpose is no throttling.
 */
function clockShare(files: SystemFiles, folders: readonly string[]): number | undefined {
  const shares = folders.flatMap((folder) => {
    const clock = (name: string) => numberIn(files.read(`${folder}/cpufreq/${name}`), 10);
    const governor = files.read(`${folder}/cpufreq/scaling_governor`);
    const driver = files.read(`${folder}/cpufreq/scaling_driver`) ?? '';
    const isPstate = /pstate/.test(driver);
    if (governor === 'userspace' || (governor === 'powersave' && !isPstate)) return [];
    const hasBoost = isPstate || driver === 'acpi-cpufreq';
    const nominal = clock('base_frequency') ?? (hasBoost ? undefined : clock('cpuinfo_max_freq'));
    const now = clock('scaling_cur_freq');
    return nominal === undefined || now === undefined ? [] : [now / nominal];
  });
  return shares.length === 0 ? undefined : Math.max(...shares);
}

function numberIn(text: string | undefined, base: 10 | 16): number | undefined {
  const number = text === undefined ? Number.NaN : Number.parseInt(text, base);
  return Number.isNaN(number) ? undefined : number;
}
