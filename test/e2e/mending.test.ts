/** A broken tunnel mends itself: restarts, new addresses, new NAT mappings. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addresses, gatewayPort, hubPort, Lab } from '../kit/lab/lab.ts';
import { echoPort, eventually, inLab, needRoot, ping, planes, untilEcho } from './lab.ts';

describe.each(planes)('over the %s plane', (plane) => {
  describe.each(['gateway', 'hub'] as const)('killed and started again, the %s', (name) => {
    it('brings traffic back', async (context) => {
      needRoot(context);
      await inLab({ plane }, async (lab) => {
        await untilEcho(lab);
        await eventually("the hub has kept the gateway's address", () =>
          lab.hub.state().includes('192.0.2.2'),
        );
        // N4: a session begun by the other side within 5 s of this one would count as crossing it, and lose every other time
        await eventually('the session is older than REKEY_TIMEOUT', () => sessionAge(lab) > 5_500);
        const begin = performance.now();
        await lab[name].kill();
        await lab[name].start();
        await untilEcho(lab);
        const seconds = ((performance.now() - begin) / 1000).toFixed(1);
        console.log(`traffic back ${seconds} s after the ${name} was killed, over the ${plane} plane`);
      });
    });
  });

  it('§5.4: follows the gateway to a new address', async (context) => {
    needRoot(context);
    await inLab({ plane }, async (lab) => {
      await untilEcho(lab);
      const { namespace } = lab.gateway;
      // In this order: with a primary address the kernel takes its secondaries away
      await namespace.help('removeAddress', 'eth0', `${addresses.gateway.outer4}/24`);
      await namespace.help('addAddress', 'eth0', '192.0.2.77/24');
      await untilEcho(lab);
      await eventually('the hub shows the new address', () =>
        JSON.stringify(lab.hub.show()).includes('192.0.2.77'),
      );
      expect((await ping(lab, 20, 200)).answered).toBeGreaterThanOrEqual(18);
    });
  });

  it('§5.4: follows a NAT that gives the gateway another port', async (context) => {
    needRoot(context);
    await using lab = await Lab.create({ plane });
    // A NAT in the hub's namespace: the gateway talks to it, it talks to the hub from a port of its own
    const natPort = 4500;
    const nat = await lab.hub.namespace.startHelper(
      'nat',
      addresses.hub.outer4,
      natPort,
      addresses.hub.outer4,
      hubPort,
    );
    lab.gateway.configure(lab.gatewayText().replace(`:${hubPort}`, `:${natPort}`));
    await lab.hub.start();
    await lab.gateway.start();
    await lab.hub.namespace.startHelper('echo', addresses.hub.inner4, echoPort);
    await untilEcho(lab);
    const portSeen = (): string => /"192\.0\.2\.1:(\d+)"/.exec(JSON.stringify(lab.hub.show()))?.[1] ?? '';
    const before = portSeen();
    expect(Number(before)).not.toBe(gatewayPort);
    nat.tell('rebind');
    await nat.line('rebound');
    await untilEcho(lab);
    await eventually('the hub shows the new port', () => portSeen() !== '' && portSeen() !== before);
    expect((await ping(lab, 20, 200)).answered).toBeGreaterThanOrEqual(18);
  });

  it('goes on when its device was down, or its cable out, and is up again', async (context) => {
    needRoot(context);
    await inLab({ plane }, async (lab) => {
      await untilEcho(lab);
      const { namespace, interfaceName, pid } = lab.gateway;
      await namespace.help('setLink', interfaceName, { up: false });
      expect((await ping(lab, 3, 200)).answered).toBe(0);
      const busy = cpuTicks(pid);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(cpuTicks(pid) - busy, 'ticks of CPU in a second without a device').toBeLessThan(50);
      await namespace.help('setLink', interfaceName, { up: true });
      await untilEcho(lab);
      await namespace.help('setLink', 'eth0', { up: false });
      expect((await ping(lab, 3, 200)).answered).toBe(0);
      await namespace.help('setLink', 'eth0', { up: true });
      await untilEcho(lab);
      expect((await ping(lab, 20, 200)).answered).toBeGreaterThanOrEqual(18);
    });
  });
});

/** CPU time of a process so far, all its threads, in ticks of 10 ms. */
function cpuTicks(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from `state`, the third, on
  return Number(fields[11]) + Number(fields[12]);
}

function sessionAge(lab: Lab): number {
  return Number(/"sessionAge":\s*([\d.]+)/.exec(JSON.stringify(lab.gateway.show()))?.[1] ?? 0);
}
