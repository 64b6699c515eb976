/** How long datagrams are, outer headers apart: reckoned from the layouts, for whoever wants to know what a protocol costs. §3. */
import { defaultMaxDatagram, minProbeLength, type SuiteId } from '../limits.ts';
import { initiationCount, responseCount, sliceLength } from './fragment.ts';
import {
  classicalInitiation,
  classicalResponse,
  initiationBody,
  initiationFragmentOverhead,
  probeAnswer,
  responseBody,
  responseFragmentOverhead,
  transportOverhead,
} from './messages.ts';

/** UDP payloads of an initiation by an initiator whose largest datagram has `maxDatagram` B. §3.1. */
export function initiationLengths(suite: SuiteId, maxDatagram: number = defaultMaxDatagram): number[] {
  return cutLengths(
    initiationBody[suite].size,
    initiationCount(suite, maxDatagram),
    initiationFragmentOverhead,
  );
}

/** UDP payloads of the response to it, by a responder of the same largest datagram. §3.1. */
export function responseLengths(suite: SuiteId, maxDatagram: number = defaultMaxDatagram): number[] {
  const initiation = initiationLengths(suite, maxDatagram);
  const count = responseCount(suite, maxDatagram, Math.max(...initiation), initiation.length);
  return cutLengths(responseBody[suite].size, count, responseFragmentOverhead);
}

/** WireGuard's two messages, as a classical peer gets them. */
export const classicalInitiationLength = classicalInitiation.size;
export const classicalResponseLength = classicalResponse.size;
/** A transport datagram without payload. §3.4. */
export const keepaliveLength = transportOverhead;
/** A transport datagram with the probe that PersistentKeepalive sends to a hybrid peer. §5.3 T4. */
export const probeLength = transportOverhead + minProbeLength;
/** The one that answers it. §3.5. */
export const probeAnswerLength = transportOverhead + probeAnswer.size;

function cutLengths(bodyLength: number, count: number, overhead: number): number[] {
  return Array.from({ length: count }, (_, index) => overhead + sliceLength(bodyLength, count, index));
}
