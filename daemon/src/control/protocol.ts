/**
 * The control socket's language, version 1: one JSON object a line, one reply line for each request, in order.
 *
 *   → {"v":1,"op":"status"}
 *   ← {"v":1,"ok":true,"result":{…}}      or      {"v":1,"ok":false,"error":{"code":"…","message":"…"}}
 *
 * Keys travel as base64 in `presharedKey` and `deploymentKey` only, and never as JavaScript strings: `secret-fields.ts`.
 */
import { z } from 'zod';
import { placeholderIndex } from './secret-fields.ts';

z.config({ jitless: true }); // code generation from strings is switched off in the daemon

export const protocolVersion = 1;
/** A request line; a KEM public key is 1.6 kB, so hundreds of peers fit. */
export const maxRequestLength = 1024 * 1024;
/** A reply line: the status of ten thousand peers is about 6 MB. */
export const maxReplyLength = 64 * 1024 * 1024;

export const errorKinds = [
  'bad-request',
  'bad-version',
  'bad-config',
  'no-such-peer',
  'busy',
  'failed',
] as const;
export type ErrorKind = (typeof errorKinds)[number];

/** A request that was refused; the message goes to the client, so it holds no secret. */
export class ControlError extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string) {
    super(message);
    this.name = 'ControlError';
    this.kind = kind;
  }
}

const publicKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);
/** The number of a secret cut from the line. */
const secret = z.string().transform((text, context) => {
  const index = placeholderIndex(text);
  if (index === undefined)
    context.addIssue({ code: 'custom', message: 'expected base64 of 32 bytes, without escapes' });
  return index ?? 0;
});

/** A change to one peer: absent leaves, `null` clears. `kemPublicKey` and `mode` are for peers that are added. */
export const peerChange = z.strictObject({
  publicKey,
  remove: z.literal(true).optional(),
  resetTimestamp: z.literal(true).optional(),
  updateOnly: z.literal(true).optional(),
  kemPublicKey: z.string().max(2092).optional(),
  mode: z.literal(['require', 'classical']).optional(),
  presharedKey: secret.nullable().optional(),
  deploymentKey: secret.nullable().optional(),
  endpoint: z.string().max(300).nullable().optional(),
  allowedIps: z.array(z.string().max(64)).max(16_384).optional(),
  persistentKeepalive: z.int().min(0).max(65_535).nullable().optional(),
  rekeyProfile: z.literal(['standard', 'metered']).optional(),
});
export type PeerChangeRequest = z.infer<typeof peerChange>;

const v = z.literal(protocolVersion);
export const request = z.discriminatedUnion('op', [
  z.strictObject({ v, op: z.literal('version') }),
  z.strictObject({ v, op: z.literal('ping') }),
  z.strictObject({ v, op: z.literal('status') }),
  z.strictObject({ v, op: z.literal('set'), peers: z.array(peerChange).min(1).max(4096) }),
  z.strictObject({ v, op: z.literal('reload') }),
  z.strictObject({ v, op: z.literal('stop') }),
  z.strictObject({ v, op: z.literal('rekey'), publicKey }),
  z.strictObject({
    v,
    op: z.literal('ping-peer'),
    publicKey,
    size: z.int().min(16).max(1500).optional(),
    timeout: z.int().min(1).max(60_000).optional(),
  }),
]);
export type Request = z.infer<typeof request>;
export type RequestInput = z.input<typeof request>;

export const reply = z.union([
  z.object({ v: z.number(), ok: z.literal(true), result: z.unknown() }),
  z.object({
    v: z.number(),
    ok: z.literal(false),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
]);

/** Parses a line from which the secrets were cut. Throws `ControlError`; the message names the place, not the value. */
export function parseRequest(line: Uint8Array): Request {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
  } catch {
    throw new ControlError('bad-request', 'expected one JSON object a line');
  }
  const version = typeof value === 'object' && value !== null && 'v' in value ? value.v : undefined;
  if (version !== protocolVersion) throw new ControlError('bad-version', `expected "v":${protocolVersion}`);
  const parsed = request.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ControlError(
    'bad-request',
    `${issue?.path.join('.') || 'request'}: ${issue === undefined ? 'refused' : whyOf(issue)}`.slice(0, 300),
  );
}

/** Zod repeats unknown keys as they came: the client's, so they may be a secret in the wrong place, or move a cursor. */
function whyOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const [name = ''] = issue.keys;
  return `an unknown key${/^[A-Za-z]{1,40}$/.test(name) ? ` ${name}` : ''}`;
}
