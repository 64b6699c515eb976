/** What the daemon sets, it undoes: after a stop a namespace looks as before. Full tunnel included. */
import { describe, expect, it } from 'vitest';
import { addresses, Lab } from '../kit/lab/lab.ts';
import { echoPort, eventually, inLab, needRoot, ping, planes, untilEcho } from './lab.ts';

describe.each(planes)('over the %s plane', (plane) => {
  it('leaves no link, route or rule after a stop', async (context) => {
    needRoot(context);
    await using lab = await Lab.create({ plane });
    const before = await inventories(lab);
    await lab.hub.start();
    await lab.gateway.start();
    expect(await inventories(lab)).not.toEqual(before);
    expect(await lab.gateway.stop()).toBe(0);
    expect(await lab.hub.stop('SIGINT')).toBe(0);
    expect(await inventories(lab)).toEqual(before);
  });

  it('takes all traffic where 0.0.0.0/0 is allowed, without a loop, and gives it back', async (context) => {
    needRoot(context);
    await using lab = await Lab.create({ plane, gatewayAllowedIps: '0.0.0.0/0, ::/0' });
    const before = await inventories(lab);
    await lab.hub.start();
    await lab.gateway.start();
    await lab.hub.namespace.startHelper('echo', addresses.hub.inner4, echoPort);
    await untilEcho(lab);
    // An address nobody has: only the tunnel's route can lead there
    await lab.hub.namespace.help('addAddress', 'lo', '203.0.113.9/32');
    await lab.hub.namespace.startHelper('echo', '203.0.113.9', echoPort);
    await untilEcho(lab, '203.0.113.9');
    expect(await lab.gateway.stop()).toBe(0);
    expect((await inventories(lab)).gateway).toEqual(before.gateway);
  });

  it('clears up after a killed predecessor', async (context) => {
    needRoot(context);
    await using lab = await Lab.create({ plane, gatewayAllowedIps: '0.0.0.0/0, ::/0' });
    const before = await inventories(lab);
    await lab.gateway.start();
    await lab.gateway.kill();
    await lab.gateway.start();
    expect(await lab.gateway.stop()).toBe(0);
    expect((await inventories(lab)).gateway).toEqual(before.gateway);
  });

  it('ends by itself, in order and with a reason, when its TUN device is deleted under traffic', async (context) => {
    needRoot(context);
    await inLab({ plane }, async (lab) => {
      const { gateway } = lab;
      await untilEcho(lab);
      const busy = ping(lab, 400, 1200);
      await gateway.namespace.help('deleteLink', gateway.interfaceName);
      await eventually('the daemon has ended', () => gateway.exitCode !== null);
      await busy;
      expect(gateway.exitCode).toBe(1);
      expect(gateway.log).toMatch(/"event":"device-lost".*"reason":"[^"]+"/);
      expect(gateway.log).toContain('"event":"stopped"');
    });
  });
});

async function inventories(lab: Lab): Promise<{ gateway: unknown; hub: unknown }> {
  return {
    gateway: await lab.gateway.namespace.help('inventory'),
    hub: await lab.hub.namespace.help('inventory'),
  };
}
