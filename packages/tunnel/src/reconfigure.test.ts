import { Secret } from '@pqtun/core';
import { describe, expect, test } from 'vitest';
import type { PeerChange } from './api.ts';
import type { PeerConfig } from './config.ts';
import {
  classicalPeerOf,
  configOf,
  host,
  type Open,
  open,
  packet,
  pair,
  party,
  peerOf,
  randomSecret,
  type Way,
  ways,
} from './tunnel.test.kit.ts';

/** What would change if a session was touched: its age has no jump, its counters go on. */
const sessionOf = (of: Open, index = 0) => {
  const peer = of.tunnel.stats().peers[index];
  return { handshakes: peer?.handshakesCompleted, sent: peer?.packetsSent, state: peer?.pqState };
};

/** A hub with three spokes, all in session with it. */
async function hub(udp: Way = 'portable') {
  const self = party();
  const parties = [party(), party(), party()];
  const centre = await open(
    configOf(
      self,
      parties.map((each) => peerOf(each)),
    ),
    { udp },
  );
  const spokes: Open[] = [];
  for (const each of parties) {
    const spoke = await open(configOf(each, [peerOf(self, centre.tunnel.listenPort)]), { udp });
    await spoke.tunnel.ping(self.publicKey);
    await centre.event('peer-established');
    spokes.push(spoke);
  }
  const close = async (): Promise<void> => {
    for (const each of [centre, ...spokes]) await each.tunnel.close();
  };
  return { self, parties, centre, spokes, [Symbol.asyncDispose]: close };
}

const at = <T>(list: readonly T[], index: number): T => {
  const item = list[index];
  if (item === undefined) throw new Error(`no item ${index}`);
  return item;
};

describe('peers', () => {
  test('are added, changed and removed while the others keep their sessions', async () => {
    await using net = await hub();
    const { centre, spokes, self, parties } = net;
    const before = [0, 1, 2].map((i) => sessionOf(centre, i));

    const newcomer = party();
    await centre.tunnel.addPeer(peerOf(newcomer));
    await using late = await open(configOf(newcomer, [peerOf(self, centre.tunnel.listenPort)]));
    await late.tunnel.ping(self.publicKey);
    await centre.tunnel.changePeer(at(parties, 1).publicKey, { presharedKey: randomSecret() });
    await centre.tunnel.removePeer(at(parties, 2).publicKey);

    expect(sessionOf(centre, 0)).toEqual(before[0]);
    expect(sessionOf(centre, 1)).toEqual(before[1]); // a new key is for the next handshake
    expect(centre.tunnel.stats().peers).toHaveLength(3);
    at(spokes, 0).outside.write([packet(at(parties, 0), self)]);
    await centre.arrived();
    expect(sessionOf(centre, 0).handshakes).toBe(1);
    // the removed one is a stranger from now on
    at(spokes, 2).outside.write([packet(at(parties, 2), self)]);
    expect(await centre.event('dropped')).toMatchObject({ reason: 'unknown-index' });
  });

  test('that are known cannot be added, and unknown ones neither changed nor removed', async () => {
    const { a, b, partyB } = await pair();
    await using _a = a;
    await using _b = b;
    const stranger = party().publicKey;
    const refused = { code: 'PQTUN_BAD_CONFIG' };
    await expect(a.tunnel.addPeer(peerOf(partyB))).rejects.toMatchObject(refused);
    await expect(a.tunnel.changePeer(stranger, {})).rejects.toMatchObject(refused);
    await expect(a.tunnel.removePeer(stranger)).rejects.toMatchObject(refused);
    expect(() => a.tunnel.resetTimestamp(stranger)).toThrow(expect.objectContaining(refused));
    a.tunnel.resetTimestamp(partyB.publicKey);
  });

  test('an allowed prefix moves to the peer that asks for it', async () => {
    await using net = await hub();
    const { centre, spokes, parties, self } = net;
    const moved = host(at(parties, 0).number);
    await centre.tunnel.changePeer(at(parties, 1).publicKey, {
      allowedIps: [host(at(parties, 1).number), moved],
    });
    const [first, second] = centre.tunnel.stats().peers;
    expect(first?.allowedIps).toEqual([]);
    expect(second?.allowedIps).toEqual([host(at(parties, 1).number), moved]);
    centre.outside.write([packet(self, at(parties, 0))]);
    expect(await at(spokes, 1).arrived()).toHaveLength(1);
    // and back, by a whole configuration
    await centre.tunnel.reconfigure(
      configOf(
        self,
        parties.map((each) => peerOf(each)),
      ),
    );
    centre.outside.write([packet(self, at(parties, 0))]);
    expect(await at(spokes, 0).arrived()).toHaveLength(1);
  });

  test('an allowed prefix that a peer lists no more is nobody’s, in either direction', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _a = a;
    await using _b = b;
    await b.tunnel.ping(partyA.publicKey);
    await b.tunnel.changePeer(partyA.publicKey, { allowedIps: [host(250)] });
    b.outside.write([packet(partyB, partyA), new Uint8Array(1)]); // the second says that the first has been looked at
    await b.until('both', () => b.tunnel.stats().drops['bad-inner-packet'] === 1);
    expect(b.tunnel.stats().drops['no-route']).toBe(1);
    a.outside.write([packet(partyA, partyB)]);
    await a.tunnel.ping(partyB.publicKey); // behind it
    expect(b.packets).toEqual([]);
    expect(b.tunnel.stats().drops['source-not-allowed']).toBe(1);
  });

  test('null clears, absence leaves', async () => {
    const { a, b, partyB } = await pair();
    await using _a = a;
    await using _b = b;
    const full: PeerChange = {
      presharedKey: randomSecret(),
      endpoint: { host: '127.0.0.1', port: 9 },
      persistentKeepalive: 30,
      rekeyProfile: 'metered',
    };
    await a.tunnel.changePeer(partyB.publicKey, full);
    expect(a.tunnel.stats().peers).toMatchObject([
      { hasPresharedKey: true, persistentKeepalive: 30, rekeyProfile: 'metered', endpoint: { port: 9 } },
    ]);
    await a.tunnel.changePeer(partyB.publicKey, { rekeyProfile: 'standard' });
    expect(a.tunnel.stats().peers).toMatchObject([{ hasPresharedKey: true, persistentKeepalive: 30 }]);
    await a.tunnel.changePeer(partyB.publicKey, {
      presharedKey: null,
      endpoint: null,
      persistentKeepalive: null,
    });
    expect(a.tunnel.stats().peers).toMatchObject([
      { hasPresharedKey: false, persistentKeepalive: undefined, endpoint: undefined },
    ]);
  });

  test('secrets are copied: the caller may wipe them at once, the tunnel wipes its own', async () => {
    const presharedKey = randomSecret();
    const { a, b, partyA } = await pair({}, { a: { presharedKey }, b: { presharedKey } });
    await using _a = a;
    await using _b = b;
    presharedKey.destroy();
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
    await b.tunnel.changePeer(partyA.publicKey, { persistentKeepalive: 20 });
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
  });
});

describe.each(ways)('a whole configuration over %s UDP', (udp) => {
  test('that changes nothing touches nothing', async () => {
    await using net = await hub(udp);
    const { centre, parties, self } = net;
    const before = [0, 1, 2].map((i) => sessionOf(centre, i));
    await centre.tunnel.reconfigure(
      configOf(
        self,
        parties.map((each) => peerOf(each)),
      ),
    );
    expect([0, 1, 2].map((i) => sessionOf(centre, i))).toEqual(before);
    expect(centre.tunnel.stats().peers.every(({ endpoint }) => endpoint !== undefined)).toBe(true);
  });

  test('replaces a peer whose KEM key is another, and no other', async () => {
    await using net = await hub(udp);
    const { centre, parties, self } = net;
    const peers = parties.map((each, i) =>
      i === 1 ? peerOf(each, undefined, { kemPublicKey: each.kemPublicKey(2) }) : peerOf(each),
    );
    await centre.tunnel.reconfigure(configOf(self, peers));
    expect(centre.tunnel.stats().peers.map(({ pqState, suite }) => [pqState, suite])).toEqual([
      ['hybrid', 1],
      ['none', 2],
      ['hybrid', 1],
    ]);
  });

  test('replaces a peer whose KEM key is another of the same suite', async () => {
    await using net = await hub(udp);
    const { centre, parties, self } = net;
    const peers = parties.map((each, i) =>
      i === 1 ? peerOf(each, undefined, { kemPublicKey: party().kemPublicKey(1) }) : peerOf(each),
    );
    await centre.tunnel.reconfigure(configOf(self, peers));
    expect(centre.tunnel.stats().peers.map(({ pqState }) => pqState)).toEqual(['hybrid', 'none', 'hybrid']);
  });

  test('moves to another port, sessions and all', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    await b.tunnel.ping(partyA.publicKey);
    const free = await open(configOf(party(), []), { udp });
    const listenPort = free.tunnel.listenPort;
    await free.tunnel.close();
    await b.tunnel.reconfigure(configOf(partyB, [peerOf(partyA, a.tunnel.listenPort)], { listenPort }));
    expect(b.tunnel.listenPort).toBe(listenPort);
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
    expect(await a.event('peer-roamed')).toMatchObject({ endpoint: `127.0.0.1:${listenPort}` });
    expect(sessionOf(b)).toMatchObject({ handshakes: 1, state: 'hybrid' });
  });

  test('puts a peer that roamed back to its configured endpoint when it is asked to', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    const configured = a.tunnel.listenPort;
    await b.tunnel.ping(partyA.publicKey);
    const free = await open(configOf(party(), []), { udp });
    const listenPort = free.tunnel.listenPort;
    await free.tunnel.close();
    await a.tunnel.reconfigure(configOf(partyA, [peerOf(partyB)], { listenPort }));
    await a.tunnel.ping(partyB.publicKey);
    expect(b.tunnel.stats().peers[0]?.endpoint?.port).toBe(listenPort);
    const change = { endpoint: { host: '127.0.0.1', port: configured } };
    await b.tunnel.changePeer(partyA.publicKey, change);
    expect(b.tunnel.stats().peers[0]?.endpoint?.port).toBe(configured);
    expect(sessionOf(b)).toMatchObject({ handshakes: 1, state: 'hybrid' });
  });

  test('with other keys begins anew as another party, on the same port and device', async () => {
    const { a, b, partyA, partyB } = await pair({ udp });
    await using _a = a;
    await using _b = b;
    await b.tunnel.ping(partyA.publicKey);
    const reborn = party();
    const port = b.tunnel.listenPort;
    await a.tunnel.addPeer(peerOf(reborn));
    const before = b.tunnel.stats().drops;
    await b.tunnel.reconfigure(configOf(reborn, [peerOf(partyA, a.tunnel.listenPort)]));
    expect(b.tunnel.listenPort).toBe(port);
    expect(b.tunnel.stats().publicKey).toEqual(reborn.publicKey);
    expect(b.tunnel.stats().drops).toMatchObject(before);
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
    b.outside.write([packet(reborn, partyA)]);
    expect(await a.arrived()).toEqual([packet(reborn, partyA)]);
    expect(a.tunnel.stats().peers.map(({ publicKey }) => publicKey)).toEqual([
      partyB.publicKey,
      reborn.publicKey,
    ]);
  });
});

describe('a bad configuration', () => {
  const self = party();
  const other = party();
  const good = () => configOf(self, [peerOf(other)]);
  const destroyed = randomSecret();
  destroyed.destroy();
  const withPeer = (more: object) => ({ ...good(), peers: [{ ...peerOf(other), ...more }] });
  const cases: readonly [key: string, config: unknown][] = [
    ['config', 5],
    ['config', null],
    ['config', []],
    ['"privatekey"', { ...good(), privatekey: 1 }],
    ['privateKey', { ...good(), privateKey: new Uint8Array(32) }],
    ['privateKey', { ...good(), privateKey: randomSecret(31) }],
    ['privateKey', { ...good(), privateKey: destroyed }],
    ['kemSeed', { ...good(), kemSeed: randomSecret(32) }],
    ['listenPort', { ...good(), listenPort: 65_536 }],
    ['listenPort', { ...good(), listenPort: '51820' }],
    ['fwMark', { ...good(), fwMark: -1 }],
    ['maxHandshakeDatagram', { ...good(), maxHandshakeDatagram: 507 }],
    ['maxHandshakeDatagram', { ...good(), maxHandshakeDatagram: 1453 }],
    ['suites', { ...good(), suites: [] }],
    ['suites[1]', { ...good(), suites: [1, 3] }],
    ['deploymentKeys', { ...good(), deploymentKeys: [] }],
    ['deploymentKeys', { ...good(), deploymentKeys: new Array(9).fill('none') }],
    ['deploymentKeys[1]', { ...good(), deploymentKeys: ['none', randomSecret(16)] }],
    ['peers', { ...good(), peers: {} }],
    ['peers[1]', { ...good(), peers: [peerOf(other), null] }],
    ['peers[1].publicKey', { ...good(), peers: [peerOf(other), peerOf(other)] }],
    ['peers[0].publicKey', withPeer({ publicKey: self.publicKey })],
    ['peers[0].publicKey', withPeer({ publicKey: new Uint8Array(31) })],
    ['peers[0]', withPeer({ publicKey: new Uint8Array(32) })], // of low order
    ['peers[0]', withPeer({ kemPublicKey: new Uint8Array(1184).fill(0xff) })], // fails the modulus check
    ['peers[0].kemPublicKey', withPeer({ kemPublicKey: new Uint8Array(800) })],
    ['peers[0].kemPublicKey', withPeer({ kemPublicKey: undefined })],
    ['peers[0].kemPublicKey', withPeer({ mode: 'classical' })],
    ['peers[0].kemPublicKey', { ...good(), suites: [2] }],
    ['peers[0].kemPublicKey', { ...good(), kemSeed: undefined }],
    ['peers[0].mode', withPeer({ mode: 'prefer' })],
    ['peers[0].rekeyProfile', withPeer({ rekeyProfile: 'lazy' })],
    ['peers[0].rekeyProfile', { ...good(), peers: [{ ...classicalPeerOf(other), rekeyProfile: 'metered' }] }],
    [
      'peers[0].deploymentKey',
      { ...good(), peers: [{ ...classicalPeerOf(other), deploymentKey: randomSecret() }] },
    ],
    ['peers[0].presharedKey', withPeer({ presharedKey: randomSecret(33) })],
    ['peers[0].persistentKeepalive', withPeer({ persistentKeepalive: 0 })],
    ['peers[0].persistentKeepalive', withPeer({ persistentKeepalive: 1.5 })],
    ['peers[0].endpoint.host', withPeer({ endpoint: { host: 'a b', port: 1 } })],
    ['peers[0].endpoint.port', withPeer({ endpoint: { host: 'a', port: 0 } })],
    ['peers[0].allowedIps', withPeer({ allowedIps: undefined })],
    ['peers[0].allowedIps[0].ip', withPeer({ allowedIps: [{ ip: new Uint8Array(5), bits: 8 }] })],
    ['peers[0].allowedIps[1].bits', withPeer({ allowedIps: [host(1), { ip: new Uint8Array(4), bits: 33 }] })],
    ['peers[0].allowedIps[0].ip', withPeer({ allowedIps: [{ ip: Uint8Array.of(10, 0, 0, 1), bits: 24 }] })],
    ['peers[0]."allowedIPs"', withPeer({ allowedIPs: [] })],
  ];

  test('of these is refused as a whole, by the key at fault, and leaves the tunnel as it was', async () => {
    const before = party();
    await using a = await open(configOf(self, [peerOf(before)]));
    await using b = await open(configOf(before, [peerOf(self, a.tunnel.listenPort)]));
    await b.tunnel.ping(self.publicKey);
    const state = () => ({ ...a.tunnel.stats(), peers: [sessionOf(a)], port: a.tunnel.listenPort });
    const was = state();
    for (const [key, config] of cases) {
      // the cast gives wrong types to the checks, which is what is tested
      const refusal = a.tunnel.reconfigure(config as never);
      await expect(refusal, key).rejects.toMatchObject({
        code: 'PQTUN_BAD_CONFIG',
        message: expect.stringMatching(new RegExp(`^${key.replace(/[[\].]/g, '\\$&')}: `)),
      });
      expect(state()).toEqual(was);
    }
    expect(await b.tunnel.ping(self.publicKey)).toBeGreaterThan(0);
    expect(cases.length).toBeGreaterThan(30);
  });

  test('that names a port in use, or a mark that cannot be set, changes nothing either', async () => {
    const { a, b, partyA, partyB } = await pair();
    await using _a = a;
    await using _b = b;
    await b.tunnel.ping(partyA.publicKey);
    const listenPort = a.tunnel.listenPort;
    const was = b.tunnel.stats().listenPort;
    await expect(b.tunnel.reconfigure(configOf(party(), [], { listenPort }))).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await expect(b.tunnel.reconfigure(configOf(partyB, [], { fwMark: 7 }))).rejects.toMatchObject({
      code: 'PQTUN_UNSUPPORTED',
    });
    expect(b.tunnel.stats()).toMatchObject({ listenPort: was, publicKey: partyB.publicKey, fwMark: 0 });
    expect(await b.tunnel.ping(partyA.publicKey)).toBeGreaterThan(0);
  });

  test('never shows a value: not of a key, and not of what stands where a key belongs', async () => {
    const secret = 'AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
    const wrong = [
      { ...good(), privateKey: secret },
      { ...good(), kemSeed: Buffer.from(secret, 'base64') },
      withPeer({ presharedKey: secret }),
      withPeer({ mode: secret }),
      withPeer({ endpoint: { host: `${secret} `, port: 1 } }),
      withPeer({ persistentKeepalive: secret }),
    ];
    for (const config of wrong) {
      const error: unknown = await open(config as never).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'PQTUN_BAD_CONFIG' });
      expect(String(error)).not.toContain(secret.slice(0, 8));
      expect(String(error)).not.toContain('0, 1, 2');
    }
  });

  test('of a single peer or change is refused by its key', async () => {
    await using a = await open(good());
    const bad = (peer: object) => a.tunnel.addPeer({ ...peerOf(party()), ...peer } as PeerConfig);
    await expect(bad({ mode: 'x' })).rejects.toThrow('peer.mode:');
    await expect(bad({ allowedIps: [5] })).rejects.toThrow('peer.allowedIps[0]:');
    await expect(bad({ publicKey: self.publicKey })).rejects.toThrow('peer.publicKey:');
    await expect(bad({ publicKey: new Uint8Array(32) })).rejects.toThrow('peer:');
    const change = (of: object) => a.tunnel.changePeer(other.publicKey, of as PeerChange);
    await expect(change({ presharedKey: Secret.copyOf(new Uint8Array(3)) })).rejects.toThrow(
      'change.presharedKey:',
    );
    await expect(change({ mode: 'classical' })).rejects.toThrow('change."mode":');
    await expect(change({ endpoint: { host: '', port: 1 } })).rejects.toThrow('change.endpoint.host:');
    await expect(change({ rekeyProfile: null })).rejects.toThrow('change.rekeyProfile:');
    expect(a.tunnel.stats().peers).toHaveLength(1);
  });
});
