/**
 * The end of a simulation: faults stop, and data must flow again in time (I10); then everybody is silent (I11), and at last all
 * is stopped in order, and no key is left (I8).
 *
 * What an operator has to mend by hand is mended by hand, and nothing else, so that no pair of hosts is let off:
 * - both ends get the same PSK (§2: Q is of a pair);
 * - where neither end knows where the other is, one is told: §8, "not promised: finding a peer that moved and is silent";
 * - where a host lost its ceiling of C6, its peers forget its timestamp: its clock may be behind what they stored (C3);
 * - a classical peer under load is relieved: WireGuard resends no response that drew a cookie (§3.3), ours goes on under load.
 */
import { limits } from '@pqtun/core';
import type { Host } from '../kit/index.ts';
import { hour, minute, second } from './acts/act.ts';
import { livenessBound, longestMeteredRetry, silentAfter } from './model/constants.ts';
import type { Link } from './scenario.ts';
import type { Simulation } from './simulation.ts';
import { endpointText } from './text.ts';

export function recover(simulation: Simulation): void {
  endFaults(simulation);
  awaitFlows(simulation);
  beQuiet(simulation);
  stopAll(simulation);
}

/** What is under way is lost with the faults: a packet on a slow path may be 30 s late and look like a sign of life. */
function endFaults(simulation: Simulation): void {
  const { scenario, network, attacker, hosts, world } = simulation;
  simulation.tell('the faults end');
  attacker.end();
  network.heal();
  for (const host of hosts) host.wake();
  world.runFor(0);
  network.heal(); // who has woken may have sent into what was there before
  for (const link of scenario.links) reconcile(simulation, link);
}

function reconcile(simulation: Simulation, link: Link): void {
  const [first, second_] = [simulation.host(link.first), simulation.host(link.second)];
  if (!simulation.agrees(link)) simulation.setPsk(second_, link, simulation.setPsk(first, link));
  if (link.kind === 'classical') for (const host of [first, second_]) host.tunnel.engine.setLoopDelay(0);
  if (!finds(simulation, first, second_) && !finds(simulation, second_, first)) {
    simulation.tell(`${first.name} is told where ${second_.name} is`);
    tellEndpoint(simulation, first, second_);
  }
  for (const [host, other] of [
    [first, second_],
    [second_, first],
  ] as const) {
    if (simulation.forgetful.has(host)) resetTimestamp(simulation, other, host);
  }
}

/** Whether `host` sends to where `other` really is. */
function finds(simulation: Simulation, host: Host, other: Host): boolean {
  const peer = simulation.peerOf(host, other);
  if (peer === undefined) return false;
  const { endpoint } = host.tunnel.engine.status(simulation.world.now, peer);
  return endpoint !== undefined && endpointText(endpoint) === endpointText(other.address);
}

function tellEndpoint(simulation: Simulation, host: Host, other: Host): void {
  const peer = simulation.peerOf(host, other);
  if (peer !== undefined)
    host.act(({ engine }, now) => engine.updatePeer(now, peer, { endpoint: other.address }));
}

function resetTimestamp(simulation: Simulation, host: Host, other: Host): void {
  const peer = simulation.peerOf(host, other);
  if (peer !== undefined) host.act(({ engine }) => engine.resetTimestamp(peer));
}

interface Way {
  readonly from: Host;
  readonly to: Host;
  readonly bound: number;
  took: number | undefined;
}

/** A user at each end sends twice a second until a packet has arrived from each. */
function awaitFlows(simulation: Simulation): void {
  const { world, scenario, model } = simulation;
  const since = world.now;
  const ways = scenario.links.flatMap((link): Way[] => {
    const [a, b] = [simulation.host(link.first), simulation.host(link.second)];
    // §5.2 N3 `metered`: the next initiation may be 600 s away, and nothing hastens it
    const bound = livenessBound + (link.profile === 'metered' ? longestMeteredRetry : 0);
    return [
      { from: a, to: b, bound, took: undefined },
      { from: b, to: a, bound, took: undefined },
    ];
  });
  const arrivals = new Map<Host, Set<Host>>();
  const observer = watchArrivals(simulation, arrivals);
  world.observers.push(observer);
  const waiting = (): Way[] =>
    ways.filter(({ took, bound }) => took === undefined && world.now - since < bound);
  while (waiting().length > 0) {
    for (const { from, to } of waiting()) simulation.send(from, to, { length: 60 });
    world.runFor(world.now - since < livenessBound ? 500 : 5 * second);
    for (const way of waiting()) if (arrivals.get(way.to)?.has(way.from)) way.took = world.now - since;
  }
  world.observers.splice(world.observers.indexOf(observer), 1);
  for (const { from, to, took, bound } of ways)
    model.see({ kind: 'flow', at: world.now, host: from.name, to: to.name, took, bound });
}

function watchArrivals(simulation: Simulation, arrivals: Map<Host, Set<Host>>) {
  return {
    onDelivered(receiver: Host, peer: number): void {
      const sender = simulation
        .linksOf(receiver)
        .find(({ other }) => simulation.peerOf(receiver, other) === peer);
      if (sender === undefined) return;
      const from = arrivals.get(receiver) ?? new Set();
      arrivals.set(receiver, from.add(sender.other));
    },
  };
}

/** Long enough for all that is left to be given up and erased (T6: 3 × REJECT_AFTER_TIME). */
function beQuiet(simulation: Simulation): void {
  const { world, scenario, model } = simulation;
  const metered = scenario.links.some(({ profile }) => profile === 'metered');
  const kept = scenario.links.some(({ keepalive }) => keepalive !== undefined);
  simulation.tell('nobody sends any more');
  model.see({ kind: 'quiet', at: world.now });
  const erased =
    limits.eraseAfterRejects * limits.sessionLimits(metered ? 'metered' : 'standard').rejectAfterTime;
  world.runFor(erased + silentAfter + (kept ? minute : hour));
}

function stopAll(simulation: Simulation): void {
  const { world, hosts, model } = simulation;
  for (const host of hosts) {
    host.act(({ engine }, now) => {
      engine.stop(now);
      for (const { other } of simulation.linksOf(host)) forget(simulation, host, other);
    });
  }
  model.see({ kind: 'end', at: world.now });
}

function forget({ model, world }: Simulation, host: Host, other: Host): void {
  const peer = model.ledger.peerNamed(model.ledger.host(host.name), other.name);
  if (peer !== undefined) model.see({ kind: 'peer-gone', at: world.now, host: host.name, peer: peer.peer });
}
