import { describe, expect, it } from 'vitest';
import { maxMaxDatagram, minMaxDatagram, suiteIds } from '../limits.ts';
import { sessionIndex } from '../types.ts';
import { cutInitiation, cutResponse, initiationCount, responseCount } from './fragment.ts';
import {
  classicalInitiationLength,
  classicalResponseLength,
  initiationLengths,
  keepaliveLength,
  probeAnswerLength,
  probeLength,
  responseLengths,
} from './lengths.ts';
import { initiationBody, responseBody } from './messages.ts';

const index = sessionIndex(1);

describe('lengths of datagrams', () => {
  it('are by default those of §3.1: suite 1 two of 1230 B and two of 1156 B', () => {
    expect(initiationLengths(1)).toEqual([1230, 1230]);
    expect(responseLengths(1)).toEqual([1156, 1156]);
  });

  it('are those of datagrams really cut, for both suites and every largest datagram', () => {
    for (const suite of suiteIds) {
      for (let most = minMaxDatagram; most <= maxMaxDatagram; most++) {
        const initiation = cutInitiation({
          suite,
          senderIndex: index,
          body: new Uint8Array(initiationBody[suite].size),
          count: initiationCount(suite, most),
        }).map(({ length }) => length);
        const response = cutResponse({
          suite,
          senderIndex: index,
          receiverIndex: index,
          body: new Uint8Array(responseBody[suite].size),
          count: responseCount(suite, most, Math.max(...initiation), initiation.length),
        }).map(({ length }) => length);
        expect(initiationLengths(suite, most)).toEqual(initiation);
        expect(responseLengths(suite, most)).toEqual(response);
      }
    }
  });

  it('of WireGuard are 148 B and 92 B, of a keepalive 32 B, of a probe and its answer 48 B (§3, §3.4, §3.5)', () => {
    expect([classicalInitiationLength, classicalResponseLength]).toEqual([148, 92]);
    expect([keepaliveLength, probeLength, probeAnswerLength]).toEqual([32, 48, 48]);
  });
});
