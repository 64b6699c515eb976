/** `npm run bench`: what this machine's CPU does for a handshake and for a packet. Prints; judges nothing. */
import { cpus } from 'node:os';
import { runHandshakeBench } from './handshake.ts';
import { runPortableBench } from './portable.ts';

console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, OpenSSL ${process.versions.openssl}`,
);
runHandshakeBench();
runPortableBench();
