import fs from 'node:fs';
import { z } from 'zod';

/** The version of this package, as its package.json says; the same file serves sources and built output. */
export const version: string = z
  .object({ version: z.string() })
  .parse(JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8'))).version;
