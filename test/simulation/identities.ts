/** Keys of the actors: the same few in every seed, for making them is a good part of what a short simulation costs. */
import { Identity, Secret, type Suite } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { seededRandom } from '../kit/index.ts';

/** More than a world has hosts, so that seeds differ in whose ID is smaller (§5.2 N4). */
export const identityCount = 24;

const made = new Map<number, Identity>();
let suite: Suite | undefined;

export function identity(number: number): Identity {
  let found = made.get(number);
  if (found === undefined) {
    const random = seededRandom(`identity ${number}`);
    suite ??= nodeSuite();
    found = new Identity(suite, new Secret(random(32)), new Secret(random(64)));
    made.set(number, found);
  }
  return found;
}
