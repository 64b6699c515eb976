import { describe, expect, test } from 'vitest';
import { configOf, MemoryStore, open, packet, party, peerOf } from './tunnel.test.kit.ts';

const named = (host: string, port: number) => ({ endpoint: { host, port } });

describe('a peer whose endpoint is a name', () => {
  test('is found, and initiated to on start', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]));
    const peer = peerOf(partyA, undefined, named('hub.test', a.tunnel.listenPort));
    await using b = await open(configOf(partyB, [peer]), {
      lookup: async (host) => (host === 'hub.test' ? ['127.0.0.1'] : []),
      initiateOnStart: true,
    });
    await b.event('peer-established');
    await a.event('peer-established');
  });

  test('that does not resolve is no error: it is told, and where the peer was last is tried', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]));
    const store = new MemoryStore();
    store.saveEndpoint(partyA.publicKey, {
      ip: Uint8Array.of(127, 0, 0, 1),
      port: a.tunnel.listenPort,
      scope: 0,
    });
    await using b = await open(configOf(partyB, [peerOf(partyA, undefined, named('gone.test', 9))]), {
      lookup: async () => {
        throw new Error('ENOTFOUND');
      },
      initiateOnStart: true,
      state: store,
    });
    expect(await b.event('endpoint-unresolved')).toMatchObject({
      host: 'gone.test',
      publicKey: partyA.publicKey,
    });
    await b.event('peer-established');
  });

  test('stays where it speaks from, whatever its name says later', async () => {
    const [partyA, partyB] = [party(), party()];
    let answer: (addresses: string[]) => void = () => undefined;
    const lookup = () =>
      new Promise<string[]>((resolve) => {
        answer = resolve;
      });
    await using a = await open(configOf(partyA, [peerOf(partyB, undefined, named('b.test', 9))]), { lookup });
    await using b = await open(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)]));
    await b.tunnel.ping(partyA.publicKey);
    answer(['192.0.2.1']);
    await new Promise(setImmediate);
    expect(a.tunnel.stats().peers).toMatchObject([{ endpoint: { port: b.tunnel.listenPort } }]);
    a.outside.write([packet(partyA, partyB)]);
    await b.arrived();
  });

  test('is initiated to as soon as it is found, when a ping waits for that', async () => {
    const [partyA, partyB] = [party(), party()];
    await using a = await open(configOf(partyA, [peerOf(partyB)]));
    let found: (addresses: string[]) => void = () => undefined;
    const lookup = () =>
      new Promise<string[]>((resolve) => {
        found = resolve;
      });
    const peer = peerOf(partyA, undefined, named('hub.test', a.tunnel.listenPort));
    await using b = await open(configOf(partyB, [peer]), { lookup });
    const ping = b.tunnel.ping(partyA.publicKey);
    found(['127.0.0.1']);
    expect(await ping).toBeGreaterThan(0);
  });
});
