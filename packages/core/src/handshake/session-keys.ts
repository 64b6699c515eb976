import { Secret } from '../crypto/secret.ts';
import type { Role } from '../types.ts';
import type { Transcript } from './transcript.ts';

/** What a handshake ends in: keys for the plane, and X for whoever needs a secret bound to this session. 32 B each. */
export interface SessionKeys {
  readonly send: Secret;
  readonly receive: Secret;
  /** Exporter secret X; absent in a classical session. */
  readonly exporter: Secret | undefined;
}

/** S1: (T_ir, T_ri, X) = KDF3(C, H), then C is erased. */
export function splitHybrid(transcript: Transcript, role: Role): SessionKeys {
  const [toResponder, toInitiator, exporter] = transcript.split();
  transcript.destroy();
  return { ...directed(role, toResponder, toInitiator), exporter: new Secret(exporter) };
}

/** WireGuard's split, for classical sessions: KDF2(C, empty). */
export function splitClassical(transcript: Transcript, role: Role): SessionKeys {
  const [toResponder, toInitiator] = transcript.splitClassical();
  transcript.destroy();
  return { ...directed(role, toResponder, toInitiator), exporter: undefined };
}

function directed(
  role: Role,
  toResponder: Uint8Array,
  toInitiator: Uint8Array,
): { send: Secret; receive: Secret } {
  return role === 'initiator'
    ? { send: new Secret(toResponder), receive: new Secret(toInitiator) }
    : { send: new Secret(toInitiator), receive: new Secret(toResponder) };
}
