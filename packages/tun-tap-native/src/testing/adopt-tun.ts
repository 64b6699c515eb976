/** Started with a TUN as descriptor 3; says what it makes of it. */
import { readFileSync } from 'node:fs';
import { openTun } from '../index.ts';

const tun = openTun({ fd: 3 });
const flags = Number.parseInt(
  /flags:\s*(\d+)/.exec(readFileSync('/proc/self/fdinfo/3', 'utf8'))?.[1] ?? '0',
  8,
);
console.log(
  JSON.stringify({
    name: tun.name,
    kind: tun.kind,
    index: tun.interfaceIndex,
    closeOnExec: (flags & 0o2000000) !== 0,
  }),
);
tun.close();
