/** doctor: is this machine fit to run a tunnel, and if not, what to do. */
import fs from 'node:fs';
import path from 'node:path';
import { selfTest } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { openNetlink, probe, testAeads, testOffloads } from 'tun-tap-native';
import { diagnose, type Finding } from '../doctor.ts';
import { exitCodes } from '../exit-codes.ts';
import { type Paint, paint, wantsColours } from '../paint.ts';
import { type CommandSpec, configDirectory, textOption } from './command.ts';

export const doctorCommand: CommandSpec = {
  name: 'doctor',
  summary:
    'check this machine: device, addon, capabilities, offloads, ciphers, known answers, clock, MTU, file modes',
  details: 'Each line is ok, warn or fail, with what to do. Exit code 1 when one fails.',
  options: [['--state-dir <dir>', 'what survives a restart', '/var/lib/pqtun']],
  examples: ['pqtun doctor'],
  async run(io, _args, options) {
    const { nobleSuite } = await import('@pqtun/core/noble');
    const findings = diagnose({
      device: '/dev/net/tun',
      configDirectory,
      stateDirectory: textOption(options, 'stateDir'),
      probe,
      offloads: () => testOffloads(),
      aeads: testAeads,
      netlink: openNetlink,
      selfTests: [
        ['node', () => selfTest(nodeSuite())],
        ['noble', () => selfTest(nobleSuite())],
      ],
      now: io.now(),
      nodeVersion: process.version,
      hasProgram: (name) => hasProgram(name, io.env['PATH'] ?? ''),
    });
    const colours = paint(wantsColours(io.outIsTerminal, io.env));
    await io.out(findings.map((finding) => findingLine(finding, colours)).join(''));
    return findings.some(({ level }) => level === 'fail') ? exitCodes.failure : undefined;
  },
};

export function findingLine({ level, what, advice }: Finding, colours: Paint): string {
  const word = { ok: colours.green('ok  '), warn: colours.yellow('warn'), fail: colours.red('FAIL') }[level];
  return `${word}  ${what}${advice === undefined ? '' : ` (${advice})`}\n`;
}

function hasProgram(name: string, searchPath: string): boolean {
  const directories = [...searchPath.split(':'), '/usr/sbin', '/sbin'].filter((directory) =>
    directory.startsWith('/'),
  );
  return directories.some((directory) => fs.existsSync(path.join(directory, name)));
}
