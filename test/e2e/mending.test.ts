/** A broken tunnel mends itself: restarts, new addresses, new NAT mappings. */
import { describe, expect, it } from 'vitest';
import { addresses, gatewayPort, hubPort, Lab } from '../kit/lab/lab.ts';
import { echoPort, eventually, inLab, needRoot, ping, untilEcho } from './lab.ts';

describe.each(['gateway', 'hub'] as const)('killed and started again, the %s', (name) => {
  it('brings traffic back', async (context) => {
    needRoot(context);
    await inLab({}, async (lab) => {
      await untilEcho(lab);
      await eventually("the hub has kept the gateway's address", () => lab.hub.state().includes('192.0.2.2'));
      // N4: a session begun by the other side within 5 s of this one would count as crossing it, and lose every other time
      await eventually('the session is older than REKEY_TIMEOUT', () => sessionAge(lab) > 5_500);
      const begin = performance.now();
      await lab[name].kill();
      await lab[name].start();
      await untilEcho(lab);
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      console.log(`traffic back ${seconds} s after the ${name} was killed`);
    });
  });
});

it('§5.4: follows the gateway to a new address', async (context) => {
  needRoot(context);
  await inLab({}, async (lab) => {
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
  await using lab = await Lab.create();
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

function sessionAge(lab: Lab): number {
  return Number(/"sessionAge":\s*([\d.]+)/.exec(JSON.stringify(lab.gateway.show()))?.[1] ?? 0);
}
