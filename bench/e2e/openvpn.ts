/** OpenVPN, point to point over UDP, in user space, with what it takes by default: AES-256-GCM. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { collect, endChild } from '../../test/kit/lab/namespace.ts';
import { removeNow, temporaryFolder } from '../../test/kit/temporary.ts';
import type { Program } from './builders.ts';
import { type Contestant, inner, outer, type Pair, type Tunnel, tunnelMtu } from './pair.ts';

const port = 1194;
const patience = 30_000;
const sides = ['left', 'right'] as const;
type Side = (typeof sides)[number];
const other = { left: 'right', right: 'left' } as const;

export function openvpnContestant(program: Program): Contestant {
  return {
    name: `${program.name} (AES-256-GCM, its default)`,
    built: program.built,
    start: (pair) => start(pair, program),
  };
}

async function start(pair: Pair, program: Program): Promise<Tunnel> {
  const folder = temporaryFolder('bench-openvpn');
  try {
    const prints = { left: makeCertificate(folder, 'left'), right: makeCertificate(folder, 'right') };
    const ends = sides.map((side) => {
      const file = join(folder, `${side}.conf`);
      writeFileSync(file, configuration(folder, side, prints[other[side]]));
      const child = pair[side].spawn(program.command, ['--config', file], {
        env: { ...process.env, ...program.env },
      });
      return { child, log: collect(child) };
    });
    const stop = async (): Promise<undefined> => {
      await Promise.all(ends.map(({ child }) => endChild(child)));
      removeNow(folder);
    };
    const log = (): string => ends.map((end) => end.log().slice(-1500)).join('\n');
    const deadline = Date.now() + patience;
    while (!ends.every((end) => end.log().includes('Initialization Sequence Completed'))) {
      if (Date.now() > deadline || ends.some(({ child }) => child.exitCode !== null)) {
        await stop();
        throw new Error(`OpenVPN did not start:\n${log()}`);
      }
      await pause(50);
    }
    return {
      ...inner,
      pids: ends.map(({ child }) => child.pid ?? 0),
      offloads: () => 'none: one packet a system call',
      log,
      stop,
    };
  } catch (error) {
    removeNow(folder);
    throw error;
  }
}

function configuration(folder: string, side: Side, peerPrint: string): string {
  return [
    'dev tun0',
    'dev-type tun',
    'proto udp',
    `local ${outer[side]}`,
    `remote ${outer[other[side]]}`,
    `port ${port}`,
    `ifconfig ${inner[side]} ${inner[other[side]]}`,
    `tun-mtu ${tunnelMtu}`,
    side === 'left' ? 'tls-client' : 'tls-server\ndh none',
    `cert ${join(folder, `${side}.crt`)}`,
    `key ${join(folder, `${side}.key`)}`,
    `peer-fingerprint ${peerPrint}`,
    'disable-dco',
    'verb 1',
    '',
  ].join('\n');
}

/** A key, and a certificate signed with it; its SHA-256 fingerprint. */
function makeCertificate(folder: string, side: Side): string {
  const [key, certificate] = [join(folder, `${side}.key`), join(folder, `${side}.crt`)];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...curve,
    '-days',
    '30',
    '-subj',
    `/CN=${side}`,
    '-keyout',
    key,
    '-out',
    certificate,
  );
  const print = /Fingerprint=(\S+)/.exec(
    openssl('x509', '-in', certificate, '-noout', '-fingerprint', '-sha256'),
  );
  if (print?.[1] === undefined) throw new Error('openssl printed no fingerprint');
  return print[1];
}

function openssl(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
  return stdout;
}
