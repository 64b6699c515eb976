/** argv → the command of its name → exit code. The table is the whole command line; help and completion are made from it. */
import { Command, CommanderError, Option } from 'commander';
import { benchCommand } from './commands/bench.ts';
import type { CommandSpec, Io } from './commands/command.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommands } from './commands/config.ts';
import { controlCommands } from './commands/control.ts';
import { daemonCommand } from './commands/daemon.ts';
import { doctorCommand } from './commands/doctor.ts';
import { keyCommands } from './commands/keys.ts';
import { runCommands } from './commands/run.ts';
import { type ExitCode, exitCodeOf, exitCodes } from './exit-codes.ts';
import { version } from './version.ts';

export const commandTable: readonly CommandSpec[] = [
  ...keyCommands,
  ...runCommands,
  ...controlCommands,
  ...configCommands,
  daemonCommand,
  doctorCommand,
  benchCommand,
  completionCommand(() => commandTable),
];

const exitCodeHelp = `
Exit codes: 0 ok, 1 failure, 2 usage, 3 no daemon is running, 4 configuration refused,
5 not permitted (file mode, owner, capability), 6 a daemon is running already.`;

/** Runs one command line (`argv` without the program) and returns its exit code; never throws. */
export async function runCli(argv: readonly string[], io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = programOf(io, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return reported(error, io);
  }
}

function programOf(io: Io, onExit: (code: ExitCode) => void): Command {
  const program = new Command('pqtun')
    .description(
      'A post-quantum VPN tunnel: hybrid ML-KEM and X25519, compatible with WireGuard for peers that ask for it.',
    )
    .version(`pqtun ${version}`)
    .addHelpText('after', exitCodeHelp);
  configure(program, io);
  for (const spec of commandTable) program.addCommand(commandOf(spec, io, onExit));
  return program;
}

function commandOf(spec: CommandSpec, io: Io, onExit: (code: ExitCode) => void): Command {
  const command = new Command(spec.name).summary(spec.summary).version(`pqtun ${version}`);
  command.description(
    spec.details === undefined ? sentence(spec.summary) : `${sentence(spec.summary)}\n\n${spec.details}`,
  );
  configure(command, io);
  if (spec.args !== undefined) command.arguments(spec.args);
  for (const [flags, description, fallback] of spec.options ?? [])
    command.option(flags, description, fallback);
  for (const flags of spec.hiddenOptions ?? []) command.addOption(new Option(flags).hideHelp());
  command.addHelpText('after', `\nExamples:\n${spec.examples.map((line) => `  ${line}\n`).join('')}`);
  command.action(async (...given: unknown[]) => {
    const args = given
      .slice(0, -2)
      .flat()
      .filter((arg) => typeof arg === 'string'); // commander ends with options and itself
    onExit((await spec.run(io, args, command.opts())) ?? exitCodes.ok);
  });
  return command;
}

function configure(command: Command, io: Io): void {
  command.exitOverride().configureOutput({ writeOut: (text) => void io.out(text), writeErr: io.error });
}

/** One line or more on stderr, and the code. Unexpected errors show their message only: a stack is of no use to an operator. */
function reported(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  // Each line about a configuration begins with its file and line, as editors expect it.
  io.error(exitCode === exitCodes.badConfig ? `${message}\n` : `pqtun: ${message}\n`);
  return exitCode;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
