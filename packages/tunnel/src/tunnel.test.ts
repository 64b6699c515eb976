import { describe, expect, test, vi } from 'vitest';
import {
  classicalPeerOf,
  configOf,
  host,
  MemoryStore,
  open,
  packet,
  pair,
  party,
  peerOf,
  randomSecret,
  ways,
} from './tunnel.test.kit.ts';

const onlyPeer = (of: { tunnel: { stats(): { peers: readonly unknown[] } } }) => {
  const [peer] = of.tunnel.stats().peers;
  return peer;
};

describe.each(ways)('two tunnels over %s UDP', (udp) => {
  test('shake hands and carry packets both ways', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    b.outside.write([packet(partyB, partyA, 333, 7)]);
    expect(await a.arrived()).toEqual([packet(partyB, partyA, 333, 7)]);
    a.outside.write([packet(partyA, partyB, 1400, 8), packet(partyA, partyB, 20, 9)]);
    expect(await b.arrived(2)).toEqual([packet(partyA, partyB, 1400, 8), packet(partyA, partyB, 20, 9)]);
    expect(await b.event('peer-established')).toMatchObject({ role: 'initiator', suite: 1 });
    expect(await a.event('peer-established')).toMatchObject({ role: 'responder', suite: 1 });
    expect(onlyPeer(a)).toMatchObject({ pqState: 'hybrid', role: 'responder', handshakesCompleted: 1 });
    const plane = udp === 'faked plane' ? { udp: 'native', plane: 'native' } : { udp, plane: 'portable' };
    expect(a.tunnel.stats()).toMatchObject({ ...plane, mtu: 1420 });
  });

  test('stage what comes before the session, in order, and lose none of it', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    const sent = Array.from({ length: 100 }, (_, i) => packet(partyB, partyA, 100 + i, i));
    b.outside.write(sent);
    expect(await a.arrived(100)).toEqual(sent);
  });

  test('speak suite 2 with a peer whose KEM key is of ML-KEM-1024', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(
      configOf(partyA, [peerOf(partyB, undefined, { kemPublicKey: partyB.kemPublicKey(2) })]),
      { udp },
    );
    const peer = peerOf(partyA, a.tunnel.listenPort, { kemPublicKey: partyA.kemPublicKey(2) });
    await using b = await open(configOf(partyB, [peer]), { udp });
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    expect(onlyPeer(b)).toMatchObject({ suite: 2, pqState: 'hybrid' });
  });

  test('speak classically where both ask for it, and say so', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [classicalPeerOf(partyB)]), { udp });
    await using b = await open(configOf(partyB, [classicalPeerOf(partyA, a.tunnel.listenPort)]), { udp });
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    expect(onlyPeer(b)).toMatchObject({ suite: undefined, pqState: 'classical', fingerprint: undefined });
    await expect(b.tunnel.ping(partyA.publicKey)).rejects.toMatchObject({ code: 'PQTUN_UNSUPPORTED' });
  });

  test('never fall back: a classical initiation for a hybrid peer is refused and counted', async () => {
    const [partyA, partyB] = [party(), party()];
    const third = party();
    await using a = await open(configOf(partyA, [peerOf(partyB), classicalPeerOf(third)]), { udp });
    await using b = await open(configOf(partyB, [classicalPeerOf(partyA, a.tunnel.listenPort)]), { udp });
    b.outside.write([packet(partyB, partyA)]);
    expect(await a.event('dropped')).toMatchObject({ reason: 'downgrade-refused' });
    expect(a.tunnel.stats().downgradesRefused).toBeGreaterThan(0);
    expect(a.tunnel.stats().peers).toMatchObject([{ pqState: 'none' }, { pqState: 'none' }]);
  });

  test('use a pre-shared key and a deployment key', async () => {
    const [presharedKey, deploymentKey] = [randomSecret(), randomSecret()];
    const [partyA, partyB] = [party(), party()];
    await using a = await open(
      configOf(partyA, [peerOf(partyB, undefined, { presharedKey })], { deploymentKeys: [deploymentKey] }),
      { udp },
    );
    const peer = peerOf(partyA, a.tunnel.listenPort, { presharedKey, deploymentKey });
    await using b = await open(configOf(partyB, [peer]), { udp });
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    expect(onlyPeer(a)).toMatchObject({ hasPresharedKey: true });
    presharedKey.destroy();
    deploymentKey.destroy();
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
  });

  test('refuse another pre-shared key and another deployment key', async () => {
    const [partyA, partyB] = [party(), party()];
    const mine = { presharedKey: randomSecret() };
    await using a = await open(configOf(partyA, [peerOf(partyB, undefined, mine)]), { udp });
    const port = a.tunnel.listenPort;
    await using b = await open(configOf(partyB, [peerOf(partyA, port, { presharedKey: randomSecret() })]), {
      udp,
    });
    b.outside.write([packet(partyB, partyA)]);
    expect(await a.event('dropped')).toMatchObject({ reason: 'bad-timestamp' });
    // each new pre-shared key begins the handshake anew
    await b.tunnel.changePeer(partyA.publicKey, { ...mine, deploymentKey: randomSecret() });
    expect(await a.event('dropped')).toMatchObject({ reason: 'bad-mac1' });
    await b.tunnel.changePeer(partyA.publicKey, { presharedKey: null, deploymentKey: null });
    await b.tunnel.changePeer(partyA.publicKey, mine);
    await a.arrived(); // what was staged first
  });

  test('ping, with and without a session, and in several sizes', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
    expect(await a.tunnel.ping(partyB.publicKey, { size: 1280 })).toBeGreaterThan(0);
    expect(onlyPeer(a)).toMatchObject({ roundTrip: expect.any(Number) });
    const bad = [{ size: 17 }, { size: 0 }, { timeout: 0 }, { size: Number.NaN }];
    for (const options of bad) {
      await expect(b.tunnel.ping(partyA.publicKey, options)).rejects.toMatchObject({
        code: 'PQTUN_BAD_CONFIG',
      });
    }
    await expect(b.tunnel.ping(party().publicKey)).rejects.toMatchObject({ code: 'PQTUN_BAD_CONFIG' });
  });

  test('a handshake is begun when it is asked for, without a packet that wants it', async () => {
    const { a, b, partyA } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    b.tunnel.rekey(partyA.publicKey);
    expect(await b.event('peer-established')).toMatchObject({ role: 'initiator' });
    expect(() => b.tunnel.rekey(party().publicKey)).toThrow('no peer has this key');
    const { bounds, counts } = a.tunnel.stats().loopDelay;
    expect(counts).toHaveLength(bounds.length + 1);
  });

  test('a ping that nobody answers is given up, and one under way ends with the tunnel', async () => {
    const [self, peer] = [party(), party()];
    const open1 = await open(configOf(self, [peerOf(peer, 9)]), { udp });
    await expect(open1.tunnel.ping(peer.publicKey, { timeout: 50 })).rejects.toMatchObject({
      code: 'PQTUN_NO_ANSWER',
    });
    const pinged = open1.tunnel.ping(peer.publicKey, { timeout: 60_000 });
    const ended = expect(pinged).rejects.toMatchObject({ code: 'PQTUN_CLOSED' });
    await open1.tunnel.close();
    await ended;
  });

  test('go on after one side was killed and started again on the same port', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    const port = b.tunnel.listenPort;
    await b.tunnel.close();
    await using again = await open(
      configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)], { listenPort: port }),
      { udp, initiateOnStart: true },
    );
    await again.event('peer-established');
    again.outside.write([packet(partyB, partyA, 200)]);
    expect(await a.arrived()).toEqual([packet(partyB, partyA, 200)]);
  });

  test('are heard over IPv6 too', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]), { udp, bind: ['127.0.0.1', '::1'] });
    const endpoint = { host: '::1', port: a.tunnel.listenPort };
    await using b = await open(configOf(partyB, [peerOf(partyA, undefined, { endpoint })]), {
      udp,
      bind: ['::1'],
    });
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    await a.event('peer-established'); // a native plane delivers first and reports then
    const [peer] = a.tunnel.stats().peers;
    expect(peer?.endpoint).toMatchObject({ port: b.tunnel.listenPort, ip: new Uint8Array(16).fill(1, 15) });
  });

  test('listen on any address of both families, on one port, unless told otherwise', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]), { udp, anyAddress: true });
    await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), {
      udp,
      bind: ['127.0.0.1', '::1'],
    });
    await b.tunnel.ping(partyA.publicKey);
    expect(a.tunnel.stats().peers[0]?.endpoint?.ip.length).toBe(4);
    await b.tunnel.changePeer(partyA.publicKey, { endpoint: { host: '::1', port: a.tunnel.listenPort } });
    await b.tunnel.ping(partyA.publicKey);
    expect(a.tunnel.stats().peers[0]?.endpoint?.ip.length).toBe(16);
  });

  test('what the system refuses to send is counted, told with its code, and stops nothing else', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    const nowhere = party();
    // IPv6 from a socket that has none
    await b.tunnel.addPeer(peerOf(nowhere, undefined, { endpoint: { host: '2001:db8::1', port: 9 } }));
    b.outside.write([packet(partyB, nowhere), packet(partyB, partyA)]);
    await a.arrived();
    expect(await b.event('dropped')).toMatchObject({ reason: 'send-failed', code: 'EAFNOSUPPORT' });
    expect(b.tunnel.stats().drops['send-failed']).toBeGreaterThan(0);
  });
});

describe('a tunnel', () => {
  test('names itself: fingerprints of both suites, the port it got, its device', async () => {
    const [self, other] = [party(), party()];
    await using a = await open(configOf(self, []));
    expect([...a.tunnel.fingerprints.keys()]).toEqual([1, 2]);
    expect(a.tunnel.fingerprints.get(1)).toMatch(/^([a-z2-7]{4}-){12}[a-z2-7]{4}$/);
    expect(a.tunnel.listenPort).toBeGreaterThan(0);
    expect(a.tunnel.interfaceName).toBe('memory');
    const { kemSeed: _seed, ...classical } = configOf(other, []);
    await using b = await open(classical);
    expect(b.tunnel.fingerprints.size).toBe(0);
    await b.tunnel.addPeer(peerOf(self)).then(
      () => expect.unreachable(),
      (error) => expect(error).toMatchObject({ code: 'PQTUN_BAD_CONFIG' }),
    );
  });

  test('runs over noble as over node', async () => {
    const { a, b, partyA, partyB } = await pair({ crypto: 'noble' });
    await using _a = a;
    await using _b = b;
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    expect(a.tunnel.stats().crypto).toBe('noble');
  });

  test('initiates on start to whom it can find, by configuration and by store', async () => {
    const [partyA, partyB] = [party(), party()];
    const store = new MemoryStore();
    await using a = await open(configOf(partyA, [peerOf(partyB)]), { state: store });
    {
      await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), {
        initiateOnStart: true,
      });
      await b.event('peer-established');
      await a.event('peer-established');
      await a.tunnel.close();
    }
    expect(store.endpoints.get(partyB.publicKey.join())?.ip).toEqual(Uint8Array.of(127, 0, 0, 1));
    const stored = store.endpoints.get(partyB.publicKey.join());
    const listenPort = stored?.port ?? 0;
    await using b = await open(configOf(partyB, [peerOf(partyA)], { listenPort }));
    await using again = await open(configOf(partyA, [peerOf(partyB)]), {
      state: store,
      initiateOnStart: true,
    });
    expect(await again.event('peer-established')).toMatchObject({ role: 'initiator' });
    await b.event('peer-established');
  });

  test('C6: keeps a ceiling above what it sent, the exact value on close, and starts above it', async () => {
    const { a, b, partyA } = await (async () => {
      const [partyA, partyB] = [party(), party()];
      const a = await open(configOf(partyA, [peerOf(partyB)]));
      const store = new MemoryStore();
      const b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { state: store });
      await b.tunnel.ping(partyA.publicKey);
      const during = store.ceiling;
      await b.tunnel.close();
      expect(Buffer.compare(store.ceiling ?? new Uint8Array(0), during ?? new Uint8Array(0))).toBe(-1);
      // a clock that went back a day would be refused by `a`, but for the ceiling
      const again = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { state: store });
      return { a, b: again, partyA };
    })();
    await using _a = a;
    await using _b = b;
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
  });

  test('goes on and raises an alarm when its store fails or throws', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]));
    const store = new MemoryStore();
    store.works = false;
    store.saveEndpoint = () => {
      throw new Error('disk full');
    };
    await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { state: store });
    await b.tunnel.ping(partyA.publicKey);
    expect(await b.event('state-not-saved')).toMatchObject({ what: 'timestamp' });
    await b.until('endpoint alarm', () =>
      b.events.some((event) => event.id === 'state-not-saved' && event.what === 'endpoint'),
    );
  });

  test('takes a ceiling that its store throws at for one that was not kept', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]));
    const store = new MemoryStore();
    store.saveTimestampCeiling = () => {
      throw new Error('disk full');
    };
    await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]), { state: store });
    await b.tunnel.ping(partyA.publicKey);
    const alarms = b.events.filter((event) => event.id === 'state-not-saved');
    expect(alarms).toMatchObject([{ what: 'timestamp' }]);
  });

  test('tells once a second and reason of what it dropped, and always the total', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _a = a;
    await using _b = b;
    const stranger = party();
    for (let i = 0; i < 50; i++) b.outside.write([packet(partyB, stranger)]);
    b.outside.write([packet(partyB, partyA)]);
    await a.arrived();
    expect(await b.event('dropped')).toMatchObject({ reason: 'no-route' });
    expect(b.tunnel.stats().drops['no-route']).toBe(50);
    expect(b.events.filter(({ id }) => id === 'dropped').length).toBeLessThanOrEqual(1);
  });

  test('tells events to all who listen, until they end it, whatever one of them throws', async () => {
    const { a, b, partyA } = await pair();
    await using _a = a;
    await using _b = b;
    const heard: string[] = [];
    const end = b.tunnel.onEvent(({ id }) => heard.push(id));
    b.tunnel.onEvent(({ id }) => heard.push(`second ${id}`));
    await b.tunnel.ping(partyA.publicKey);
    expect(heard.slice(0, 2)).toEqual(['peer-established', 'second peer-established']);
    end();
    await b.tunnel.removePeer(partyA.publicKey);
    expect(b.tunnel.stats().peers).toEqual([]);
  });

  test('may be changed and closed from within a listener', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _a = a;
    b.tunnel.onEvent(({ id }) => {
      if (id === 'peer-established') void b.tunnel.close();
    });
    a.tunnel.onEvent(({ id }) => {
      if (id === 'peer-established') void a.tunnel.removePeer(partyB.publicKey);
    });
    b.outside.write([packet(partyB, partyA)]);
    await a.until('peer gone', () => a.tunnel.stats().peers.length === 0 || a.events.length > 0);
    await b.tunnel.close();
    await a.tunnel.addPeer(peerOf(party()));
    expect(a.tunnel.stats().peers).toHaveLength(1);
  });

  test('a device that is lost ends it in order', async () => {
    let lose: (error: Error) => void = () => undefined;
    let closed = 0;
    const device = {
      name: 'frail',
      mtu: 1420,
      start: (_on: unknown, onError: (error: Error) => void) => {
        lose = onError;
      },
      write: () => undefined,
      close: () => {
        closed += 1;
      },
    };
    const a = await open(configOf(party(), [peerOf(party(), 9)]), { device: { kind: 'custom', device } });
    lose(new Error('File descriptor in bad state'));
    expect(await a.event('device-lost')).toMatchObject({ reason: 'File descriptor in bad state' });
    await a.tunnel.close();
    expect(closed).toBe(1);
    expect(a.tunnel.stats().peers).toEqual([]);
    await expect(a.tunnel.addPeer(peerOf(party()))).rejects.toMatchObject({ code: 'PQTUN_CLOSED' });
    await expect(a.tunnel.ping(party().publicKey)).rejects.toMatchObject({ code: 'PQTUN_CLOSED' });
  });

  test('a device whose write throws ends it likewise', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _b = b;
    const [self, peer] = [partyA, peerOf(partyB)];
    await a.tunnel.close();
    const device = {
      name: 'broken',
      mtu: 1420,
      start: () => undefined,
      write: () => {
        throw new Error('no more');
      },
      close: () => undefined,
    };
    await using broken = await open(configOf(self, [peer]), { device: { kind: 'custom', device } });
    await b.tunnel.changePeer(partyA.publicKey, {
      endpoint: { host: '127.0.0.1', port: broken.tunnel.listenPort },
    });
    b.outside.write([packet(partyB, partyA)]);
    expect(await broken.event('device-lost')).toMatchObject({ reason: 'no more' });
  });

  test('a mistake of ours ends it with an event, not the process', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _a = a;
    // no timestamp can be made of this: the engine throws in the middle of a turn
    const clock = vi.spyOn(Date, 'now').mockReturnValue(Number.NaN);
    try {
      b.outside.write([packet(partyB, partyA)]);
      await b.event('failed');
    } finally {
      clock.mockRestore();
    }
    await expect(b.tunnel.ping(partyA.publicKey)).rejects.toMatchObject({ code: 'PQTUN_CLOSED' });
    await b.tunnel.close();
  });

  test('opens nothing and leaks nothing when it cannot open', async () => {
    await using first = await open(configOf(party(), []));
    const listenPort = first.tunnel.listenPort;
    await expect(open(configOf(party(), [], { listenPort }))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const self = party();
    await expect(open(configOf(self, [peerOf(self)]))).rejects.toMatchObject({
      code: 'PQTUN_BAD_CONFIG',
      message: 'peers[0].publicKey: is our own',
    });
    await expect(
      open(configOf(party(), [peerOf(party(), 1, { publicKey: new Uint8Array(32) })])),
    ).rejects.toMatchObject({ code: 'PQTUN_BAD_CONFIG' });
    await expect(open(configOf(party(), [], { fwMark: 5 }))).rejects.toMatchObject({
      code: 'PQTUN_UNSUPPORTED',
    });
  });

  test('a prefix that two peers list goes to the last', async () => {
    const [x, y] = [party(), party()];
    const shared = { ip: Uint8Array.of(192, 168, 0, 0), bits: 16 };
    await using a = await open(
      configOf(party(), [
        peerOf(x, undefined, { allowedIps: [host(x.number), shared] }),
        peerOf(y, undefined, { allowedIps: [shared] }),
      ]),
    );
    expect(a.tunnel.stats().peers.map(({ allowedIps }) => allowedIps)).toEqual([[host(x.number)], [shared]]);
  });
});
