import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { openUdp, type ReceivedDatagram, type Udp, type UdpOptions } from './index.ts';
import { runScenario } from './testing/scenario.ts';

const v4 = (last: number) => Uint8Array.of(127, 0, 0, last);
const v6Loopback = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const bytesOf = (text: string) => new TextEncoder().encode(text);
const open: Udp[] = [];
const loopbackIndex = 1;
const never = (): void => expect.unreachable();

function openLocal(options: Partial<UdpOptions> = {}): Udp {
  const udp = openUdp({ family: 4, ip: v4(1), ...options });
  open.push(udp);
  return udp;
}

afterEach(() => {
  for (const udp of open.splice(0)) udp.close();
});

/** The next `count` datagrams, with bytes copied, and the size of each batch. */
function receive(udp: Udp, count: number): Promise<{ datagrams: ReceivedDatagram[]; batches: number[] }> {
  return new Promise((resolve, reject) => {
    const datagrams: ReceivedDatagram[] = [];
    const batches: number[] = [];
    udp.start((batch) => {
      batches.push(batch.length);
      for (const datagram of batch) datagrams.push({ ...datagram, bytes: datagram.bytes.slice() });
      if (datagrams.length >= count) resolve({ datagrams, batches });
    }, reject);
  });
}

const at = (udp: Udp, ip = v4(1)) => ({ ip, port: udp.port, scope: 0 });

describe('a UDP socket', () => {
  it('carries datagrams there and back, and says where from and where to', async () => {
    const [left, right] = [openLocal(), openLocal()];
    const arrived = receive(right, 2);
    expect(
      left.send([
        { bytes: bytesOf('one'), to: at(right) },
        { bytes: new Uint8Array(0), to: at(right) },
      ]),
    ).toEqual([]);
    const { datagrams } = await arrived;
    expect(datagrams).toEqual([
      { bytes: bytesOf('one'), from: at(left), localIp: v4(1), interfaceIndex: loopbackIndex },
      { bytes: new Uint8Array(0), from: at(left), localIp: v4(1), interfaceIndex: loopbackIndex },
    ]);
    const back = receive(left, 1);
    right.send([{ bytes: bytesOf('two'), to: datagrams[0]?.from ?? at(left) }]);
    expect((await back).datagrams.map(({ bytes }) => bytes)).toEqual([bytesOf('two')]);
    expect(left.counters()).toMatchObject({ datagramsSent: 2, datagramsReceived: 1, sendFailures: 0 });
  });

  it('sends from the address it is told, and learns which of its addresses was meant', async () => {
    const [left, right] = [openLocal({ ip: v4(0).fill(0) }), openLocal({ ip: v4(0).fill(0) })];
    const arrived = receive(right, 2);
    left.send([
      { bytes: bytesOf('a'), to: at(right, v4(3)), localIp: v4(2) },
      { bytes: bytesOf('b'), to: at(right, v4(4)), localIp: v4(5), interfaceIndex: loopbackIndex },
    ]);
    expect((await arrived).datagrams.map(({ from, localIp }) => [from.ip, localIp])).toEqual([
      [v4(2), v4(3)],
      [v4(5), v4(4)],
    ]);
  });

  it('keeps addresses of its own, and bytes only for the callback', async () => {
    const [left, right] = [openLocal(), openLocal()];
    const kept: ReceivedDatagram[] = [];
    const both = new Promise<void>((resolve) => {
      right.start((datagrams) => {
        kept.push(...datagrams);
        if (kept.length === 1) left.send([{ bytes: bytesOf('b'), to: at(right), localIp: v4(1) }]);
        else resolve();
      }, never);
    });
    left.send([{ bytes: bytesOf('a'), to: at(right) }]);
    await both;
    expect(kept[0]?.bytes).toEqual(bytesOf('b'));
    expect(kept[0]?.from.ip.buffer).not.toBe(kept[1]?.from.ip.buffer);
  });

  it('speaks IPv6', async () => {
    const [left, right] = [
      openLocal({ family: 6, ip: v6Loopback }),
      openLocal({ family: 6, ip: v6Loopback }),
    ];
    const arrived = receive(right, 1);
    expect(left.send([{ bytes: bytesOf('six'), to: at(right, v6Loopback), localIp: v6Loopback }])).toEqual(
      [],
    );
    expect((await arrived).datagrams).toEqual([
      {
        bytes: bytesOf('six'),
        from: at(left, v6Loopback),
        localIp: v6Loopback,
        interfaceIndex: loopbackIndex,
      },
    ]);
  });

  it('shows IPv4 on a dual-stack socket as IPv4, both ways, with source address', async () => {
    const dual = openLocal({ family: 6, ip: new Uint8Array(16), ipv6Only: false });
    const four = openLocal({ ip: v4(0).fill(0) });
    const arrived = receive(dual, 1);
    four.send([{ bytes: bytesOf('x'), to: at(dual, v4(6)), localIp: v4(7) }]);
    const [datagram] = (await arrived).datagrams;
    expect([datagram?.from.ip, datagram?.localIp]).toEqual([v4(7), v4(6)]);
    const back = receive(four, 2);
    const answers = [
      { bytes: bytesOf('y'), to: at(four, v4(7)), localIp: v4(6) },
      { bytes: bytesOf('z'), to: at(four, v4(7)), interfaceIndex: loopbackIndex },
    ];
    expect(dual.send(answers)).toEqual([]);
    expect((await back).datagrams.map(({ from }) => from.ip)).toEqual([v4(6), v4(1)]);
  });

  it('is IPv6 only unless asked, so that IPv4 may have the same port', () => {
    const six = openLocal({ family: 6, ip: new Uint8Array(16) });
    const four = openLocal({ ip: v4(0).fill(0), port: six.port });
    expect(four.port).toBe(six.port);
    expect(six.send([{ bytes: bytesOf('x'), to: at(four) }])).toEqual([{ position: 0, code: 'ENETUNREACH' }]);
  });

  it('hands over more datagrams than a batch in order and in batches', async () => {
    const [left, right] = [openLocal(), openLocal({ receiveBuffer: 4_000_000 })];
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    // 200 at once: more than one sendmmsg, and more records than are held ready.
    expect(left.send(numbers.map((index) => ({ bytes: Uint8Array.of(index), to: at(right) })))).toEqual([]);
    const { datagrams, batches } = await receive(right, 200);
    expect(datagrams.map(({ bytes }) => bytes[0])).toEqual(numbers);
    expect(batches.every((size) => size <= 64)).toBe(true);
    expect(batches.length).toBeGreaterThanOrEqual(4);
  });

  it('takes the longest datagram there is', async () => {
    const [left, right] = [openLocal({ sendBuffer: 1_000_000 }), openLocal({ receiveBuffer: 4_000_000 })];
    const longest = new Uint8Array(65_507).map((_, index) => index % 251);
    const arrived = receive(right, 3);
    expect(left.send([longest, bytesOf('x'), longest].map((bytes) => ({ bytes, to: at(right) })))).toEqual(
      [],
    );
    expect((await arrived).datagrams.map(({ bytes }) => bytes)).toEqual([longest, bytesOf('x'), longest]);
  });

  it('drops and counts what is longer than `longest`, and goes on', async () => {
    const [left, right] = [openLocal(), openLocal({ longest: 100 })];
    const arrived = receive(right, 2);
    left.send([100, 101, 1000, 99].map((length) => ({ bytes: new Uint8Array(length), to: at(right) })));
    expect((await arrived).datagrams.map(({ bytes }) => bytes.length)).toEqual([100, 99]);
    expect(right.counters()).toMatchObject({ oversize: 2, datagramsReceived: 2 });
  });

  it('reports each datagram that cannot be sent, and sends the rest', async () => {
    const [left, right] = [openLocal(), openLocal()];
    const arrived = receive(right, 3);
    const failures = left.send([
      { bytes: bytesOf('0'), to: at(right) },
      { bytes: new Uint8Array(65_508), to: at(right) },
      { bytes: bytesOf('2'), to: at(right) },
      { bytes: bytesOf('3'), to: at(right), localIp: Uint8Array.of(192, 0, 2, 1) },
      { bytes: bytesOf('4'), to: at(right) },
      { bytes: bytesOf('5'), to: { ...at(right), port: 0 } },
    ]);
    expect(failures).toEqual([
      { position: 1, code: 'EMSGSIZE' },
      { position: 3, code: 'ENETUNREACH' },
      { position: 5, code: 'EINVAL' },
    ]);
    expect((await arrived).datagrams.map(({ bytes }) => bytes)).toEqual([
      bytesOf('0'),
      bytesOf('2'),
      bytesOf('4'),
    ]);
    expect(left.counters()).toMatchObject({ datagramsSent: 3, sendFailures: 3 });
  });

  it('sends nothing of an array with a mistake in it', async () => {
    const [left, right] = [openLocal(), openLocal()];
    const good = { bytes: bytesOf('x'), to: at(right) };
    expect(() => left.send([good, { ...good, to: { ...good.to, port: -1 } }])).toThrow(
      'datagrams[1].to.port',
    );
    expect(left.counters().datagramsSent).toBe(0);
  });

  it('may be closed in its own callback, twice, and then says EBADF', async () => {
    const [left, right] = [openLocal(), openLocal({ batch: 1 })];
    let calls = 0;
    left.send([
      { bytes: bytesOf('a'), to: at(right) },
      { bytes: bytesOf('b'), to: at(right) },
    ]);
    await new Promise<void>((resolve) => {
      right.start(([datagram]) => {
        calls += 1;
        right.close();
        right.close();
        expect(datagram?.bytes).toEqual(bytesOf('a'));
        setImmediate(() => setImmediate(resolve));
      }, never);
    });
    expect([calls, right.closed, right.fd]).toEqual([1, true, -1]);
    expect(() => right.send([{ bytes: bytesOf('x'), to: at(left) }])).toThrow('EBADF');
    expect(() =>
      right.start(
        () => {},
        () => {},
      ),
    ).toThrow('EBADF');
  });

  it('loses nothing between stop and start, and is closed by `using`', async () => {
    const left = openLocal();
    using right = openLocal();
    right.start(never, never);
    right.stop();
    left.send([{ bytes: bytesOf('a'), to: at(right) }]);
    await new Promise(setImmediate);
    expect((await receive(right, 1)).datagrams.map(({ bytes }) => bytes)).toEqual([bytesOf('a')]);
  });

  it('shares a port only where both ask for it', () => {
    const first = openLocal({ reusePort: true });
    const second = openLocal({ port: first.port, reusePort: true });
    expect(second.port).toBe(first.port);
    expect(() => openLocal({ port: first.port })).toThrow(
      expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind' }),
    );
  });

  it.runIf(process.getuid?.() === 0)(
    'has the receive buffer it asked for, beyond the limit of the system for root',
    async () => {
      const [left, right] = [openLocal({ sendBuffer: 8_000_000 }), openLocal({ receiveBuffer: 8_000_000 })];
      const numbers = Array.from({ length: 40 }, (_, index) => index);
      // 2.4 MB wait here before anybody reads; the default would keep a few of them.
      const large = numbers.map((index) => ({ bytes: new Uint8Array(60_000).fill(index), to: at(right) }));
      expect(left.send(large)).toEqual([]);
      expect((await receive(right, 40)).datagrams.map(({ bytes }) => bytes[0])).toEqual(numbers);
    },
  );

  it('takes a mark from root only', () => {
    const root = process.getuid?.() === 0;
    const mark = () => openLocal({ mark: 0xfffffffe }).setMark(0);
    if (root) expect(mark).not.toThrow();
    else expect(mark).toThrow(expect.objectContaining({ code: 'EPERM', syscall: 'SO_MARK' }));
  });

  it('goes on after ICMP errors, on an adopted and connected socket', () => {
    const { status, stderr } = runScenario('udp-scenarios.ts', 'adoptedWithErrors', { isolated: false });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });
});

describe('a UDP socket refuses', () => {
  const optionCases: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ['options', undefined, TypeError],
    ['options.family', {}, RangeError],
    ['options.family', { family: 5 }, RangeError],
    ['options.ip', { family: 4, ip: '127.0.0.1' }, TypeError],
    ['options.ip', { family: 4, ip: new Uint8Array(16) }, RangeError],
    ['options.ip', { family: 6, ip: new Uint8Array(4) }, RangeError],
    ['options.port', { family: 4, port: 65_536 }, RangeError],
    ['options.port', { family: 4, port: '80' }, TypeError],
    ['options.scope', { family: 6, scope: -1 }, RangeError],
    ['options.fd', { family: 4, fd: -1 }, RangeError],
    ['options.ipv6Only', { family: 6, ipv6Only: 1 }, TypeError],
    ['options.reusePort', { family: 4, reusePort: 'yes' }, TypeError],
    ['options.mark', { family: 4, mark: 2 ** 32 }, RangeError],
    ['options.receiveBuffer', { family: 4, receiveBuffer: 0 }, RangeError],
    ['options.sendBuffer', { family: 4, sendBuffer: 2 ** 31 }, RangeError],
    ['options.pathMtuDiscovery', { family: 4, pathMtuDiscovery: 'maybe' }, RangeError],
    ['options.batch', { family: 4, batch: 257 }, RangeError],
    ['options.longest', { family: 4, longest: 65_536 }, RangeError],
  ];
  it.each(optionCases)('a wrong %s', (name, options, type) => {
    // The cast gives wrong types to the checks, which is what is tested.
    const openWrong = () => openUdp(options as never);
    expect(openWrong).toThrow(type);
    expect(openWrong).toThrow(`${name} must be`);
  });

  const to = { ip: v4(1), port: 9, scope: 0 };
  const bytes = bytesOf('x');
  const datagramCases: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ['datagrams', { bytes, to }, TypeError],
    ['datagrams[0]', [7], TypeError],
    ['datagrams[0].bytes', [{ bytes: 'x', to }], TypeError],
    ['datagrams[0].bytes', [{ bytes: new Uint16Array(2), to }], TypeError],
    ['datagrams[0].to', [{ bytes }], TypeError],
    ['datagrams[0].to.ip', [{ bytes, to: { ...to, ip: new Uint8Array(5) } }], RangeError],
    ['datagrams[0].to.ip', [{ bytes, to: { ...to, ip: new Uint8Array(16) } }], RangeError],
    ['datagrams[0].to.ip', [{ bytes, to: { ...to, ip: [127, 0, 0, 1] } }], TypeError],
    ['datagrams[0].to.port', [{ bytes, to: { ...to, port: 65_536 } }], RangeError],
    ['datagrams[0].to.scope', [{ bytes, to: { ...to, scope: undefined } }], TypeError],
    ['datagrams[0].localIp', [{ bytes, to, localIp: new Uint8Array(3) }], RangeError],
    ['datagrams[0].localIp', [{ bytes, to, localIp: new Uint8Array(16) }], RangeError],
    ['datagrams[0].interfaceIndex', [{ bytes, to, interfaceIndex: -1 }], RangeError],
  ];
  it.each(datagramCases)('a wrong %s', (name, datagrams, type) => {
    const udp = openLocal();
    // The cast as above.
    const send = () => udp.send(datagrams as never);
    expect(send).toThrow(type);
    expect(send).toThrow(`${name} must be`);
  });

  it('callbacks that are none, and a wrong mark', () => {
    const udp = openLocal();
    onTestFinished(() => udp.close());
    // The casts as above.
    expect(() => udp.start(undefined as never, () => {})).toThrow('onDatagrams must be a function');
    expect(() => udp.start(() => {}, 5 as never)).toThrow('onError must be a function');
    expect(() => udp.setMark(-1)).toThrow('mark must be');
  });
});
