/** The back ends every vector goes through. */
import { type Backend, nobleBackend, nobleSuite, type Suite } from '@pqtun/core/noble';
import { nodeBackend, nodeSuite } from '@pqtun/core/node';

export interface Way {
  readonly way: string;
  readonly suite: Suite;
  /** The same primitives with parameters the protocol does not use. */
  readonly backend: Backend;
}

export const ways: readonly Way[] = [
  { way: 'node', suite: nodeSuite(), backend: nodeBackend },
  { way: 'noble', suite: nobleSuite(), backend: nobleBackend },
];
