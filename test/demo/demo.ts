/**
 * `npm start`: a gateway and a SOC hub in two network namespaces, two real daemons on real TUN devices, a 64 MiB file through
 * the tunnel while the cable is watched. Prints a table, then `demo: ok`. Leaves nothing behind.
 *
 *  1 namespaces, cable, identities, configuration     kit/lab/lab.ts
 *  2 watch the cable (and, as a check of the check, the hub's end of the tunnel)
 *  3 both daemons; wait for the hybrid handshake
 *  4 ping; fetch the file; compare its hash
 *  5 say what crossed the cable; table; verdict
 */
import { parseArgs } from 'node:util';
import type { CaptureReport } from '../kit/lab/capture.ts';
import { addresses, gatewayPort, hubPort, Lab } from '../kit/lab/lab.ts';
import { namespacesUnavailable } from '../kit/lab/namespace.ts';
import { payloadHash } from '../kit/lab/payload.ts';
import { pqtun } from '../kit/lab/site.ts';
import { printTable, step } from './report.ts';
import { handshakeOf } from './status.ts';

const usage = `npm start -- [options]

Shows pqtun at work: two daemons in two network namespaces, a file through the tunnel, the cable watched.

  --stay             leave the tunnel running and print how to look inside; Ctrl-C ends it
  --restart          also kill each daemon, start it again, and print how long traffic was away
  --plane NAME       what moves packets at both ends: native (default), inside the addon, or portable, in JavaScript
  --help             this text
`;

const fileSize = 64 * 1024 * 1024;
const echoPort = 7;
const webPort = 8080;
/** Datagram types that may cross the cable: initiation, response, cookie reply, transport. */
const allowedTypes = ['03', '04', '11', '12'];

process.exitCode = await main();

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      stay: { type: 'boolean', default: false },
      restart: { type: 'boolean', default: false },
      plane: { type: 'string', default: 'native' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const plane = (['native', 'portable'] as const).find((name) => name === values.plane);
  if (plane === undefined) {
    console.error('demo: --plane is native or portable');
    return 2;
  }
  const unavailable = namespacesUnavailable();
  if (unavailable !== undefined) {
    console.error(`demo: ${unavailable}; run it as root (sudo npm start)`);
    return 1;
  }

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupted.abort(signal));
  const lab = await step('network namespaces, cable, identities', () => Lab.create({ plane }));
  try {
    const work = demonstrate(lab, values.restart);
    work.catch(() => undefined); // after an interruption nobody waits for it
    const problems = await Promise.race([work, untilAborted(interrupted.signal)]);
    if (values.stay) await stay(lab, interrupted.signal);
    if (problems.length === 0) {
      console.log('demo: ok');
      return 0;
    }
    for (const problem of problems) console.error(`demo: ${problem}`);
  } catch (error) {
    if (interrupted.signal.aborted) console.error(`demo: ended by ${interrupted.signal.reason}`);
    else {
      console.error(`demo: ${error instanceof Error ? error.message : error}`);
      console.error(`\n--- log of the gateway\n${lab.gateway.log}\n--- log of the hub\n${lab.hub.log}`);
    }
  } finally {
    await lab.close();
  }
  return 1;
}

/** The whole demonstration; what was wrong, empty when all is well. */
async function demonstrate(lab: Lab, withRestart: boolean): Promise<string[]> {
  const { hub, gateway } = lab;
  const { inner4 } = addresses.hub;
  const cable = await gateway.namespace.startHelper('capture', 'eth0', 'ethernet', [hubPort, gatewayPort]);
  await step('two daemons on two TUN devices', async () => {
    await hub.start();
    await gateway.start();
  });
  const echo = await hub.namespace.startHelper('echo', inner4, echoPort);
  const web = await hub.namespace.startHelper('serve', inner4, webPort, fileSize);
  const inside = await hub.namespace.startHelper('capture', hub.interfaceName, 'none', []);

  const firstEcho = await step('hybrid handshake', () =>
    gateway.namespace.help('untilEcho', inner4, echoPort, 20_000),
  );
  if (typeof firstEcho !== 'number') throw new Error('no packet came through the tunnel within 20 s');
  const ping = (await step('ping', () => gateway.namespace.help('pings', inner4, echoPort, 50, 64, 20))) as {
    sent: number;
    answered: number;
    median: number;
  };
  const file = (await step(`${fileSize / 2 ** 20} MiB over HTTP`, () =>
    gateway.namespace.help('fetch', inner4, webPort),
  )) as { bytes: number; sha256: string; milliseconds: number };
  const seenOnCable = (await cable.finish()) as CaptureReport;
  const seenInside = (await inside.finish()) as CaptureReport;
  const handshake = handshakeOf(gateway.show());
  const restarts = withRestart ? await restartBoth(lab) : undefined;
  await echo.finish();
  await web.finish();

  const types = Object.entries(seenOnCable.types);
  printTable([
    ['suite', handshake.suite],
    ['data plane', handshake.plane],
    ['gateway', handshake.ownFingerprint],
    ['SOC hub', handshake.peerFingerprint],
    ['handshake', `${handshake.milliseconds.toFixed(1)} ms`],
    ['ping', `${ping.median.toFixed(2)} ms median, ${ping.answered} of ${ping.sent} answered`],
    [
      'throughput',
      `${((file.bytes * 8) / file.milliseconds / 1000).toFixed(0)} Mbit/s (${file.bytes} B in ${(file.milliseconds / 1000).toFixed(1)} s)`,
    ],
    ['file', file.sha256],
    ['on the cable', types.map(([type, count]) => `${count} × type 0x${type}`).join(', ')],
    [
      'the file there',
      `${seenOnCable.marked} of ${seenOnCable.frames} frames (inside the tunnel: ${seenInside.marked} of ${seenInside.frames})`,
    ],
    ['drops', handshake.drops],
    ...(restarts ?? []),
  ]);
  return [
    ...(file.sha256 === payloadHash(fileSize) ? [] : ['the file that arrived is not the file that was sent']),
    ...(seenOnCable.marked === 0 ? [] : ['pieces of the file crossed the cable in the clear']),
    ...(seenInside.marked > 0
      ? []
      : ['the watch saw no piece of the file inside the tunnel, so it proves nothing outside']),
    ...types
      .filter(([type]) => !allowedTypes.includes(type))
      .map(([type]) => `datagrams of type 0x${type} crossed the cable`),
    ...(seenOnCable.types['11'] !== undefined && seenOnCable.types['12'] !== undefined
      ? []
      : ['no hybrid handshake crossed the cable']),
    ...(ping.answered > 0 ? [] : ['no ping was answered']),
  ];
}

/** Kills each daemon in turn and starts it again; how long until an echo comes back, from the kill on. */
async function restartBoth(lab: Lab): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for (const [name, site] of [
    ['gateway', lab.gateway],
    ['SOC hub', lab.hub],
  ] as const) {
    const begin = performance.now();
    await step(`kill and restart the ${name}`, async () => {
      await site.kill();
      await site.start();
      const echo = await lab.gateway.namespace.help('untilEcho', addresses.hub.inner4, echoPort, 30_000);
      if (typeof echo !== 'number') throw new Error(`no traffic within 30 s after the ${name} was killed`);
    });
    rows.push([`killed ${name}`, `traffic back after ${((performance.now() - begin) / 1000).toFixed(1)} s`]);
  }
  return rows;
}

async function stay(lab: Lab, signal: AbortSignal): Promise<void> {
  const enter = (pid: number): string => `nsenter --net=/proc/${pid}/ns/net`;
  console.log(`
The tunnel stays up. To look inside:
  ${pqtun} show --runtime-dir ${lab.gateway.runtimeDir}
  ${pqtun} show --runtime-dir ${lab.hub.runtimeDir}
  ${enter(lab.gateway.namespace.pid)} ip address          # in the gateway
  ${enter(lab.hub.namespace.pid)} ip route                # in the hub
Ctrl-C ends it.`);
  await untilAborted(signal).catch(() => undefined);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(new Error(`ended by ${signal.reason}`));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
