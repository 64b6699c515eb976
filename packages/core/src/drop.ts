/**
 * Why a datagram or packet died: the closed list of protocol.md §7. Each is counted, none is logged per packet, none is
 * answered. Add a reason here first; the compiler and the documentation test lead to the rest.
 */
export const dropReasons = [
  /* any datagram */
  'bad-length', // no message has this length for its type, or a slice is not of the one legal geometry
  'unknown-type', // first byte is no type of ours
  'reserved-bytes', // bytes 1–3 of types 1–4 not zero
  /* §3.1, C2: initiations */
  'bad-geometry', // fragment index, count and length do not fit the one legal geometry
  'suite-disabled', // suite byte unknown, or of no suite we serve
  'bad-mac1',
  'classical-disabled', // type 1 or 2 while no peer is classical
  'downgrade-refused', // type 1 or 2 for a peer that has a KEM key
  'rate-limited', // §6 over rate without a valid mac2
  'proven-rate-limited', // §6 over the separate budget with a valid mac2
  'no-slot', // §6 over quota, pool short
  'under-load', // §6 under load without a valid mac2
  'duplicate-fragment',
  'reassembly-expired', // fragments that never became whole
  'copy-refused', // C3: a copy too late, too often or too small
  'bad-dh', // all-zero X25519 result
  'bad-identity', // enc_id does not open
  'unknown-peer',
  'mode-mismatch', // known ID, but of another suite or mode
  'bad-timestamp', // enc_ts does not open
  'stale-timestamp', // C3: TS not above the stored one
  'pending-lost', // C4: lost against pending entries
  'bad-kem-key', // ek_i fails the modulus check
  /* responses and cookie replies */
  'unexpected-response', // no outstanding initiation has this index and suite
  'no-response-slot', // N1: more than 4 reassemblies
  'bad-response', // does not open
  'unexpected-cookie', // no outstanding initiation, or acted on once already
  'bad-cookie', // does not open
  /* transport, §3.4, §5 */
  'unknown-index',
  'profile-mismatch', // T6: data on an index erased by age within the last hour
  'bad-tag',
  'replayed', // counter seen, or behind the window
  'counter-limit', // counter at or above REJECT_AFTER_MESSAGES
  'session-expired', // older than REJECT_AFTER_TIME
  'stale-confirm', // C5: a next whose TS is not above the stored one
  'cannot-confirm', // C1: 0x02 or 0x03 on a next
  'bad-inner-packet', // first nibble not 4, 6 or control
  'bad-inner-length', // length below the header's or above the payload
  'source-not-allowed', // §5.4: source belongs to another peer, or to none
  'control-on-classical', // §3.5
  'unknown-control', // §3.5: unknown kind or ill-formed probe
  'answer-limit', // more than 16 probes in a second
  /* outgoing */
  'no-route', // destination belongs to no peer
  'no-endpoint', // peer has no known address
  'staging-full', // staged bytes over the bound, oldest out
  'too-big', // does not fit the path
  'send-failed', // the socket refused it
  'queue-full', // bounded queue between plane and engine
] as const;

export type Drop = (typeof dropReasons)[number];

/** A counter for each reason. Counts are exact up to 2^53. */
export class DropCounters {
  readonly #counts = new Map<Drop, number>(dropReasons.map((reason) => [reason, 0]));

  count(reason: Drop, times = 1): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + times);
  }

  of(reason: Drop): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** All reasons in the order of `dropReasons`, zeros included. */
  snapshot(): Record<Drop, number> {
    return Object.fromEntries(this.#counts) as Record<Drop, number>; // the constructor put every reason in
  }
}
