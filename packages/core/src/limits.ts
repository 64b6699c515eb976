/** Every number of the protocol, once. Names and sections are those of protocol.md. No other file writes them out. */
import { type Millis, millis } from './types.ts';

/* §1 primitives */
export const hashSize = 32;
export const macSize = 16;
export const keySize = 32;
export const tagSize = 16;
export const timestampSize = 12;
export const xNonceSize = 24;
export const dhSize = 32;
export const kemSeedSize = 64;
export const kemSharedSize = 32;
/** Nanoseconds of a timestamp are rounded down to a multiple of this. §1 TS. */
export const timestampGrain = 2 ** 24;

/** Suite bytes of §1. The KEM of a suite serves as static and as ephemeral KEM. */
export const suites = {
  1: { kem: 768, kemPublicSize: 1184, kemCiphertextSize: 1088, minFragments: 2, maxFragments: 6 },
  2: { kem: 1024, kemPublicSize: 1568, kemCiphertextSize: 1568, minFragments: 3, maxFragments: 7 },
} as const;
export type SuiteId = keyof typeof suites;
export const suiteIds: readonly SuiteId[] = [1, 2];

/* §3.1 fragments: M, the largest datagram of an initiator */
export const defaultMaxDatagram = 1232;
export const minMaxDatagram = 508;
export const maxMaxDatagram = 1452;
/** M after two failed attempts over IPv4. */
export const cautiousMaxDatagram = 508;
/** Failed attempts before `cautiousMaxDatagram` is used. */
export const attemptsBeforeCautious = 2;

/* §2, §3.3 */
export const maxDeploymentKeys = 8;
export const cookieSecretLifetime = millis(120_000);
/** How long the previous cookie secret still verifies. */
export const cookieSecretGrace = millis(5_000);
/** How long an initiator trusts a cookie. §5.2 N3. */
export const cookieLifetime = millis(115_000);

/* §3.4, §3.5 */
export const paddingUnit = 16;
export const minProbeLength = 16;
/** Answers sent to one peer in any second. */
export const maxAnswersPerSecond = 16;
/** A 0x01 probe up to this payload counts as data sent for T3. §5.3 T4. */
export const probeCountsAsDataUpTo = 64;

/* §5.1 commit on confirm */
/** How long a pending entry answers copies (C3), resists displacement (C4) and postpones an own initiation (T5). */
export const pendingFresh = millis(5_000);
/** Answers to copies besides the first. C3. */
export const maxCopiesAnswered = 4;
export const maxPendingPerPeer = 4;
/** Block by which the timestamp ceiling on disk runs ahead. C6. */
export const timestampBlock = millis(600_000);

/* §5.2 initiator */
/** When identical copies of an initiation follow it, first three attempts only. N3. */
export const copyDelays: readonly Millis[] = [millis(1_000), millis(2_500)];
export const attemptsWithCopies = 3;
/** Waits before a new initiation, by attempts made; the last repeats. N3. */
export const retryDelays: readonly Millis[] = [5_000, 5_000, 10_000, 20_000].map(millis);
export const meteredRetryDelays: readonly Millis[] = [5, 5, 10, 20, 40, 80, 160, 320, 600].map((s) =>
  millis(s * 1000),
);
export const retryJitter = 0.2;
/** Reassemblies of responses per outstanding initiation. N1. */
export const maxResponseReassemblies = 4;

/* §5.3 timers */
export const keepaliveTimeout = millis(10_000);
export const rekeyTimeout = millis(5_000);
export const rekeyAttemptTime = millis(90_000);
/** T3: jitter added to KEEPALIVE_TIMEOUT + REKEY_TIMEOUT, as a share of REKEY_TIMEOUT. */
export const silenceJitter = 0.2;
/** T6: after this many REJECT_AFTER_TIME without a session a peer's leftovers are erased. */
export const eraseAfterRejects = 3;
/** T6: how long an index erased by age is remembered. */
export const erasedIndexMemory = millis(3_600_000);

export type RekeyProfile = 'standard' | 'metered';

/** What bounds one session; handed to the plane with its keys. §5.3. */
export interface SessionLimits {
  readonly rekeyAfterTime: Millis;
  readonly rejectAfterTime: Millis;
  /** T1, receiving side: REJECT_AFTER_TIME − KEEPALIVE_TIMEOUT − REKEY_TIMEOUT. */
  readonly rekeyOnReceiveAfter: Millis;
  /** Counters from here on ask for a rekey. Below 2^53: a portable plane counts in safe integers. */
  readonly rekeyAfterMessages: number;
  /** Counters from here on are neither sent nor accepted. */
  readonly rejectAfterMessages: number;
}

/** The window's width in messages also stands off the counter limit: 2^13. */
export const replayWindowBits = 8192;
/** Accepted iff highest − counter ≤ this: the ring less one 64-bit block of RFC 6479. §5.4. */
export const replayWindowReach = 8128;

/** Limits of the portable plane, whose counters are safe integers (§5.3). */
export const portableRekeyAfterMessages = 2 ** 52;
export const portableRejectAfterMessages = 2 ** 53 - 2 ** 13 - 1;

/** The time limits of a profile with the portable plane's counter limits. §5.3. */
export function sessionLimits(profile: RekeyProfile): SessionLimits {
  const [rekey, reject] = profile === 'standard' ? [120_000, 180_000] : [3_600_000, 5_400_000];
  return {
    rekeyAfterTime: millis(rekey),
    rejectAfterTime: millis(reject),
    rekeyOnReceiveAfter: millis(reject - keepaliveTimeout - rekeyTimeout),
    rekeyAfterMessages: portableRekeyAfterMessages,
    rejectAfterMessages: portableRejectAfterMessages,
  };
}

/* §6 before authentication */
export const unprovenRate = { perSecond: 20, burst: 16 } as const;
export const provenRate = { perSecond: 50, burst: 32 } as const;
export const reassemblySlots = { poolA: 192, poolB: 64, perSource: 2, perPrefix: 4 } as const;
export const reassemblyLifetime = millis(3_000);
/** Under load above this many completed handshakes a second … */
export const loadHandshakesPerSecond = 200;
/** … or this much event-loop delay. */
export const loadLoopDelay = millis(20);

/* staging, docs/data-plane.md */
export const stagedBytesPerPeer = 256 * 1024;
export const stagedBytesInAll = 16 * 1024 * 1024;
