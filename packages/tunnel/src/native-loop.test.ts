import { Identity, instant, peerId, Secret } from '@pqtun/core';
import { nodeSuite } from '@pqtun/core/node';
import { describe, expect, test } from 'vitest';
import type { NativeTunnelPlane, ShellEvent } from './native-data-plane.ts';
import { NativeLoop } from './native-loop.ts';
import type { PlainReports } from './native-plane.ts';

const suite = nodeSuite();
const at = { ip: Uint8Array.of(192, 0, 2, 1), port: 7, scope: 0 };
const nothing: PlainReports = { activity: [], messages: [], drops: new Map(), more: false };
const garbage: PlainReports['messages'][number] = {
  kind: 'handshake',
  from: at,
  localAddress: undefined,
  bytes: new Uint8Array(64),
  verdict: { kind: 'unchecked' },
};

/** A loop around a real engine and an addon that does as it is told. */
function loopOver() {
  const log: string[] = [];
  const state = {
    now: 1_000,
    reports: [] as PlainReports[],
    events: [] as ShellEvent[],
    afterInput: [] as (() => void)[],
    broken: false,
    fire: (): void => undefined,
    onTurn: (): void => undefined,
  };
  let on: Parameters<NativeTunnelPlane['start']>[0] | undefined;
  const unused = (): never => {
    throw new Error('not in these tests');
  };
  const native: NativeTunnelPlane = {
    name: 'fake',
    interfaceIndex: 1,
    port: 1,
    mtu: 1420,
    start: (listeners) => {
      on = listeners;
    },
    takeEvents: () => state.events.splice(0),
    takeReports: (most) => {
      if (state.broken) throw new Error('invariant broken');
      const reports = (most === 0 && state.reports[0]?.messages.length
        ? undefined
        : state.reports.shift()) ?? {
        ...nothing,
        more: state.reports.length > 0,
      };
      log.push(`take ${reports.messages.length} of ${most}`);
      return reports;
    },
    rebind: unused,
    setMark: unused,
    status: unused,
    counters: unused,
    close: () => void log.push('close'),
    install: unused,
    retire: unused,
    wipeKeys: unused,
    removePeer: (_now, peer) => log.push(`remove ${peer}`),
    setPeer: (peer) => log.push(`set ${peer}`),
    resetTimestamp: unused,
    setRoutes: unused,
    transmit: unused,
    flushStaged: unused,
    purgeStaged: unused,
    sendDatagrams: (datagrams) => log.push(`send ${datagrams.length}`),
    peerCounters: () => [],
  };
  const identity = () => new Identity(suite, new Secret(suite.random(32)), new Secret(suite.random(64)));
  const settings = () => ({ crypto: suite, identity: identity(), wallClock: () => Date.now() as never });
  const looped = new NativeLoop({
    native,
    engine: settings(),
    afterInput: (run) => {
      state.afterInput.push(run);
      return { close: () => state.afterInput.splice(state.afterInput.indexOf(run), 1) };
    },
    clock: {
      now: () => instant(state.now),
      timer: (run) => {
        state.fire = run;
        return { arm: () => log.push('arm'), close: () => undefined };
      },
    },
    on: {
      onTurn: (now, events) => {
        log.push(`turn ${now}${events.map(({ kind }) => ` ${kind}`).join('')}`);
        state.onTurn();
      },
      onSendFailed: ({ length, isTransport, count }, code) =>
        log.push(`${code} ${count} of ${length} ${isTransport}`),
      onSourceLost: () => log.push('source lost'),
      onOffloadChanged: (name, active, reason) => log.push(`${name} ${active} ${reason}`),
      onDeviceLost: ({ message }) => log.push(`lost: ${message}`),
      onFailure: (error) => log.push(`failed: ${error instanceof Error ? error.message : ''}`),
    },
  });
  looped.start();
  const wake = () => on?.onReports();
  return { loop: looped, state, settings, identity, wake, on: () => on, take: () => log.splice(0) };
}

describe('the loop over the native plane', () => {
  test('takes what there is to report, then tells what the addon met', () => {
    const { state, wake, take } = loopOver();
    state.events = [
      { kind: 'send-failed', to: at, length: 1452, isTransport: true, code: 'EMSGSIZE', count: 3 },
      { kind: 'source-lost' },
      { kind: 'offload-changed', name: 'udp-gso', active: false, reason: 'EIO' },
    ];
    wake();
    expect(take()).toEqual([
      'take 0 of 8',
      'turn 1000',
      'EMSGSIZE 3 of 1452 true',
      'source lost',
      'udp-gso false EIO',
    ]);
  });

  test('lets messages beyond a share wait until the loop has looked for other input', () => {
    const { state, wake, take, loop } = loopOver();
    const share = { ...nothing, messages: [garbage, garbage], more: true };
    const none = { ...nothing, more: true };
    state.reports = [share, none, share, none, { ...share, more: false }];
    for (const handled of [2, 4]) {
      if (handled === 2) wake();
      else state.afterInput.shift()?.();
      expect(take()).toEqual(['take 2 of 8', 'take 0 of 0', 'turn 1000']);
      expect(loop.protocol.engine.drops.of('unknown-type')).toBe(handled);
      expect(state.afterInput).toHaveLength(1);
    }
    state.afterInput.shift()?.();
    expect(loop.protocol.engine.drops.of('unknown-type')).toBe(6);
    expect(state.afterInput).toEqual([]);
  });

  test('has one share of messages a turn also where whoever hears of them calls, and tells one turn after the other', () => {
    const { state, wake, loop } = loopOver();
    const handled = () => loop.protocol.engine.drops.of('unknown-type');
    state.reports = Array.from({ length: 100 }, () => ({
      ...nothing,
      messages: [garbage, garbage],
      more: true,
    }));
    let [seen, depth, deepest] = [0, 0, 0];
    state.onTurn = () => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      if (handled() > seen) {
        seen = handled();
        loop.call(() => undefined); // as a listener that pings a peer whose session has begun
      }
      depth -= 1;
    };
    wake();
    expect(deepest).toBe(1);
    expect(handled()).toBe(2);
    expect(state.afterInput).toHaveLength(1);
  });

  test('does what is due, and arms its timer for what comes', () => {
    const { loop, identity, state, take } = loopOver();
    const other = identity();
    const id = loop.call((now, { engine }) => {
      const keys = {
        publicKey: other.dh.publicKey,
        kemPublicKey: other.kem(1)?.publicKey ?? new Uint8Array(),
      };
      const peer = engine.addPeer(now, { ...keys, endpoint: at });
      engine.initiate(now, peer);
      return peer;
    });
    expect(id).toBe(peerId(1));
    expect(take()).toEqual(['set 1', 'take 0 of 8', 'send 2', 'take 0 of 8', 'arm', 'turn 1000']);
    state.now += 10_000;
    state.fire();
    expect(take().slice(0, 1)).toEqual(['send 2']);
  });

  test('numbers the peers of the next engine on, and forgets the deadlines of the one before', () => {
    const { loop, settings, identity, take } = loopOver();
    const other = identity();
    const add = () =>
      loop.call((now, { engine }) => engine.addPeer(now, { publicKey: other.dh.publicKey, endpoint: at }));
    add();
    loop.call((now, { engine }) => engine.stop(now));
    take();
    loop.renew(settings());
    expect(add()).toBe(peerId(1));
    expect(take()).toEqual(['set 2', 'take 0 of 8', 'arm', 'turn 1000']);
  });

  test('gives its owner what a call throws, and fails on a mistake of ours', () => {
    const { loop, state, wake, take } = loopOver();
    expect(() =>
      loop.call(() => {
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(take()).toEqual(['take 0 of 8', 'turn 1000']);
    state.broken = true;
    wake();
    expect(take()).toEqual(['failed: invariant broken']);
  });

  test('does nothing after it was closed, whatever still comes', () => {
    const { loop, state, wake, on, take } = loopOver();
    state.reports = [
      { ...nothing, messages: [garbage] },
      { ...nothing, messages: [garbage] },
    ];
    wake();
    const [waiting] = state.afterInput;
    take();
    loop.close();
    waiting?.(); // as if it could not be called off
    state.events = [{ kind: 'source-lost' }];
    wake();
    state.fire();
    on()?.onLost(new Error('late'));
    expect([take(), state.afterInput]).toEqual([[], []]);
    expect(() => loop.call(() => 1)).toThrow();
  });
});
