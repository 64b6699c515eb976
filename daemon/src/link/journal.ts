/**
 * What a daemon has done to the system that outlives it, kept in `<runtime-dir>/<interface>.journal` so that the next one can
 * take it back after a kill. Written before each act: a kill between the two leaves an entry for something that is not
 * there, which undoing ignores. The runtime directory does not survive a reboot, and neither do the acts.
 */
import fs from 'node:fs';
import { z } from 'zod';
import { replaceFile } from '../private-files.ts';
import { type Act, actSchema } from './act.ts';

const schema = z.strictObject({ version: z.literal(1), acts: z.array(actSchema) });
const maxJournalLength = 1024 * 1024;

export interface Journal {
  /** Acts a killed predecessor left, in the order they were done. Throws when the journal cannot be read. */
  load(): Act[];
  save(acts: readonly Act[]): void;
  clear(): void;
}

export function fileJournal(file: string): Journal {
  return {
    load() {
      const text = read(file);
      return text === undefined ? [] : schema.parse(JSON.parse(text)).acts;
    },
    save(acts) {
      replaceFile(file, Buffer.from(JSON.stringify({ version: 1, acts })));
    },
    clear() {
      fs.rmSync(file, { force: true });
    },
  };
}

function read(file: string): string | undefined {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.size > maxJournalLength) throw new Error(`${file} is too large for a journal`);
  return fs.readFileSync(file, 'utf8');
}
