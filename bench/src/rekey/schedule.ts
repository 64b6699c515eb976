/**
 * What keeping a tunnel alive puts on the wire, reckoned from the protocol's timers (§5.3) and the lengths of its messages. Both
 * directions together: a mobile contract counts both. `bench/upkeep.test.ts` runs the same on virtual time and counts.
 */
import { lengths, limits, type RekeyProfile, type SuiteId } from '@pqtun/core';

/** A hybrid peer of a suite, or a classical one, which is sent what WireGuard would send it. */
export type PeerKind = SuiteId | 'classical';
export type IpVersion = 4 | 6;

/** A tunnel whose upkeep is reckoned. Times in seconds. */
export interface Upkeep {
  readonly peer: PeerKind;
  readonly profile: RekeyProfile;
  readonly roundTrip: number;
  readonly traffic: /** Packets both ways, the initiator's not further apart than `gap`: 0 for a steady stream. */
    | { readonly kind: 'busy'; readonly gap: number }
    /** None but that of PersistentKeepalive at one end. */
    | { readonly kind: 'idle'; readonly keepalive: number }
    /** None at all, and no PersistentKeepalive: nothing is sent. */
    | { readonly kind: 'silent' };
}

/** What is sent again and again: so many messages every `seconds`. */
export interface Cycle {
  readonly seconds: number;
  readonly handshakes: number;
  /** Probes with their answers. */
  readonly probes: number;
  /** Empty transport datagrams, those that confirm a handshake among them. */
  readonly keepalives: number;
}

export const secondsADay = 86_400;
export const daysAMonth = 30;
/** RFC 791 §3.1 without options, RFC 8200 §3, RFC 768: what precedes each datagram. */
const ipHeaderLength = { 4: 20, 6: 40 } as const;
const udpHeaderLength = 8;

/** The cycle of a tunnel that has been up for a while. */
export function cycleOf({ peer, profile, roundTrip, traffic }: Upkeep): Cycle {
  if (peer === 'classical' && profile !== 'standard')
    throw new RangeError('classical peers have the standard profile');
  const rekeyAfter = limits.sessionLimits(profile).rekeyAfterTime / 1000;
  switch (traffic.kind) {
    case 'silent':
      return { seconds: secondsADay, handshakes: 0, probes: 0, keepalives: 0 };
    case 'busy':
      return busyCycle(rekeyAfter, roundTrip, traffic.gap);
    case 'idle':
      return peer === 'classical'
        ? keepaliveCycle(rekeyAfter, roundTrip, traffic.keepalive)
        : probeCycle(rekeyAfter, roundTrip, traffic.keepalive);
    default:
      throw new Error(`no such traffic: ${traffic satisfies never}`);
  }
}

/**
 * The first packet under a session older than REKEY_AFTER_TIME begins a handshake (T1); a round trip later the session is there,
 * nothing waits for it, and so a keepalive confirms it (N2).
 */
function busyCycle(rekeyAfter: number, roundTrip: number, gap: number): Cycle {
  const age = roundTrip + rekeyAfter;
  const seconds = gap === 0 ? age : (Math.floor(age / gap) + 1) * gap;
  return { seconds, handshakes: 1, probes: 0, keepalives: 1 };
}

/**
 * Each probe is answered, and whatever passes begins the interval anew, the answer last (T4). The probe that finds its session
 * older than REKEY_AFTER_TIME begins a handshake, which is over when that probe's answer is there.
 */
function probeCycle(rekeyAfter: number, roundTrip: number, interval: number): Cycle {
  const period = interval + roundTrip;
  const probes = Math.floor((rekeyAfter + roundTrip) / period) + 1; // the n-th is sent at the age of n periods less a round trip
  return { seconds: probes * period, handshakes: 1, probes, keepalives: 1 };
}

/** Nobody answers a keepalive; the one that finds its session too old begins a handshake, and the one that confirms it is the last to pass. */
function keepaliveCycle(rekeyAfter: number, roundTrip: number, interval: number): Cycle {
  const sent = Math.floor(rekeyAfter / interval) + 1;
  return { seconds: sent * interval + roundTrip, handshakes: 1, probes: 0, keepalives: sent + 1 };
}

/** Bytes of a cycle on the wire, IP and UDP headers of every datagram included. */
export function bytesOf({ handshakes, probes, keepalives }: Cycle, peer: PeerKind, ip: IpVersion): number {
  const onWire = (datagrams: readonly number[]): number =>
    datagrams.reduce((sum, length) => sum + ipHeaderLength[ip] + udpHeaderLength + length, 0);
  return (
    handshakes * onWire(handshakeLengths(peer)) +
    probes * onWire([lengths.probeLength, lengths.probeAnswerLength]) +
    keepalives * onWire([lengths.keepaliveLength])
  );
}

/** UDP payloads of a handshake without losses: initiation and response. */
export function handshakeLengths(peer: PeerKind): number[] {
  return peer === 'classical'
    ? [lengths.classicalInitiationLength, lengths.classicalResponseLength]
    : [...lengths.initiationLengths(peer), ...lengths.responseLengths(peer)];
}

/** How often a cycle goes into a day. */
export const cyclesADay = ({ seconds }: Cycle): number => secondsADay / seconds;
