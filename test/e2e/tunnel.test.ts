/** Real daemons, real TUN devices: both outer families, both inner ones, both suites, small paths. */
import { describe, expect, it } from 'vitest';
import { addresses } from '../kit/lab/lab.ts';
import { payloadHash } from '../kit/lab/payload.ts';
import { runPqtun } from '../kit/lab/site.ts';
import { echoPort, inLab, needRoot, ping, planes, untilEcho } from './lab.ts';

describe.each(planes)('over the %s plane', (plane) => {
  describe.each([4, 6] as const)('over IPv%i', (family) => {
    it('carries IPv4 and IPv6 both ways', async (context) => {
      needRoot(context);
      await inLab({ family, plane }, async (lab) => {
        await untilEcho(lab);
        expect((await ping(lab, 20, 1200)).answered).toBeGreaterThanOrEqual(18);
        await lab.hub.namespace.startHelper('echo', addresses.hub.inner6, echoPort);
        expect((await ping(lab, 20, 1200, addresses.hub.inner6)).answered).toBeGreaterThanOrEqual(18);
      });
    });
  });

  it('speaks suite 2 with a pre-shared key and a deployment key', async (context) => {
    needRoot(context);
    const presharedKey = runPqtun(['genpsk']).trim();
    const deploymentKey = runPqtun(['genpsk']).trim();
    const options = {
      plane,
      suite: 2,
      gatewayPeer: [`PresharedKey = ${presharedKey}`, `DeploymentKey = ${deploymentKey}`],
      hubPeer: [`PresharedKey = ${presharedKey}`],
      hubInterface: [`DeploymentKey = ${deploymentKey}`],
    } as const;
    await inLab(options, async (lab) => {
      await untilEcho(lab);
      expect(JSON.stringify(lab.gateway.show())).not.toContain(presharedKey);
      expect(lab.gateway.log + lab.hub.log).not.toContain(presharedKey);
      expect(lab.gateway.log + lab.hub.log).not.toContain(deploymentKey);
    });
  });

  describe.each([1280, 576])('where the path takes no more than %i B', (underlayMtu) => {
    it('carries full packets and a file, without fragments', async (context) => {
      needRoot(context);
      await inLab({ underlayMtu, plane }, async (lab) => {
        await untilEcho(lab);
        const largest = underlayMtu - 80 - 28; // inner IPv4 and UDP headers
        expect((await ping(lab, 20, largest)).answered).toBeGreaterThanOrEqual(18);
        const size = 2 ** 20;
        await lab.hub.namespace.startHelper('serve', addresses.hub.inner4, 8080, size);
        const file = (await lab.gateway.namespace.help('fetch', addresses.hub.inner4, 8080)) as {
          sha256: string;
        };
        expect(file.sha256).toBe(payloadHash(size));
      });
    });
  });
});
