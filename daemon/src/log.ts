/** Events → pino lines on stdout: JSON, or one readable line each on a terminal. No worker threads: a crash loses no line. */
import { pino } from 'pino';
import { type EventLog, eventCatalogue } from './events.ts';
import type { LogLevel } from './log-level.ts';
import { type Paint, paint } from './paint.ts';

export interface LogOptions {
  readonly interfaceName: string;
  readonly level: LogLevel;
  /** Readable lines instead of JSON. */
  readonly readable: boolean;
  readonly colours: boolean;
  /** Default stdout. */
  readonly write?: (line: string) => void;
}

export function eventLog(options: LogOptions): EventLog {
  const write = options.write ?? ((line: string) => process.stdout.write(line));
  const colours = paint(options.colours);
  const destination = {
    write: options.readable ? (line: string) => write(readableLine(line, colours)) : write,
  };
  const logger = pino(
    {
      level: options.level,
      base: { interface: options.interfaceName },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return (id, fields = {}) => {
    const [level, text] = eventCatalogue[id];
    logger[level]({ event: id, ...fields }, text);
  };
}

/** `12:00:01 warn  pq0 under-load: handshakes come … on=true` */
export function readableLine(json: string, colours: Paint): string {
  const { level, time, interface: name, event, msg, ...rest } = JSON.parse(json) as Record<string, unknown>; // pino wrote it
  const word = String(level);
  const shown =
    word === 'info'
      ? word
      : word === 'debug'
        ? colours.dim(word)
        : word === 'warn'
          ? colours.yellow(word)
          : colours.red(word);
  const fields = Object.entries(rest).map(
    ([key, value]) =>
      ` ${colours.dim(`${key}=`)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const clock = String(time).slice(11, 19);
  return `${colours.dim(clock)} ${shown}${' '.repeat(Math.max(0, 5 - word.length))} ${String(name)} ${colours.bold(String(event))}: ${String(msg)}${fields.join('')}\n`;
}
