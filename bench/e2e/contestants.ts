/** Everyone who takes part: got, or with the reason why not. */
import {
  buildBoringtun,
  buildGotatun,
  buildTailscaleFork,
  buildWireguardGo,
  type Found,
  findOpenvpn,
  type Program,
} from './builders.ts';
import type { ProgramId } from './catalog.ts';
import { nullPlaneContestant } from './null-plane.ts';
import { openvpnContestant } from './openvpn.ts';
import type { Contestant } from './pair.ts';
import { plainCable } from './plain.ts';
import { pqtunContestant } from './pqtun.ts';
import { wireguardContestant } from './wireguard.ts';

type Say = (line: string) => void;

const goEnvironment = { LOG_LEVEL: 'error', WG_PROCESS_FOREGROUND: '1' };

/** Builds where it must, which takes minutes. */
export async function contestant(id: ProgramId, say: Say): Promise<Contestant | { missing: string }> {
  switch (id) {
    case 'veth':
      return plainCable;
    case 'wireguard-go':
      return made(await buildWireguardGo(say), (program) =>
        wireguardContestant(program, ['--foreground'], goEnvironment),
      );
    case 'tailscale':
      return made(await buildTailscaleFork(say), (program) =>
        wireguardContestant(program, ['--foreground'], goEnvironment),
      );
    case 'boringtun':
      return made(await buildBoringtun(say), (program) =>
        wireguardContestant(program, ['--foreground', '--disable-drop-privileges', '--verbosity', 'error']),
      );
    case 'gotatun':
      return made(await buildGotatun(say), (program) =>
        wireguardContestant(program, ['--foreground', '--disable-drop-privileges', '--verbosity', 'error']),
      );
    case 'openvpn':
      return made(await findOpenvpn(say), openvpnContestant);
    case 'portable':
    case 'native':
      return pqtunContestant(id);
    case 'null':
      return nullPlaneContestant(say);
    default:
      throw new Error(`no such program: ${id satisfies never}`);
  }
}

function made(found: Found, make: (program: Program) => Contestant): Contestant | { missing: string } {
  return 'missing' in found ? found : make(found);
}
