import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { ipRefusal, namespaceRefusal, runInNamespace, titled } from './namespace.test.kit.ts';

const child = fileURLToPath(new URL('./netlink.test.child.ts', import.meta.url));
const run = (scenario: string) => () => runInNamespace(child, scenario);

describe.skipIf(namespaceRefusal !== undefined)(titled('netlink'), () => {
  it('lists, finds, changes, creates and deletes links', run('links'));
  it('creates a veth end in, and moves a link to, the namespace of a process', run('namespaces'));
  it('adds, lists and removes addresses of both families, usable at once', run('addresses'));
  it('adds, lists and removes routes with gateway, metric, source, mtu and tables beyond 255', run('routes'));
  it('says where a packet would go, with and without a mark', run('lookups'));
  it('adds, lists and removes the rules of a full tunnel, of both families', run('rules'));
  it('removes the equal rule and no other', run('removesOnlyTheEqualRule'));
  it('throws the code, the operation, the object and the words of the kernel', run('refusals'));
  it('refuses wrong arguments by name and changes nothing', run('arguments'));
  it('tells one burst of changes once, and nothing after close', run('watch'));
  it('takes lost notices for a change of everything and goes on', run('overrun'));
  it('keeps no descriptor over a thousand rounds', run('descriptors'));
  it('closes its watches with a worker that ends', run('environments'));
  it('goes on watching when nobody keeps the handle', run('keepsWatchingWithoutAReference'));
});

describe.skipIf(ipRefusal !== undefined)(titled('netlink compared with ip', ipRefusal), () => {
  it('sets and reads what ip reads and sets', run('sameAsIp'));
});
