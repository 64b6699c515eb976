import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { titled, whyNoNamespace } from './testing/namespace.ts';
import { runScenario } from './testing/scenario.ts';

const reason = whyNoNamespace();
const hasIp = spawnSync('ip', ['-j', 'link']).status === 0;
const ipReason = reason ?? (hasIp ? undefined : 'there is no ip to compare with');

const scenarioOf = (script: string) => (name: string) => () => {
  const { status, stderr } = runScenario(script, name, { nodeFlags: ['--expose-gc'] });
  expect(stderr).toBe('');
  expect(status).toBe(0);
};

describe.skipIf(reason !== undefined)(titled('netlink', reason), () => {
  const tables = scenarioOf('netlink-tables.ts');
  it('lists, finds, changes, creates and deletes links', tables('links'));
  it('creates a veth end in, and moves a link to, the namespace of a process', tables('namespaces'));
  it('adds, lists and removes addresses of both families, usable at once', tables('addresses'));
  it('adds, lists and removes routes with gateway, metric, source, mtu and large tables', tables('routes'));
  it('says where a packet would go, with and without a mark', tables('lookups'));
  it('adds, lists and removes the rules of a full tunnel, of both families', tables('rules'));
  it('removes the equal rule and no other', tables('removesOnlyTheEqualRule'));

  const refusals = scenarioOf('netlink-refusals.ts');
  it('throws the code, the operation, the object and the words of the kernel', refusals('refusals'));
  it('refuses wrong arguments by name and changes nothing', refusals('arguments'));

  const life = scenarioOf('netlink-life.ts');
  it('tells one burst of changes once, and nothing after close', life('watch'));
  it('takes lost notices for a change of everything and goes on', life('overrun'));
  it('lists a table whole, or not at all, while it changes', life('changesMeanwhile'));
  it('keeps no descriptor over a thousand rounds', life('descriptors'));
  it('closes its watches with the worker or process that ends', life('environments'));
  it('goes on watching when nobody keeps the handle', life('keepsWatchingWithoutAReference'));
});

describe.skipIf(ipReason !== undefined)(titled('netlink beside ip', ipReason), () => {
  it('sets what ip shows and shows what ip sets', scenarioOf('netlink-and-ip.ts')('sameAsIp'));
});
