/** What a healthy machine looks like, one check a function; each gives lines of ok, warn or fail with what to do. */
import fs from 'node:fs';
import path from 'node:path';
import type { AeadStatus, NativeCapabilities, Netlink, OffloadStatus } from 'tun-tap-native';

export interface Finding {
  readonly level: 'ok' | 'warn' | 'fail';
  readonly what: string;
  /** What to do about it. */
  readonly advice?: string;
}

export interface DoctorWorld {
  readonly device: string;
  readonly configDirectory: string;
  readonly stateDirectory: string;
  /** Throws when the addon cannot be loaded. */
  readonly probe: () => NativeCapabilities;
  /** What a native plane would find here; these throw as `probe`. */
  readonly offloads: () => readonly OffloadStatus[];
  readonly aeads: () => readonly AeadStatus[];
  readonly netlink: () => Netlink;
  /** Known answers of both back ends; throws. */
  readonly selfTests: readonly (readonly [name: string, run: () => void])[];
  readonly now: number;
  readonly nodeVersion: string;
  readonly hasProgram: (name: string) => boolean;
}

const oldestNode = [24, 15] as const;
/** Before the first release no clock can be right. */
const earliestTime = Date.UTC(2026, 0, 1);
const publicAddresses = [
  Uint8Array.of(1, 1, 1, 1),
  Uint8Array.of(0x26, 0x06, 0x47, 0, 0x47, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x11),
];

export function diagnose(world: DoctorWorld): Finding[] {
  const checks = [
    checkNode,
    checkDevice,
    checkAddon,
    checkOffloads,
    checkAeads,
    checkKnownAnswers,
    checkClock,
    checkState,
    checkRoutes,
    checkConfigModes,
    checkPrograms,
  ];
  return checks.flatMap((check) => check(world));
}

function checkNode({ nodeVersion }: DoctorWorld): Finding[] {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  const recent = major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
  if (recent) return [{ level: 'ok', what: `Node.js ${nodeVersion}` }];
  return [
    {
      level: 'fail',
      what: `Node.js ${nodeVersion} is too old: raw keys of ML-KEM are missing`,
      advice: `use ${oldestNode.join('.')} or later`,
    },
  ];
}

function checkDevice({ device }: DoctorWorld): Finding[] {
  try {
    fs.accessSync(device, fs.constants.R_OK | fs.constants.W_OK);
    return [{ level: 'ok', what: `${device} is there and open to us` }];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // fs throws nothing else
    const advice =
      code === 'ENOENT'
        ? 'modprobe tun; in a container, pass the device in'
        : 'run as root, or with access to the device';
    return [{ level: 'fail', what: `${device}: ${code}`, advice }];
  }
}

function checkAddon({ probe }: DoctorWorld): Finding[] {
  try {
    const found = probe();
    const findings: Finding[] = [{ level: 'ok', what: 'the native addon is loaded' }];
    findings.push(
      found.tun
        ? { level: 'ok', what: 'TUN devices can be made' }
        : {
            level: 'fail',
            what: `no TUN device: ${found.reason ?? 'unknown reason'}`,
            advice: 'modprobe tun; run with CAP_NET_ADMIN',
          },
    );
    findings.push(
      found.netAdmin
        ? { level: 'ok', what: 'CAP_NET_ADMIN is held' }
        : {
            level: 'fail',
            what: 'CAP_NET_ADMIN is missing',
            advice: 'run as root, by the systemd unit, or in a network namespace of yours',
          },
    );
    return findings;
  } catch (error) {
    return [
      {
        level: 'fail',
        what: `the native addon cannot be loaded: ${messageOf(error)}`,
        advice: 'npm run setup',
      },
    ];
  }
}

/** Tried as the native plane tries them, but for a device. Without one it only is slower, so none of this fails. */
function checkOffloads({ offloads }: DoctorWorld): Finding[] {
  return unlessNoAddon(() => {
    const found = offloads();
    const active = found.filter(({ active }) => active).map(({ name }) => name);
    const missing = found.filter(({ active }) => !active);
    return [
      { level: 'ok', what: `offloads of the native plane: ${active.join(', ') || 'none'}` },
      ...missing.map(({ name, reason = 'unknown reason' }) => ({
        level: 'warn' as const,
        what: `without ${name}: ${reason}`,
        advice: 'packets pass all the same, for more CPU',
      })),
    ];
  });
}

function checkAeads({ aeads }: DoctorWorld): Finding[] {
  return unlessNoAddon(() => {
    const found = aeads();
    const there = found.filter(({ reason }) => reason === undefined).map(({ name }) => name);
    if (there.length === 0) {
      const why = found.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
      return [{ level: 'fail', what: `nothing to seal packets with: ${why}`, advice: 'Plane = portable' }];
    }
    return [
      { level: 'ok', what: `ciphers of the native plane, fastest first: ${there.join(', ')}` },
      ...found.flatMap(({ name, reason }) =>
        reason === undefined ? [] : [{ level: 'ok' as const, what: `no cipher ${name} here: ${reason}` }],
      ),
    ];
  });
}

/** Nothing where the addon cannot be loaded, which `checkAddon` says. */
function unlessNoAddon(check: () => Finding[]): Finding[] {
  try {
    return check();
  } catch {
    return [];
  }
}

function checkKnownAnswers({ selfTests }: DoctorWorld): Finding[] {
  return selfTests.map(([name, run]) => {
    try {
      run();
      return { level: 'ok', what: `known answers of ML-KEM, X25519 and the ciphers: ${name}` };
    } catch (error) {
      return {
        level: 'fail',
        what: `known answers of ${name}: ${messageOf(error)}`,
        advice: 'do not use this machine for keys; report it',
      };
    }
  });
}

function checkClock({ now }: DoctorWorld): Finding[] {
  const text = new Date(now).toISOString();
  if (now >= earliestTime) return [{ level: 'ok', what: `the clock says ${text}` }];
  return [
    {
      level: 'warn',
      what: `the clock says ${text}, which is past`,
      advice: 'set it: peers refuse initiations older than the last they saw',
    },
  ];
}

function checkState({ stateDirectory }: DoctorWorld): Finding[] {
  const stat = fs.lstatSync(stateDirectory, { throwIfNoEntry: false });
  if (stat === undefined) return [{ level: 'ok', what: `${stateDirectory} will be made on the first start` }];
  if (!stat.isDirectory() || (stat.mode & 0o077) !== 0) {
    return [
      {
        level: 'fail',
        what: `${stateDirectory} is open to others or no directory`,
        advice: `chmod 700 ${stateDirectory}`,
      },
    ];
  }
  return [{ level: 'ok', what: `${stateDirectory} is closed to others` }];
}

function checkRoutes({ netlink }: DoctorWorld): Finding[] {
  try {
    const lookup = netlink();
    return publicAddresses.map((ip) => routeFinding(ip, lookup));
  } catch (error) {
    return [{ level: 'warn', what: `routes cannot be read: ${messageOf(error)}`, advice: 'npm run setup' }];
  }
}

function routeFinding(ip: Uint8Array, netlink: Netlink): Finding {
  const family = ip.length === 4 ? 'IPv4' : 'IPv6';
  try {
    const { device, mtu } = netlink.routeTo(ip);
    const what = `${family} leaves by ${device}, MTU ${mtu}: the tunnel takes ${mtu - 80}`;
    if (mtu >= 1360) return { level: 'ok', what };
    return {
      level: 'warn',
      what,
      advice: 'below 1280 inside the tunnel IPv6 cannot work; look for a tunnel in a tunnel',
    };
  } catch {
    return {
      level: family === 'IPv4' ? 'warn' : 'ok',
      what: `no ${family} route to the internet`,
      ...(family === 'IPv4' && { advice: 'fine for a closed network' }),
    };
  }
}

function checkConfigModes({ configDirectory }: DoctorWorld): Finding[] {
  const stat = fs.statSync(configDirectory, { throwIfNoEntry: false });
  if (stat === undefined) return [{ level: 'ok', what: `no ${configDirectory} yet` }];
  const names = fs
    .readdirSync(configDirectory)
    .filter((name) => !name.startsWith('.') && !name.endsWith('.pub'));
  const open = names.map((name) => path.join(configDirectory, name)).filter(isOpenToOthers);
  if (open.length === 0)
    return [{ level: 'ok', what: `${configDirectory}: ${names.length} files, none open to others` }];
  return open.map((file) => ({
    level: 'fail',
    what: `${file} is open to others`,
    advice: `chmod 600 ${file}`,
  }));
}

function isOpenToOthers(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true && (stat.mode & 0o027) !== 0;
}

function checkPrograms({ hasProgram }: DoctorWorld): Finding[] {
  const dns: Finding = hasProgram('resolvconf')
    ? { level: 'ok', what: 'resolvconf is there' }
    : { level: 'warn', what: 'no resolvconf', advice: 'install openresolv if a configuration has DNS =' };
  const firewall: Finding = {
    level: 'ok',
    what: `firewall: ${hasProgram('nft') ? 'nft' : hasProgram('iptables') ? 'iptables' : 'no program'} found`,
    advice: 'one UDP port (ListenPort) must be open for peers that call us',
  };
  return [dns, firewall];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
