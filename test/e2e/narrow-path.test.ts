/** A narrower link further on says nothing and takes nothing that is too long: the tunnel finds out by itself. RFC 8899. */
import { describe, expect, it } from 'vitest';
import { addresses, type Lab } from '../kit/lab/lab.ts';
import { payloadHash } from '../kit/lab/payload.ts';
import { eventually, inLab, needRoot, planes, untilEcho } from './lab.ts';

/** The longest outer packet the gateway knows to reach the hub, as its `show` says. */
function pathMtu(lab: Lab): number | null | undefined {
  const { interfaces } = lab.gateway.show() as {
    interfaces: readonly { peers: readonly { pathMtu: number | null }[] }[]; // docs/operations.md
  };
  return interfaces[0]?.peers[0]?.pathMtu;
}

describe.each(planes)('over the %s plane', (plane) => {
  describe.each([4, 6] as const)('over IPv%i, where the path takes 1400 B', (family) => {
    it('gets a file through', async (context) => {
      needRoot(context);
      const options = {
        plane,
        family,
        hubUnderlayMtu: 1400,
        hubInterface: ['MTU = 1420'],
        gatewayInterface: ['Offloads = off'], // a veth lets trains pass, whatever their datagrams' length
      } as const;
      await inLab(options, async (lab) => {
        await untilEcho(lab);
        const size = 2 ** 20;
        await lab.gateway.namespace.startHelper('serve', addresses.gateway.inner4, 8080, size);
        const file = (await lab.hub.namespace.help('fetch', addresses.gateway.inner4, 8080)) as {
          sha256: string;
        };
        expect(file.sha256).toBe(payloadHash(size));
        await eventually('the gateway shows what the path takes', () => typeof pathMtu(lab) === 'number');
        expect(pathMtu(lab)).toBeGreaterThanOrEqual(1280);
        expect(pathMtu(lab)).toBeLessThanOrEqual(1400);
      });
    });
  });

  it('shows that a path takes all', async (context) => {
    needRoot(context);
    await inLab({ plane }, async (lab) => {
      await untilEcho(lab);
      await eventually('the gateway shows what the path takes', () => pathMtu(lab) === 1484);
    });
  });
});
