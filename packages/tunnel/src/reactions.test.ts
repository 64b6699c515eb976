import { instant } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { PeerPaths, type PeerPathsOptions } from './peer-paths.ts';
import { type ReactionParts, Reactions } from './reactions.ts';

/** Reactions with parts that write down what is asked of them. */
function reactions() {
  const log: string[] = [];
  const state = { now: 0, underLoad: false };
  const at = { ip: Uint8Array.of(192, 0, 2, 1), port: 7, scope: 0 };
  const protocol = {
    engine: {
      isUnderLoad: () => state.underLoad,
      status: (_now: number, id: number) => ({ id, endpoint: id === 1 ? at : { ...at, port: 8 } }),
      handleNetworkChange: () => log.push('network change'),
    },
    plane: {
      setPeer: (id: number, { pathMtu }: { pathMtu: number }) => log.push(`peer ${id} path ${pathMtu}`),
    },
  };
  const clock = {
    now: () => instant(state.now),
    timer: () => ({ arm: () => undefined, close: () => undefined }),
  };
  const loop = {
    protocol,
    mtu: 1420,
    call: (act: (now: number, of: typeof protocol) => unknown) => act(state.now, protocol),
  };
  const onChange = (peer: number, mtu: number) => log.push(`peer ${peer} mtu ${mtu}`);
  const parts = {
    clock,
    loop,
    book: { all: [{ id: 1 }, { id: 2 }] },
    events: { tell: (event: { id: string; on?: boolean }) => log.push(`${event.id} ${event.on}`) },
    drops: {
      poke: () => undefined,
      count: (reason: string) => log.push(reason),
      countSendFailed: (code: string) => log.push(`send-failed ${code}`),
    },
    // as below
    paths: new PeerPaths({ clock, loop, routeMtu: () => 1400, onChange } as unknown as PeerPathsOptions),
    isClosing: () => false,
  };
  // The cast holds as far as these tests go: no engine event is among them, and only those ask for the other parts.
  return { react: new Reactions(parts as unknown as ReactionParts), log, state, at };
}

const datagram = (to: { ip: Uint8Array; port: number; scope: number }, type: number, length = 1452) => ({
  to,
  length,
  isTransport: type === 4,
  count: 1,
});

describe('what happens', () => {
  test('load is told when it begins and, once it has stayed away for five seconds, when it has ended', () => {
    const { react, log, state } = reactions();
    const turn = (now: number, underLoad: boolean) => {
      state.underLoad = underLoad;
      react.onTurn(instant(now), []);
    };
    turn(0, false);
    for (let now = 1_000; now < 3_000; now += 10) turn(now, now % 20 === 0); // to and fro, as near the threshold
    expect(log).toEqual(['under-load true']);
    turn(7_979, false);
    expect(log).toEqual(['under-load true']);
    turn(7_980, false);
    turn(20_000, false);
    expect(log).toEqual(['under-load true', 'under-load false']);
    turn(20_001, true);
    expect(log).toEqual(['under-load true', 'under-load false', 'under-load true']);
  });

  test('a refused datagram is counted under its errno', () => {
    const { react, log, at } = reactions();
    for (const code of ['ENETUNREACH', 'EPERM', 'ENOBUFS']) react.onSendFailed(datagram(at, 4), code);
    react.onSendFailed(datagram(at, 0x11), 'EMSGSIZE'); // a handshake has its own way with narrow paths
    expect(log).toEqual([
      'send-failed ENETUNREACH',
      'send-failed EPERM',
      'send-failed ENOBUFS',
      'send-failed EMSGSIZE',
    ]);
  });

  test('transport too long for the interface narrows the path of the peer there, until the network changes', () => {
    const { react, log, at } = reactions();
    react.onSendFailed(datagram(at, 4), 'EMSGSIZE');
    expect(log.splice(0)).toEqual(['too-big', 'peer 1 path 1372', 'peer 1 mtu 1400']);
    react.onNetworkChange();
    expect(log).toEqual(['network change', 'peer 1 path 65535']);
  });

  test('a path is never narrowed below what every path must take', () => {
    const { react, log, at } = reactions();
    react.onSendFailed(datagram(at, 4, 1232), 'EMSGSIZE');
    expect(log).toEqual(['too-big']);
  });

  test('a lost source address is a change of the network, once a second', () => {
    const { react, log, state } = reactions();
    for (const now of [0, 1, 500, 999, 1_000, 1_500]) {
      state.now = now;
      react.onSourceLost();
    }
    expect(log).toEqual(['network change', 'network change']);
  });
});
