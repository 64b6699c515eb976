import { instant, type OutgoingDatagram, type PacketBuffer, type PortableTunnel } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import { Device } from './device.ts';
import type { DatagramSocket, PacketDevice, SocketEvents } from './io.ts';

const to = { ip: Uint8Array.of(192, 0, 2, 1), port: 7, scope: 0 };

/** A device around a protocol that echoes: each datagram comes out as a packet, each packet as a datagram. */
function loop(options: { headroom?: number; sendsAtOnce?: boolean } = {}) {
  const log: string[] = [];
  const state = {
    now: 1_000,
    afterInput: [] as (() => void)[],
    deadline: undefined as number | undefined,
    broken: false,
    sendThrows: false,
    fire: (): void => undefined,
  };
  let outputs: unknown[] = [];
  let events: unknown[] = [];
  const protocol = {
    engine: {
      setLoopDelay: () => undefined,
      isUnderLoad: () => false,
      initiationOf: (_from: unknown, bytes: Uint8Array) =>
        bytes[0] === 0x11 ? 'stranger' : bytes[0] === 0x12 ? 'peer' : undefined,
      drops: { count: (reason: string) => log.push(reason) },
    },
    handleDatagram(_now: number, _from: unknown, _local: unknown, bytes: Uint8Array) {
      if (state.broken) throw new Error('invariant broken');
      if (bytes[0] !== 0) log.push(`initiation ${bytes[1]}`);
      if (bytes.length >= 32) outputs.push({ kind: 'packet', bytes }); // less is no transport message: dropped
    },
    handlePacket(_now: number, packet: PacketBuffer | Uint8Array) {
      log.push(packet instanceof Uint8Array ? 'copied' : 'in place');
      outputs.push({ kind: 'datagram', to, bytes: packet instanceof Uint8Array ? packet : packet.packet });
    },
    handleTimeout(now: number) {
      log.push(`timeout ${now}`);
      state.deadline = undefined;
    },
    poll: () => outputs.shift(),
    pollEvent: () => events.shift(),
    nextDeadline: () => (state.deadline === undefined ? undefined : { at: state.deadline }),
  };
  let socketEvents: SocketEvents | undefined;
  const socket: DatagramSocket = {
    kind: 'portable',
    port: 1,
    sendsAtOnce: options.sendsAtOnce ?? true,
    start: (on) => {
      socketEvents = on;
    },
    send: (datagrams: readonly OutgoingDatagram[]) => {
      if (state.sendThrows) throw new Error('out of range');
      log.push(`send ${datagrams.length}`);
    },
    setMark: () => undefined,
    close: async () => undefined,
  };
  let onPackets: (packets: readonly Uint8Array[]) => void = () => undefined;
  const packets: PacketDevice = {
    name: 'fake',
    mtu: 1420,
    headroom: options.headroom ?? 16,
    tailroom: 31,
    start: (on) => {
      onPackets = on;
    },
    write: (written) => log.push(`write ${written.length}`),
    close: () => log.push('close'),
  };
  const device = new Device({
    afterInput: (run) => {
      state.afterInput.push(run);
      return { close: () => state.afterInput.splice(state.afterInput.indexOf(run), 1) };
    },
    clock: {
      now: () => instant(state.now),
      timer: (run) => {
        state.fire = run;
        return { arm: (at) => log.push(`arm ${at}`), close: () => undefined };
      },
    },
    device: packets,
    socket,
    // The cast holds as far as the loop goes: it calls nothing else of a protocol.
    protocol: protocol as unknown as PortableTunnel,
    on: {
      onTurn: (now, told) => log.push(`turn ${now}${told.length > 0 ? ` ${told.length} events` : ''}`),
      onSendFailed: (_datagram, code) => log.push(code),
      onSourceLost: () => log.push('source lost'),
      onOffloadChanged: () => undefined,
      onDeviceLost: ({ message }) => log.push(`lost: ${message}`),
      onFailure: (error) => log.push(`failed: ${error instanceof Error ? error.message : ''}`),
    },
  });
  device.start();
  const slot = () => new Uint8Array(new ArrayBuffer(16 + 60 + 31), 16, 60);
  const take = () => log.splice(0);
  return {
    device,
    state,
    take,
    packets: (count: number) => onPackets(Array.from({ length: count }, slot)),
    datagrams: (count: number, lengthOf: (position: number) => number = () => 60) =>
      socketEvents?.onDatagrams(
        Array.from({ length: count }, (_, position) => ({
          bytes: new Uint8Array(lengthOf(position)),
          from: to,
          localAddress: undefined,
        })),
      ),
    /** Datagrams that begin with these bytes: 0x11 a stranger's initiation, 0x12 a peer's, 0 a record. */
    mixed: (beginnings: readonly (readonly [number, number])[]) =>
      socketEvents?.onDatagrams(
        beginnings.map((beginning) => {
          const bytes = new Uint8Array(60);
          bytes.set(beginning);
          return { bytes, from: to, localAddress: undefined };
        }),
      ),
    tell: (count: number) => {
      events = new Array(count).fill({});
    },
    socketEvents: () => socketEvents,
    leave: (output: unknown) => {
      outputs = [output];
    },
  };
}

describe('the loop', () => {
  test('writes what a batch brings as one batch, and tells of it afterwards', () => {
    const { datagrams, packets, take, tell } = loop();
    tell(2);
    datagrams(5);
    expect(take()).toEqual(['write 5', 'turn 1000 2 events']);
    packets(3);
    expect(take()).toEqual(['in place', 'in place', 'in place', 'send 3', 'turn 1000']);
  });

  test('goes on behind a datagram that is dropped, wherever it stands in its batch', () => {
    const { datagrams, take } = loop();
    for (const position of [0, 1, 4]) {
      datagrams(5, (i) => (i === position ? 1 : 60));
      expect(take()).toEqual(['write 4', 'turn 1000']);
    }
  });

  test('copies inner packets where there is no room around them, or the socket holds on to memory', () => {
    for (const options of [{ headroom: 15 }, { sendsAtOnce: false }]) {
      const { packets, take } = loop(options);
      packets(1);
      expect(take()[0]).toBe('copied');
    }
  });

  test('arms its timer for an earlier deadline, and leaves it for a later one', () => {
    const { datagrams, state, take } = loop();
    state.deadline = 5_000;
    datagrams(1);
    state.deadline = 9_000;
    datagrams(1);
    state.deadline = 4_000;
    datagrams(1);
    expect(take().filter((line) => line.startsWith('arm'))).toEqual(['arm 5000', 'arm 4000']);
    state.deadline = 9_000;
    state.now = 4_000;
    state.fire();
    state.deadline = 9_000;
    datagrams(1);
    expect(take()).toContain('arm 9000');
  });

  test('does what fell due within a turn in that turn', () => {
    const { packets, state, take } = loop();
    state.deadline = 1_000;
    packets(1);
    expect(take()).toEqual(['in place', 'timeout 1000', 'send 1', 'turn 1000']);
  });

  test('gives its owner what a call returns or throws, and sends what it left either way', () => {
    const { device, take, leave } = loop();
    expect(device.call((now) => now + 1)).toBe(1_001);
    take();
    expect(() =>
      device.call(() => {
        leave({ kind: 'datagram', to, bytes: new Uint8Array(1) });
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(take()).toEqual(['send 1', 'turn 1000']);
  });

  test('does not let initiations delay records: beyond a few they wait until the loop has looked for input again', () => {
    const { mixed, take, state } = loop();
    const flood = Array.from({ length: 12 }, (_, i) => [0x11, i] as const);
    mixed([...flood, [0, 0]]);
    expect(take()).toEqual([
      ...Array.from({ length: 8 }, (_, i) => `initiation ${i}`),
      'write 9',
      'turn 1000',
    ]);
    mixed([[0, 0]]);
    expect(take()).toEqual(['write 1', 'turn 1000']);
    expect(state.afterInput).toHaveLength(1);
    state.afterInput.shift()?.();
    expect(take()).toEqual([...[8, 9, 10, 11].map((i) => `initiation ${i}`), 'write 4', 'turn 1000']);
    expect(state.afterInput).toEqual([]);
  });

  test('goes on with initiations that wait, a few a turn, and counts those it has no room for', () => {
    const { mixed, take, state } = loop();
    mixed(Array.from({ length: 8 + 64 + 5 }, () => [0x11, 0] as const)); // one source: 64 of it may wait
    expect(take().filter((line) => line === 'queue-full')).toHaveLength(5);
    for (let turn = 0; turn < 8; turn++) state.afterInput.shift()?.();
    expect(take().filter((line) => line === 'initiation 0')).toHaveLength(64);
    expect(state.afterInput).toEqual([]);
  });

  test('forgets initiations that wait when it is closed', () => {
    const { device, mixed, take, state } = loop();
    mixed(Array.from({ length: 12 }, () => [0x11, 0] as const));
    take();
    const [waiting] = state.afterInput;
    device.close();
    waiting?.(); // as if it could not be called off
    expect([take(), state.afterInput]).toEqual([['close'], []]);
  });

  test('says once that a mistake of ours was met, and sends nothing of that turn', () => {
    const { datagrams, state, take } = loop();
    state.broken = true;
    datagrams(3);
    expect(take()).toEqual(['failed: invariant broken']);
  });

  test('says so too when the mistake is in sending', () => {
    const { packets, state, take } = loop();
    state.sendThrows = true;
    packets(1);
    expect(take()).toEqual(['in place', 'failed: out of range']);
  });

  test('does nothing after it was closed, whatever still comes', () => {
    const { device, datagrams, packets, state, take, socketEvents } = loop();
    device.close();
    expect(take()).toEqual(['close']);
    datagrams(1);
    packets(1);
    state.fire();
    socketEvents()?.onSendFailed({ to, localAddress: undefined, bytes: new Uint8Array(1) }, 'EPERM');
    socketEvents()?.onSourceLost();
    socketEvents()?.onError(new Error('late'));
    expect(take()).toEqual([]);
    expect(() => device.call(() => 1)).toThrow();
  });
});
