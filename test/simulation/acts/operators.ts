/** What operators do, right and wrong: keys rotated at both ends or at one, peers taken away and added, nonsense refused. */
import { endpoint, limits, millis, type PeerUpdate, PqtunError, Secret } from '@pqtun/core';
import type { Host } from '../../kit/index.ts';
import type { Simulation } from '../simulation.ts';
import { type Act, second } from './act.ts';

export const operatorActs: readonly Act[] = [
  {
    name: 'a pre-shared key changes at both ends',
    weight: 2,
    play(simulation) {
      const link = simulation.anyLink();
      const [a, b] = simulation.ends(link);
      const psk = simulation.setPsk(a, link);
      if (simulation.random.chance(0.5)) simulation.world.runFor(simulation.random.between(0, 5 * second));
      simulation.setPsk(b, link, psk);
    },
  },
  {
    name: 'a pre-shared key changes at one end',
    weight: 1,
    play(simulation) {
      const link = simulation.anyLink();
      simulation.setPsk(simulation.ends(link)[0], link);
    },
  },
  {
    name: 'a peer is taken away and added',
    weight: 2,
    play(simulation) {
      const link = simulation.anyLink();
      const [host, other] = simulation.ends(link);
      remove(simulation, host, other);
      simulation.world.runFor(simulation.random.between(0, 3 * second));
      simulation.addPeer(host, other, link);
    },
  },
  {
    name: 'a host gets new keys',
    weight: 1,
    play: (simulation) => simulation.changeIdentity(simulation.anyHost()),
  },
  {
    name: 'a deployment key is replaced',
    weight: 1,
    play: (simulation) => simulation.rotateDeploymentKey(simulation.anyHost()),
  },
  {
    name: 'a network change is told',
    weight: 1,
    play: (simulation) => simulation.anyHost().act(({ engine }, now) => engine.handleNetworkChange(now)),
  },
  {
    name: 'both begin at once',
    weight: 2,
    play(simulation) {
      const [a, b] = simulation.ends(simulation.anyLink());
      for (const [host, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const peer = simulation.peerOf(host, other);
        if (peer !== undefined && host.awake) host.act(({ engine }, now) => engine.initiate(now, peer));
      }
    },
  },
  {
    name: 'a probe',
    weight: 1,
    play(simulation) {
      const [host, other] = simulation.ends(simulation.anyLink());
      const peer = simulation.peerOf(host, other);
      const length = 16 * simulation.random.between(1, 80);
      if (peer !== undefined) host.act(({ engine }, now) => engine.ping(now, peer, length));
    },
  },
  {
    name: 'a host tries a new path with a probe that must move nothing',
    weight: 1,
    play(simulation) {
      const [host, other] = simulation.ends(simulation.anyLink());
      const peer = simulation.peerOf(host, other);
      if (peer === undefined) return;
      const home = host.address;
      host.address = endpoint(home.ip, simulation.random.between(1024, 65_535));
      const pathProbe = Uint8Array.of(3, ...simulation.random.bytes(8), ...new Uint8Array(7)); // §3.5
      host.act(({ engine, plane }, now) => {
        plane.transmit(now, peer, pathProbe);
        engine.handleReports(now); // as whoever uses the plane's verbs has to
      });
      if (simulation.random.chance(0.5)) host.address = home;
    },
  },
  {
    name: 'an endpoint is told anew',
    weight: 1,
    play(simulation) {
      const [host, other] = simulation.ends(simulation.anyLink());
      update(simulation, host, other, 'a new endpoint', { endpoint: other.address });
    },
  },
  { name: 'nonsense is configured', weight: 2, play: nonsense },
  {
    name: 'counters near a limit',
    weight: 2,
    play(simulation) {
      const [host, other] = simulation.ends(simulation.anyLink());
      const near = simulation.random.pick([
        2 ** 32 - 2,
        limits.portableRekeyAfterMessages - 2,
        limits.portableRejectAfterMessages - 2,
        2 ** 31 - 2,
        8192,
      ]);
      const current = simulation.current(host, other);
      if (current === undefined || current.nextToSend >= near) return;
      simulation.tell(`${host.name} to ${other.name}: counter ${near}`);
      host.act(({ plane }) => plane.advanceSendCounter(current.index, near));
    },
  },
];

function remove(simulation: Simulation, host: Host, other: Host): void {
  const peer = simulation.peerOf(host, other);
  if (peer === undefined) return;
  const before = states(simulation, host);
  simulation.removePeer(host, other);
  const change = { verb: 'removePeer', legal: true, threw: undefined, before, touched: [peer] };
  simulation.watch.see({
    kind: 'reconfigured',
    at: simulation.world.now,
    host: host.name,
    change: { ...change, after: states(simulation, host) },
  });
}

function update(
  simulation: Simulation,
  host: Host,
  other: Host,
  verb: string,
  change: PeerUpdate,
  legal = true,
): void {
  const peer = simulation.peerOf(host, other);
  if (peer === undefined) return;
  attempt(simulation, host, verb, legal, [peer], () =>
    host.act(({ engine }, now) => engine.updatePeer(now, peer, change)),
  );
}

/** Configuration that must be refused as a whole. */
function nonsense(simulation: Simulation): void {
  const { random } = simulation;
  const link = simulation.anyLink();
  const [host, other] = simulation.ends(link);
  const peer = simulation.peerOf(host, other);
  if (peer === undefined) return;
  const short = new Secret(new Uint8Array(31));
  const good = { presharedKey: new Secret(new Uint8Array(32).fill(9)), endpoint: host.address };
  const refuse = (verb: string, call: () => void): void =>
    attempt(simulation, host, verb, false, [peer], call);
  switch (random.between(0, 6)) {
    case 0:
      return update(simulation, host, other, 'a short PSK', { ...good, presharedKey: short }, false);
    case 1:
      return update(simulation, host, other, 'a short gk', { ...good, deploymentKey: short }, false);
    case 2:
      return update(
        simulation,
        host,
        other,
        'a hasty keepalive',
        { ...good, persistentKeepalive: millis(1) },
        false,
      );
    case 3:
      return refuse('a peer twice', () =>
        host.act(({ engine }, now) => engine.addPeer(now, { publicKey: other.identity.dh.publicKey })),
      );
    case 4:
      return refuse('itself as peer', () =>
        host.act(({ engine }, now) => engine.addPeer(now, { publicKey: host.identity.dh.publicKey })),
      );
    case 5:
      return refuse('a half-good list of routes', () =>
        host.act(({ plane }) =>
          plane.setRoutes([
            { kind: 'clear', peer },
            { kind: 'add', peer, prefix: new Uint8Array(4), bits: 33 },
          ]),
        ),
      );
    default:
      return refuse('no deployment keys', () => host.act(({ engine }) => engine.setDeploymentKeys([])));
  }
}

function attempt(
  simulation: Simulation,
  host: Host,
  verb: string,
  legal: boolean,
  touched: readonly number[],
  call: () => void,
): void {
  const before = states(simulation, host);
  let threw: string | undefined;
  try {
    call();
  } catch (error) {
    if (!(error instanceof PqtunError)) throw error;
    threw = error.code;
  }
  const change = { verb, legal, threw, before, after: states(simulation, host), touched };
  simulation.watch.see({ kind: 'reconfigured', at: simulation.world.now, host: host.name, change });
}

/** State of each peer of a host, by its number. */
function states({ world }: Simulation, { tunnel }: Host): Map<number, string> {
  const engine: { peers: { id: number }[] } = JSON.parse(tunnel.engine.fingerprint(world.now));
  const plane: { peers: { id: number }[] } = JSON.parse(tunnel.plane.fingerprint());
  const found = new Map<number, string>();
  for (const state of [...engine.peers, ...plane.peers])
    found.set(state.id, (found.get(state.id) ?? '') + JSON.stringify(state));
  return found;
}
