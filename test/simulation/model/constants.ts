/** The numbers the model judges by, copied by hand from docs/protocol.md: it must not learn them from what it judges. */

export type Profile = 'standard' | 'metered';

const second = 1000;

/** §5.3: REJECT_AFTER_TIME. */
export const rejectAfterTime: Readonly<Record<Profile, number>> = {
  standard: 180 * second,
  metered: 5400 * second,
};
/** §5.3: REJECT_AFTER_MESSAGES of a portable plane, 2^53 − 2^13 − 1. */
export const rejectAfterMessages = 9_007_199_254_732_799;
/** §5.3: KEEPALIVE_TIMEOUT, REKEY_TIMEOUT. */
export const keepaliveTimeout = 10 * second;
export const rekeyTimeout = 5 * second;
/** I10: KEEPALIVE_TIMEOUT + 3 × REKEY_TIMEOUT + 1 s. */
export const livenessBound = keepaliveTimeout + 3 * rekeyTimeout + second;
/** §5.2 N3: the longest wait between initiations, with its jitter of 20 %, in the metered profile. */
export const longestMeteredRetry = 1.2 * 600 * second;
/**
 * I11: how long after the last packet of a user a tunnel may still speak. §5.3 T2 10 s, or T3 16 s and then N3 90 s; T5 may put
 * an initiation off by 5 s, and what comes of the last one needs its T2 again.
 */
export const silentAfter = (16 + 90 + 5 + 16 + 10) * second;
/** §5.3 T6: sessions of a peer at most: current, previous, and C4's four unconfirmed ones. */
export const sessionsPerPeer = 6;
/** §6: reassembly slots in all, and how long one lives. */
export const reassemblySlots = 256;
export const reassemblyLifetime = 3 * second;
/** docs/data-plane.md: bytes staged for one peer and in all. */
export const stagedPerPeer = 262_144;
export const stagedInAll = 16_777_216;
/** §5.2 N3: until the second initiation of a sequence at least so long passes (5 s less 20 %). */
export const shortestRetry = 4 * second;
/** §5.1 C3: a response is kept so long for copies. */
export const responseKept = 5 * second;
