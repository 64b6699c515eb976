/** What the end-to-end tests share: a lab that is closed also after a failure, and the questions they ask it. */
import { expect, type TestContext } from 'vitest';
import { addresses, Lab, type LabOptions } from '../kit/lab/lab.ts';
import { namespacesUnavailable } from '../kit/lab/namespace.ts';

export const echoPort = 7;
/** What moves packets: daemons are tested over both. */
export const planes = ['native', 'portable'] as const;
/** How long a tunnel may take to come up or come back on a busy machine. Milliseconds. */
export const patience = 30_000;

/** Skips the test, with its reason, where namespaces and TUN devices cannot be had. */
export function needRoot(context: TestContext): void {
  const reason = namespacesUnavailable();
  if (reason !== undefined) context.skip(reason);
}

/** A lab with both daemons up and an echo on the hub's inner addresses; `use` is done in it, then all is gone. */
export async function inLab(options: LabOptions, use: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await Lab.create(options);
  try {
    await lab.hub.start();
    await lab.gateway.start();
    await lab.hub.namespace.startHelper('echo', addresses.hub.inner4, echoPort);
    await use(lab);
  } catch (error) {
    throw new Error(
      `${error instanceof Error ? error.message : error}\n--- gateway\n${lab.gateway.log}\n--- hub\n${lab.hub.log}`,
      { cause: error },
    );
  }
}

/** Waits for an echo through the tunnel; milliseconds. */
export async function untilEcho(lab: Lab, host: string = addresses.hub.inner4): Promise<number> {
  const time = await lab.gateway.namespace.help('untilEcho', host, echoPort, patience);
  expect(time, `an echo from ${host} within ${patience} ms`).toBeTypeOf('number');
  return Number(time);
}

export interface Pings {
  readonly sent: number;
  readonly answered: number;
}

export async function ping(
  lab: Lab,
  count: number,
  size: number,
  host: string = addresses.hub.inner4,
): Promise<Pings> {
  return (await lab.gateway.namespace.help('pings', host, echoPort, count, size, 10)) as Pings;
}

/** Asks `condition` every 100 ms until it holds. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + patience;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${patience} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
