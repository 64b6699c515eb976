/** Requests as a client writes them, for tests of what is made of them. */
import type { UapiRequest } from './request.ts';
import { parseRequest } from './request.ts';
import type { RequestBlock } from './request-blocks.ts';

export const hexOf = (base64: string): string => Buffer.from(base64, 'base64').toString('hex');

/** The block of a request of these lines. */
export const blockOf = (...lines: readonly string[]): RequestBlock =>
  lines.map((line) => Uint8Array.from(Buffer.from(line, 'latin1')));

/** `set=1` with these lines, parsed. */
export function setOf(...lines: readonly string[]): Extract<UapiRequest, { kind: 'set' }> {
  const request = parseRequest(blockOf('set=1', ...lines));
  if (request.kind !== 'set') throw new Error('not a set request');
  return request;
}
