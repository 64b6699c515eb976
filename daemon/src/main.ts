/** The process: argv → command → exit code; nothing else. */
import { runCli } from './cli.ts';
import type { Io } from './commands/command.ts';
import { readDescriptor } from './config/key-files.ts';
import { maxFileLength } from './config/tokenizer.ts';

const io: Io = {
  out: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
    }),
  error: (text) => {
    process.stderr.write(text);
  },
  stdin: () => readDescriptor(0, 'standard input', maxFileLength),
  env: process.env,
  outIsTerminal: process.stdout.isTTY === true,
  errorIsTerminal: process.stderr.isTTY === true,
  now: () => Date.now(),
};

process.stdout.on('error', () => process.exit(1)); // a reader that left (`pqtun show | head`) is no error worth a stack
process.exitCode = await runCli(process.argv.slice(2), io);
