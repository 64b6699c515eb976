/** Programs that speak WireGuard: both ends of the same one, each the other's only peer. */

import { WireguardPeer, type WireguardProgram } from '../../interop/peers/wireguard.ts';
import { type KeyPair, keyPair } from '../../interop/wireguard-lab.ts';
import type { Program } from './builders.ts';
import { type Contestant, inner, outer, type Pair, type Tunnel, tunnelMtu } from './pair.ts';

const port = 51820;
let interfaces = 0;

/** At most 15 characters, and no other run's: the control sockets of all lie in one folder. */
function freshName(): string {
  return `pqb${(process.pid % 1e6).toString(36)}x${interfaces++}`;
}

/** `args`: what keeps it in the foreground and quiet. */
export function wireguardContestant(
  program: Program,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Contestant {
  const { command, name, built } = program;
  const started: WireguardProgram = { name, version: '', command, args, env: { ...program.env, ...env } };
  return { name, built, start: (pair) => start(pair, started) };
}

async function start(pair: Pair, program: WireguardProgram): Promise<Tunnel> {
  const keys = { left: keyPair(), right: keyPair() };
  const ends: WireguardPeer[] = [];
  try {
    for (const side of ['left', 'right'] as const) {
      const name = freshName();
      ends.push(await WireguardPeer.start(pair[side], program, name, `${inner[side]}/24`, tunnelMtu));
    }
    const [left, right] = ends;
    await left?.uapi.configure(hex(keys.left), port, peer(keys.right, 'right'));
    await right?.uapi.configure(hex(keys.right), port, peer(keys.left, 'left'));
  } catch (error) {
    await stopAll(ends);
    throw error;
  }
  return {
    ...inner,
    pids: ends.map(({ pid }) => pid),
    offloads: () => 'unknown',
    log: () => ends.map(({ log }) => log.slice(-1500)).join('\n'),
    stop: () => stopAll(ends),
  };
}

async function stopAll(ends: readonly WireguardPeer[]): Promise<undefined> {
  await Promise.all(ends.map((end) => end.stop()));
}

const hex = ({ privateKey }: KeyPair): string => privateKey.toString('hex');

function peer({ publicKey }: KeyPair, side: 'left' | 'right') {
  return {
    publicKey: publicKey.toString('hex'),
    endpoint: `${outer[side]}:${port}`,
    allowedIps: [`${inner[side]}/32`],
  };
}
