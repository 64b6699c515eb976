/**
 * Everything at once, by seed: the network, the clocks, the programs and the operators all misbehave for minutes, and then
 * stop. What must hold throughout is the `Audit`'s (I1–I3, I7); what must hold afterwards is I10, and that nothing is kept.
 */
import { endpoint, limits, Secret } from '@pqtun/core';
import { Audit } from './audit.ts';
import type { Host } from './host.ts';
import { ip } from './packets.ts';
import { paperSuite } from './paper-suite.ts';
import { Random } from './random.ts';
import { goodNetwork, World } from './world.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365.25 * 24 * hour;

const livenessBound = limits.keepaliveTimeout + 3 * limits.rekeyTimeout + second;

interface Settings {
  readonly classical: boolean;
  readonly suite: 1 | 2;
  readonly hubKnows: boolean;
}

export class Chaos {
  readonly world: World;
  readonly random: Random;
  readonly audit: Audit;
  readonly hub: Host;
  readonly gateways: Host[];
  readonly history: string[] = [];
  readonly #settings: Settings;
  #psk: Uint8Array | undefined;
  #cut = false;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.world = new World(seed);
    this.world.recording = false;
    this.audit = new Audit(this.world);
    this.#settings = {
      classical: this.random.chance(0.25),
      suite: this.random.chance(0.8) ? 1 : 2,
      hubKnows: this.random.chance(0.5),
    };
    const crypto = paperSuite(seed);
    this.hub = this.world.addHost({ name: 'hub', address: '198.51.100.1', crypto });
    this.gateways = Array.from({ length: this.random.between(1, 3) }, (_, i) =>
      this.world.addHost({ name: `gateway ${i}`, address: `192.0.2.${i + 1}`, crypto }),
    );
    for (const gateway of this.gateways) {
      this.#addHubTo(gateway);
      this.#addToHub(gateway);
    }
    this.world.interceptor = () => (this.#cut ? [] : undefined);
  }

  /** One act of chaos, then some time with traffic. */
  step(): void {
    const { random, world } = this;
    const [name, act] = random.pick(this.#acts);
    this.history.push(`${world.now}: ${name}`);
    act();
    const end = world.now + random.between(1, 40) * (random.chance(0.1) ? 10 : 1) * second;
    while (world.now < end) {
      world.runFor(random.between(1, 4000));
      if (random.chance(0.7)) this.#sendOne();
    }
  }

  /** Faults end, and what is under way with them: a packet on a slow path may be 30 s late and look like a sign of life. */
  stop(): void {
    this.#cut = false;
    this.world.clearInFlight();
    this.world.conditions = goodNetwork;
    for (const host of [this.hub, ...this.gateways]) {
      host.wake();
      // WireGuard resends no response that drew a cookie: the next attempt has to, 20 s later. Ours goes on under load
      if (this.#settings.classical) host.tunnel.engine.setLoopDelay(0);
    }
  }

  /** Whether data flows both ways with every gateway within I10's bound. */
  recovers(): boolean {
    const { world, audit, hub, gateways } = this;
    const since = world.now;
    const ways = gateways.flatMap((gateway) => [
      { from: gateway, to: hub, serials: [] as number[] },
      { from: hub, to: gateway, serials: [] as number[] },
    ]);
    const flows = () => ways.every(({ serials }) => serials.some((serial) => audit.arrived(serial)));
    while (!flows() && world.now - since < livenessBound) {
      for (const { from, to, serials } of ways) serials.push(audit.send(from, to));
      world.runFor(500);
    }
    return flows();
  }

  readonly #acts: readonly (readonly [string, () => void])[] = [
    ['a good network', () => this.#conditions({})],
    ['loss', () => this.#conditions({ loss: this.random.fraction() * 0.4 })],
    ['reordering', () => this.#conditions({ jitter: this.random.between(1, 3000) })],
    ['doubling', () => this.#conditions({ duplicate: this.random.fraction(), jitter: 50 })],
    ['damage', () => this.#conditions({ corrupt: this.random.fraction() * 0.3 })],
    ['a slow path', () => this.#conditions({ delay: this.random.between(10, 5000) })],
    ['a very slow path', () => this.#conditions({ delay: this.random.between(5000, 30_000) })],
    ['a narrow path', () => this.#conditions({ mtu: this.random.pick([508, 800, 1200]) })],
    ['all of it', () => this.#conditions({ loss: 0.2, jitter: 2000, duplicate: 0.2, corrupt: 0.1 })],
    [
      'a cut',
      () => {
        this.#cut = true;
      },
    ],
    [
      'the end of a cut',
      () => {
        this.#cut = false;
      },
    ],
    ['a gateway roams', () => this.#roam(this.random.pick(this.gateways))],
    ['a NAT forgets', () => this.#rebind(this.random.pick(this.gateways))],
    ['a clock jumps', () => this.#jump(this.random.pick(this.gateways))],
    ['a machine sleeps', () => this.#nap(this.random.pick([this.hub, ...this.gateways]))],
    ['a gateway restarts', () => this.#restartGateway(this.random.pick(this.gateways))],
    ['the hub restarts', () => this.#restartHub()],
    ['the pre-shared keys change', () => this.#rotate()],
    ['counters near their limits', () => this.#preset(this.random.pick(this.gateways))],
    ['a network change is told', () => this.#networkChange(this.random.pick([this.hub, ...this.gateways]))],
    ['both begin at once', () => this.#cross(this.random.pick(this.gateways))],
    ['a hub under load', () => this.hub.tunnel.engine.setLoopDelay(this.random.chance(0.5) ? 1000 : 0)],
    ['a gateway under load', () => this.random.pick(this.gateways).tunnel.engine.setLoopDelay(1000)],
    ['a peer is taken away and added', () => this.#readd(this.random.pick(this.gateways))],
  ];

  #conditions(conditions: Partial<World['conditions']>): void {
    this.world.conditions = { ...goodNetwork, ...conditions };
  }

  #roam(gateway: Host): void {
    const text = this.random.chance(0.5)
      ? `203.0.${this.random.between(0, 255)}.${this.random.between(1, 254)}`
      : `2001:db8:${this.random.between(1, 9999)}::1`;
    gateway.address = endpoint(ip(text), this.random.between(1024, 65_535));
  }

  #rebind(gateway: Host): void {
    gateway.address = endpoint(gateway.address.ip, this.random.between(1024, 65_535));
  }

  #jump(host: Host): void {
    host.wallOffset = this.random.pick([0, -10 * year, 10 * year, -hour, hour, -1_767_225_600_000]);
  }

  #nap(host: Host): void {
    host.sleep();
    this.world.runFor(this.random.pick([1, 10, 60, 200, 1000, 24 * 3600]) * second);
    host.wake();
  }

  /** What comes of a restart without state is `restart.test.ts`'s: a gateway whose clock went back has to be helped. */
  #restartGateway(gateway: Host): void {
    gateway.restart(true);
    this.#addHubTo(gateway);
  }

  #restartHub(): void {
    this.hub.restart(true);
    for (const gateway of this.gateways) this.#addToHub(gateway);
  }

  #rotate(): void {
    const psk = this.random.bytes(32);
    this.#psk = psk;
    for (const gateway of this.gateways) {
      for (const [host, other] of [
        [gateway, this.hub],
        [this.hub, gateway],
      ] as const) {
        host.act(({ engine }, now) =>
          engine.updatePeer(now, host.peer(other), { presharedKey: Secret.copyOf(psk) }),
        );
      }
    }
  }

  #preset(gateway: Host): void {
    const near = this.random.pick([
      limits.portableRekeyAfterMessages - 2,
      limits.portableRejectAfterMessages - 2,
      2 ** 32 - 2,
    ]);
    const { peers } = JSON.parse(gateway.tunnel.plane.fingerprint());
    const current = peers[0]?.current;
    if (current !== undefined && current.nextToSend < near)
      gateway.act(({ plane }) => plane.advanceSendCounter(current.index, near));
  }

  #networkChange(host: Host): void {
    host.act(({ engine }, now) => engine.handleNetworkChange(now));
  }

  #cross(gateway: Host): void {
    for (const [host, other] of [
      [gateway, this.hub],
      [this.hub, gateway],
    ] as const)
      host.act(({ engine }, now) => engine.initiate(now, host.peer(other)));
  }

  #readd(gateway: Host): void {
    this.hub.act(({ engine }, now) => engine.removePeer(now, this.hub.peer(gateway)));
    this.world.runFor(this.random.between(0, 3000));
    this.#addToHub(gateway);
  }

  #addHubTo(gateway: Host): void {
    const { classical, suite } = this.#settings;
    gateway.addPeer(this.hub, { classical, suite, allowed: [`${this.hub.inner}/32`], ...this.#secret() });
  }

  #addToHub(gateway: Host): void {
    const { classical, suite, hubKnows } = this.#settings;
    this.hub.addPeer(gateway, {
      classical,
      suite,
      knowsEndpoint: hubKnows,
      allowed: [`${gateway.inner}/32`],
      ...this.#secret(),
    });
  }

  #secret() {
    return this.#psk === undefined ? {} : { presharedKey: Secret.copyOf(this.#psk) };
  }

  #sendOne(): void {
    const gateway = this.random.pick(this.gateways);
    const [from, to] = this.random.chance(0.5) ? [gateway, this.hub] : [this.hub, gateway];
    if (this.hub.tunnel.engine.peerByPublicKey(gateway.identity.dh.publicKey) === undefined) return;
    this.audit.send(from, to, this.random.between(28, 1420));
  }
}

/** One seed from beginning to end: what went wrong and the way there; empty when nothing did. */
export function runChaos(seed: number): string[] {
  const chaos = new Chaos(seed);
  const steps = chaos.random.between(3, 14);
  for (let i = 0; i < steps; i++) chaos.step();
  chaos.stop();
  const problems = chaos.recovers()
    ? []
    : [`no data both ways within ${livenessBound} ms of ${chaos.world.now - livenessBound}`];
  problems.push(...chaos.audit.violations);
  chaos.world.runFor(2 * hour);
  for (const { name, tunnel } of [chaos.hub, ...chaos.gateways]) {
    const { indices, answered, slots, sources } = tunnel.engine.sizes();
    if (indices + answered + sources > 0)
      problems.push(`${name} keeps ${indices} indices, ${answered} answers, ${sources} sources`);
    if (slots > 64) problems.push(`${name} keeps ${slots} slots`);
  }
  return problems.length === 0 ? [] : [`seed ${seed}`, ...problems.slice(0, 5), ...chaos.history];
}
