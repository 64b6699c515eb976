/** Rules that join several keys of one peer; the file and `pqtun set` obey the same ones. */
import type { RekeyProfile } from '@pqtun/core';
import type { PeerConfig } from '@pqtun/tunnel';
import type { Refusal } from './fields.ts';

export interface PeerTraits {
  readonly hybrid: boolean;
  readonly mode?: PeerConfig['mode'] | undefined;
  readonly rekeyProfile?: RekeyProfile | undefined;
  readonly hasDeploymentKey: boolean;
}

export interface RuleProblem extends Refusal {
  readonly key: 'Mode' | 'KemPublicKey' | 'RekeyProfile' | 'DeploymentKey';
}

/** What of a peer contradicts itself, in the order people should mend it. `hasKemSeed`: whether we can be hybrid at all. */
export function peerProblems(peer: PeerTraits, hasKemSeed: boolean): RuleProblem[] {
  if (peer.hybrid) return hybridProblems(peer, hasKemSeed);
  return classicalProblems(peer);
}

/** A peer with a KEM key never falls back, whatever else is configured (protocol.md §3). */
function hybridProblems(peer: PeerTraits, hasKemSeed: boolean): RuleProblem[] {
  if (peer.mode === 'classical') {
    return [
      {
        key: 'Mode',
        got: 'classical beside a KemPublicKey',
        expected: 'one of them: such a peer never falls back',
      },
    ];
  }
  if (hasKemSeed) return [];
  const expected = 'a KemSeed for hybrid peers; make it with: pqtun genkey';
  return [{ key: 'KemPublicKey', got: 'one, but no KemSeed in [Interface]', expected }];
}

function classicalProblems(peer: PeerTraits): RuleProblem[] {
  if (peer.mode !== 'classical') {
    const expected = 'a KemPublicKey; a peer that has none needs Mode = classical, which is not post-quantum';
    return [{ key: 'KemPublicKey', got: 'none', expected }];
  }
  const problems: RuleProblem[] = [];
  if (peer.rekeyProfile === 'metered') {
    problems.push({
      key: 'RekeyProfile',
      got: 'metered for a classical peer',
      expected: 'standard (protocol.md §5.3)',
    });
  }
  if (peer.hasDeploymentKey) {
    problems.push({
      key: 'DeploymentKey',
      got: 'one for a classical peer',
      expected: 'none: WireGuard has no such key',
    });
  }
  return problems;
}
