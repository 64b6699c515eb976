/** Programs that end, clocks that jump, machines that sleep. protocol.md §5.1 C1, C3, C6; CVE-2021-46873. */
import { compareBytes, limits, millis } from '@pqtun/core';
import { describe, expect, it, vi } from 'vitest';
import {
  Audit,
  connected,
  gatewayAndHub,
  type Host,
  initiationsIn,
  kindOf,
  newYear2026,
  paperSuite,
  receiverIndexOf,
  seededSuite,
  sentSince,
  type World,
} from '../kit/index.ts';

vi.setConfig({ testTimeout: 600_000 }); // every run is bounded in virtual time; how fast the machine is must not matter

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const year = 365.25 * 24 * hour;

/** I10. */
const livenessBound = limits.keepaliveTimeout + 3 * limits.rekeyTimeout + second;
/** §8: two honest peers reconnect within about this time of the network working. */
const reconnectBound = 30 * second;

const node = (seed = 1) => seededSuite(seed, 'node');

interface Scene {
  readonly world: World;
  readonly gateway: Host;
  readonly hub: Host;
  readonly audit: Audit;
}

function restartGateway({ gateway, hub }: Scene, keepState: boolean): void {
  gateway.restart(keepState);
  gateway.addPeer(hub);
}

function restartHub({ gateway, hub }: Scene, knowsEndpoint = false): void {
  hub.restart(true);
  hub.addPeer(gateway, { knowsEndpoint });
}

/** Sends one packet and says how long it took to arrive; `undefined`: longer than `limit`. */
function delivery({ world, audit }: Scene, from: Host, to: Host, limit: number): number | undefined {
  const since = world.now;
  const serial = audit.send(from, to);
  return world.runUntil(() => audit.arrived(serial), limit) ? world.now - since : undefined;
}

describe('a gateway that restarts', () => {
  it('with its state is heard at once, whatever its clock says now', () => {
    for (const clock of [0, -newYear2026, -10 * year, 10 * year, -1]) {
      const scene = connected(node());
      const { world, gateway, hub } = scene;
      world.run(minute);
      gateway.wallOffset = clock;
      restartGateway(scene, true);
      expect([clock, delivery(scene, gateway, hub, second)]).toEqual([clock, 30]);
      expect([clock, hub.tunnel.engine.drops.of('stale-timestamp')]).toEqual([clock, 0]);
      expect(delivery(scene, hub, gateway, second)).toBe(10);
    }
  });

  it('C6: is heard after each of a hundred kills within half a minute', () => {
    const scene = connected(paperSuite(1));
    const { world, gateway, hub } = scene;
    for (let kill = 0; kill < 100; kill++) {
      world.runFor(200); // §6 would ask for a cookie else
      restartGateway(scene, true);
      expect([kill, delivery(scene, gateway, hub, second)]).toEqual([kill, 30]);
    }
  });

  it('C6: after an orderly stop nothing of a block is skipped', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    const [sent] = timestampsSeen(scene);
    gateway.tunnel.engine.stop(world.now);
    expect(gateway.ceiling).toEqual(sent);
    restartGateway(scene, true);
    expect(delivery(scene, gateway, hub, second)).toBe(30);
  });

  it('C6: writes its ceiling in blocks of ten minutes, half a block ahead, and never sends a timestamp above it', () => {
    const written: { readonly at: number; readonly ceiling: Uint8Array }[] = [];
    const { world, gateway, hub } = gatewayAndHub(node(), {
      engine: {
        saveTimestampCeiling: (ceiling) => {
          written.push({ at: world.now, ceiling: ceiling.slice() });
          return true;
        },
      },
    });
    const audit = new Audit(world);
    for (let at = 0; at <= 2 * hour; at += 30 * second) {
      world.run(at);
      audit.send(gateway, hub);
      world.runFor(100);
      const [sent] = timestampsSeen({ world, gateway, hub, audit });
      const ceiling = written.at(-1)?.ceiling;
      if (sent === undefined || ceiling === undefined) throw new Error('nothing was sent');
      expect(compareBytes(sent, ceiling)).toBeLessThan(0);
    }
    expect(gateway.eventsOf('peer-established').length).toBeGreaterThan(45);
    for (const [i, { at, ceiling }] of written.entries()) {
      const seconds = Number(new DataView(ceiling.buffer).getBigUint64(0) - 2n ** 62n - 10n);
      expect(seconds).toBe(Math.floor((newYear2026 + at) / second) + 600);
      if (i > 0) expect(at - (written[i - 1]?.at ?? 0)).toBeGreaterThan(5 * minute);
    }
    expect(written.length).toBeGreaterThan(10);
  });

  it('C6: goes on in memory and says so when nothing can be written', () => {
    const { world, gateway, hub } = gatewayAndHub(node(), { engine: { saveTimestampCeiling: () => false } });
    const audit = new Audit(world);
    for (let i = 0; i < 3; i++) {
      audit.send(gateway, hub);
      world.runFor(400 * second);
    }
    expect(audit.missing()).toEqual([]);
    expect(gateway.eventsOf('timestamp-not-kept')).toHaveLength(3);
  });

  it('C3: without its state and with an earlier clock is refused, until its timestamp is reset', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(minute);
    gateway.wallOffset = -hour;
    restartGateway(scene, false);
    expect(delivery(scene, gateway, hub, minute)).toBeUndefined();
    expect(hub.tunnel.engine.drops.of('stale-timestamp')).toBeGreaterThan(3);
    expect(sentSince(world, minute, { by: hub, kind: 'response' })).toEqual([]);
    hub.act(({ engine }) => engine.resetTimestamp(hub.peer(gateway)));
    expect(delivery(scene, gateway, hub, livenessBound)).toBeDefined();
    expect(delivery(scene, hub, gateway, second)).toBe(10);
  });

  it('C3: without its state and with an earlier clock is heard again by a hub that restarted', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    gateway.wallOffset = -hour;
    restartGateway(scene, false);
    expect(delivery(scene, gateway, hub, minute)).toBeUndefined();
    restartHub(scene);
    expect(delivery(scene, gateway, hub, livenessBound)).toBeDefined();
    expect(world.now).toBeGreaterThan(minute);
  });

  it('C3: without its state but with a right clock is heard at once', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(minute);
    restartGateway(scene, false);
    expect(delivery(scene, gateway, hub, second)).toBe(30);
  });

  it('is given up by a hub that sends to it: T3, and the hub begins', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(20 * second);
    restartGateway(scene, true);
    expect(delivery(scene, hub, gateway, second)).toBeUndefined();
    expect(gateway.tunnel.engine.drops.of('unknown-index')).toBe(1);
    world.runFor(16 * second);
    expect(delivery(scene, hub, gateway, second)).toBe(10);
  });
});

/** The timestamps the hub has stored, as its plane shows them. */
function timestampsSeen({ hub }: Scene): (Uint8Array | undefined)[] {
  const { peers } = JSON.parse(hub.tunnel.plane.fingerprint());
  return peers.map(
    ({ storedTimestamp }: { storedTimestamp?: number[] }) =>
      storedTimestamp && Uint8Array.from(storedTimestamp),
  );
}

describe('a hub that restarts', () => {
  it('is back within 30 s when the gateway has data, at whatever age of the session', () => {
    for (const age of [1, 30, 119, 121, 170, 179, 200]) {
      const scene = connected(node());
      const { world, gateway, hub, audit } = scene;
      world.run(age * second);
      restartHub(scene);
      const since = world.now;
      const serials: number[] = [];
      const back = () => serials.some((serial) => audit.arrived(serial));
      while (!back() && world.now - since < reconnectBound) {
        serials.push(audit.send(gateway, hub));
        world.runFor(second);
      }
      expect([age, back()]).toEqual([age, true]);
      expect(delivery(scene, hub, gateway, second)).toBe(10);
    }
  });

  it.each([
    ['hybrid', false],
    ['classical', true],
  ] as const)(
    'is found again by PersistentKeepalive of a %s gateway, though nobody has data',
    (kind, classical) => {
      const scene = connected(node(), {
        gateway: { persistentKeepalive: millis(10 * second), classical },
        hub: { classical },
      });
      const { world, gateway, hub } = scene;
      world.run(minute);
      hub.restart(true);
      hub.addPeer(gateway, { knowsEndpoint: false, classical });
      // T4: a probe counts as data sent, so T3 notices; WireGuard's empty packets do not, so the session has to end first
      const limit = kind === 'hybrid' ? 10 * second + 16 * second + 50 : 180 * second;
      const back = () => hub.eventsOf('peer-established').length === 2;
      expect(world.runUntil(back, limit)).toBe(true);
      expect(delivery(scene, hub, gateway, second)).toBe(10);
    },
  );

  it('stays unknown to a silent gateway without PersistentKeepalive; its own data has nowhere to go', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(minute);
    restartHub(scene);
    const before = world.now;
    world.runFor(hour);
    expect(sentSince(world, before)).toEqual([]);
    expect(delivery(scene, hub, gateway, second)).toBeUndefined();
    expect(hub.tunnel.engine.drops.of('no-endpoint')).toBe(1);
    expect(delivery(scene, gateway, hub, second)).toBe(30);
  });

  it('begins itself where the gateway has a configured endpoint', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(minute);
    restartHub(scene, true);
    expect(delivery(scene, hub, gateway, second)).toBe(30);
  });

  it('restarts together with the gateway, and both have data', () => {
    const scene = connected(node());
    const { world, gateway, hub, audit } = scene;
    world.run(minute);
    restartHub(scene, true);
    restartGateway(scene, true);
    const serials = [audit.send(gateway, hub), audit.send(hub, gateway)];
    world.runFor(second);
    expect(serials.map((serial) => audit.arrived(serial))).toEqual([true, true]);
    expect(audit.violations).toEqual([]);
  });
});

describe('a clock that jumps', () => {
  it.each([
    ['ten years ahead and back', 10 * year],
    ['ten years back and ahead', -10 * year],
    ['to 1970 and back', -newYear2026],
  ] as const)('%s leaves the tunnel alive, handshakes on either side of each jump', (_what, jump) => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    for (const offset of [jump, 0, jump, -jump, 0]) {
      world.runFor(200 * second);
      gateway.wallOffset = offset;
      expect([offset, delivery(scene, gateway, hub, second)]).toEqual([offset, 30]);
      world.runFor(200 * second);
      expect([offset, delivery(scene, gateway, hub, second)]).toEqual([offset, 30]);
    }
    expect(hub.tunnel.engine.drops.of('stale-timestamp')).toBe(0);
  });

  it('CVE-2021-46873: ahead, a handshake, back: a restart with its state is heard', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(200 * second);
    gateway.wallOffset = 10 * year;
    expect(delivery(scene, gateway, hub, second)).toBe(30);
    gateway.wallOffset = 0;
    restartGateway(scene, true);
    expect(delivery(scene, gateway, hub, second)).toBe(30);
  });

  it('CVE-2021-46873: with the state lost as well it is refused for those ten years, and resetTimestamp mends it', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(200 * second);
    gateway.wallOffset = 10 * year;
    expect(delivery(scene, gateway, hub, second)).toBe(30);
    gateway.wallOffset = 0;
    restartGateway(scene, false);
    expect(delivery(scene, gateway, hub, 5 * minute)).toBeUndefined();
    hub.act(({ engine }) => engine.resetTimestamp(hub.peer(gateway)));
    expect(delivery(scene, gateway, hub, livenessBound)).toBeDefined();
    const [stored] = timestampsSeen(scene);
    expect(new DataView((stored ?? new Uint8Array(8)).buffer).getBigUint64(0) - 2n ** 62n).toBeLessThan(
      BigInt(Math.floor(newYear2026 / second)) + 3600n,
    );
  });

  it('C1: ahead without a handshake confirmed changes nothing: state lost or not, it is heard when the clock is right', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    world.run(200 * second);
    gateway.wallOffset = 10 * year;
    world.interceptor = (datagram) => (kindOf(datagram) === 'response' ? [] : undefined);
    expect(delivery(scene, gateway, hub, 20 * second)).toBeUndefined();
    expect(sentSince(world, 200 * second, { kind: 'response' }).length).toBeGreaterThan(0);
    world.interceptor = undefined;
    gateway.wallOffset = 0;
    restartGateway(scene, false);
    // The pending entry of the same prefix gives way when it is older than 5 s (C4); until then the larger TS wins
    expect(delivery(scene, gateway, hub, 15 * second)).toBeDefined();
    expect(delivery(scene, hub, gateway, second)).toBe(10);
  });

  it('a hub whose own clock jumps is not concerned: it compares, it does not read the time', () => {
    const scene = connected(node());
    const { world, gateway, hub } = scene;
    for (const offset of [10 * year, -newYear2026, 0]) {
      world.runFor(200 * second);
      hub.wallOffset = offset;
      expect(delivery(scene, gateway, hub, second)).toBe(30);
    }
  });
});

describe('suspend', () => {
  const spans = [1, 4, 9, 14, 60, 119, 121, 164, 166, 179, 181, 300, 719, 721, 3600, 24 * 3600];
  const whose: Record<string, (scene: Scene) => Host[]> = {
    'the gateway': ({ gateway }) => [gateway],
    'the hub': ({ hub }) => [hub],
    both: ({ gateway, hub }) => [gateway, hub],
  };
  it.each(Object.entries(whose))(
    'of %s, 1 s to 24 h: data flows both ways in time afterwards',
    (_name, sleepers) => {
      for (const span of spans) {
        for (const age of [1, 100, 170]) {
          const scene = connected(paperSuite(span + age));
          const { world, gateway, hub, audit } = scene;
          const what = `${span} s asleep at age ${age} s`;
          world.run(age * second);
          audit.send(gateway, hub); // something is under way when it falls asleep
          audit.send(hub, gateway);
          for (const host of sleepers(scene)) host.sleep();
          world.runFor(span * second);
          for (const host of sleepers(scene)) host.wake();
          const since = world.now;
          const serials: number[][] = [[], []];
          const flows = () => serials.every((each) => each.some((serial) => audit.arrived(serial)));
          while (!flows() && world.now - since < livenessBound) {
            serials[0]?.push(audit.send(gateway, hub));
            serials[1]?.push(audit.send(hub, gateway));
            world.runFor(500);
          }
          expect([what, flows()]).toEqual([what, true]);
          expect([what, audit.violations]).toEqual([what, []]);
        }
      }
    },
  );

  it('in the midst of a sequence: no storm on waking, and the next packet finds its way', () => {
    const { world, gateway, hub } = gatewayAndHub(node());
    const audit = new Audit(world);
    hub.sleep();
    audit.send(gateway, hub);
    world.run(500);
    gateway.sleep();
    world.run(hour);
    hub.wake();
    gateway.wake();
    world.runFor(second);
    const transmissions = initiationsIn(sentSince(world, hour)).flatMap(
      (initiation) => initiation.transmissions,
    );
    expect(transmissions.length).toBeLessThanOrEqual(3);
    const serial = audit.send(gateway, hub);
    world.runFor(livenessBound);
    expect(audit.arrived(serial)).toBe(true);
  });

  it('T6: no key outlives its age by sleeping: nothing is sealed or opened with it after waking', () => {
    const { world, gateway, hub, audit, session } = connected(node());
    const held: Uint8Array[] = [];
    world.run(10 * second);
    world.interceptor = ({ bytes }) => {
      held.push(bytes);
      return [];
    };
    const late = audit.send(gateway, hub);
    world.interceptor = undefined;
    gateway.sleep();
    hub.sleep();
    world.run(session.bornAtGateway + 181 * second);
    hub.wake();
    gateway.wake();
    const before = world.now;
    for (const bytes of held) world.inject(gateway.address, hub.address, bytes);
    world.runFor(100);
    expect(audit.arrived(late)).toBe(false);
    expect(hub.tunnel.engine.drops.of('profile-mismatch')).toBe(1);
    audit.send(gateway, hub);
    world.runFor(second);
    const used = sentSince(world, before, { kind: 'transport' }).map(receiverIndexOf);
    expect(used.length).toBeGreaterThan(0);
    expect(used).not.toContain(session.hubIndex);
    expect(used).not.toContain(session.gatewayIndex);
    expect(audit.violations).toEqual([]);
  });
});
