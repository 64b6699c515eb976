/** The one place cookie replies leave from. protocol.md §3.3, §6: always fewer bytes than what they answer. */
import type { MacKeys } from '../handshake/cookie.ts';
import type { Endpoint, Instant, LocalAddress, SessionIndex } from '../types.ts';
import type { EngineContext } from './context.ts';
import type { Gate } from './gate.ts';

/** What a cookie reply answers. */
export interface CookieRequest {
  readonly from: Endpoint;
  /** Where it came to; the reply leaves from there. */
  readonly localAddress: LocalAddress | undefined;
  readonly senderIndex: SessionIndex;
  /** Its mac1, of fragment 0 as received, and the keys that verified it. */
  readonly mac1: Uint8Array;
  readonly keys: MacKeys;
}

export function replyWithCookie(context: EngineContext, gate: Gate, now: Instant, to: CookieRequest): void {
  const bytes = gate.cookieReply(now, to.keys, to.from, to.mac1, to.senderIndex);
  context.onCookieSent();
  context.plane.sendDatagrams([{ to: to.from, localAddress: to.localAddress, bytes }]);
}
