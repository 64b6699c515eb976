/** The second implementation, `interop/pqtun-go`. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Implementation } from '../peer.ts';

/** It has no releases: its version is what was built, by hash. */
export function pqtunGo(command: string): Implementation {
  const hash = createHash('sha256').update(readFileSync(command)).digest('hex').slice(0, 12);
  return { name: 'go', version: `built ${hash}`, command, args: [] };
}
