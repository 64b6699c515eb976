/**
 * Programs that look like an arm64 Node and an arm64 pqtun and run anywhere: small scripts in front of the emulator, or on an arm64
 * machine of the programs themselves. Which processor is emulated is the environment variable QEMU_CPU.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { here, root, work } from './paths.ts';
import { sysroot, type Tools } from './tools.ts';

export interface Launchers {
  /** Node, whose `process.execPath` is this again, so that what it starts is emulated as well. */
  readonly node: string;
  /** `pqtun` as an operator runs it. */
  readonly pqtun: string;
}

/**
 * A Cortex-A72 has what the processors of gateways have: NEON, and neither SVE nor atomics in one instruction. `max` is all that
 * the emulator knows, SVE among it, for which libcrypto has other code.
 */
export const processors = { gateway: 'cortex-a72', largest: 'max' } as const;

export function writeLaunchers(tools: Tools): Launchers {
  mkdirSync(work, { recursive: true });
  const emulated = tools.emulator === undefined ? '' : `${tools.emulator} -L ${sysroot} `;
  const binary = join(tools.nodeFolder, 'bin', 'node');
  // Compiling the same sources at every start is most of what a short program does under an emulator.
  const compileCache = [`NODE_COMPILE_CACHE='${join(work, 'compiled')}'`, 'export NODE_COMPILE_CACHE'];
  const node = writeScript(
    'node',
    ...compileCache,
    `PQTUN_LAUNCHER=$0 exec ${emulated}'${binary}' --require='${join(here, 'launched.cjs')}' "$@"`,
  );
  const pqtun = writeScript(
    'pqtun',
    'unset NODE_OPTIONS',
    ...compileCache,
    `exec ${emulated}'${binary}' --conditions=pqtun-source ${daemonFlags()} '${join(root, 'daemon', 'src', 'main.ts')}' "$@"`,
  );
  return { node, pqtun };
}

/** The flags that daemon/bin/pqtun gives to Node. */
function daemonFlags(): string {
  const flags = /^flags="(.+)"$/m.exec(readFileSync(join(root, 'daemon', 'bin', 'pqtun'), 'utf8'))?.[1];
  if (flags === undefined) throw new Error('daemon/bin/pqtun has no line flags="…" any more');
  return flags;
}

function writeScript(name: string, ...lines: readonly string[]): string {
  const path = join(work, name);
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
  return path;
}
