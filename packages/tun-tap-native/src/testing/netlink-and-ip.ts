/** Scenario of netlink.test.ts: what we set, `ip` shows; what `ip` sets, we show. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { openNetlink } from '../netlink.ts';
import { ANY6, FULL_TUNNEL, hex, ip4, ip6, MAIN, prepareVeth, refusalOf } from './netlink-fixture.ts';

const netlink = openNetlink();
const ip = (...words: string[]) =>
  JSON.parse(execFileSync('ip', ['-j', ...words], { encoding: 'utf8' }) || '[]');

export const scenarios = {
  sameAsIp() {
    prepareVeth();
    netlink.setLink('va', { txQueueLength: 77, mtu: 1400 });
    netlink.addRoute({
      destination: ip4('172.16.0.0'),
      bits: 12,
      gateway: ip4('10.9.0.2'),
      table: FULL_TUNNEL,
      metric: 77,
      mtu: 1350,
      source: ip4('10.9.0.1'),
    });
    netlink.addRoute({
      destination: ANY6,
      bits: 0,
      gateway: ip6(2),
      device: 'va',
      table: FULL_TUNNEL,
      mtu: 1290,
    });
    netlink.addRule({ family: 4, mark: FULL_TUNNEL, invert: true, table: FULL_TUNNEL });
    netlink.addRule({ family: 6, table: MAIN, suppressPrefixLength: 0 });

    const [link] = ip('link', 'show', 'dev', 'va');
    assert.deepEqual(
      [link.ifindex, link.mtu, link.txqlen, link.flags.includes('UP')],
      [netlink.link('va')?.index, 1400, 77, true],
    );
    assert.deepEqual(
      ip('link')
        .map((each: { ifname: string }) => each.ifname)
        .sort(),
      netlink
        .links()
        .map((each) => each.name)
        .sort(),
    );

    const [{ addr_info }] = ip('addr', 'show', 'dev', 'va');
    const [first, second] = addr_info;
    assert.deepEqual([first.local, first.prefixlen, first.scope], ['10.9.0.1', 24, 'global']);
    assert.deepEqual(
      [second.local, second.prefixlen, second.nodad, second.tentative],
      ['fd00::1', 64, true, undefined],
    );
    assert.equal(addr_info.length, netlink.addresses('va').length);

    const [four] = ip('route', 'show', 'table', String(FULL_TUNNEL));
    assert.deepEqual(
      [four.dst, four.gateway, four.dev, four.metric, four.prefsrc, four.metrics, four.protocol],
      ['172.16.0.0/12', '10.9.0.2', 'va', 77, '10.9.0.1', [{ mtu: 1350 }], 'static'],
    );
    const [six] = ip('-6', 'route', 'show', 'table', String(FULL_TUNNEL));
    assert.deepEqual(
      [six.dst, six.gateway, six.dev, six.metrics],
      ['default', 'fd00::2', 'va', [{ mtu: 1290 }]],
    );
    assert.equal(
      ip('-4', 'route', 'show', 'table', 'all', 'type', 'unicast').length,
      netlink.routes(4).length,
    );
    assert.equal(
      ip('-6', 'route', 'show', 'table', 'all', 'type', 'unicast').length,
      netlink.routes(6).length,
    );

    const marked = ip('rule').find((rule: { fwmark?: string }) => rule.fwmark !== undefined);
    assert.deepEqual([marked.fwmark, marked.table, 'not' in marked], ['0xca6c', '51820', true]);
    const suppressing = ip('-6', 'rule').find((rule: object) => 'suppress_prefixlen' in rule);
    assert.deepEqual([suppressing.table, suppressing.suppress_prefixlen], ['main', 0]);

    // The other way round: what `ip` makes we read.
    execFileSync('ip', [
      'route',
      'add',
      '198.51.100.0/24',
      'table',
      '9999',
      'nexthop',
      'via',
      '10.9.0.3',
      'nexthop',
      'via',
      '10.9.0.4',
    ]);
    assert.deepEqual(
      netlink.routes(4, 9999).map((route) => hex(route.gateway)),
      ['0a090003', '0a090004'],
    );
    execFileSync('ip', ['rule', 'add', 'from', '10.1.0.0/16', 'table', '77', 'pref', '50']);
    assert.equal(refusalOf(() => netlink.removeRule({ family: 4, table: 77 })).code, 'ENOENT');
    execFileSync('ip', ['rule', 'add', 'unreachable', 'pref', '60']);
    assert.deepEqual(
      netlink.rules(4).filter((rule) => rule.priority === 60),
      [{ family: 4, priority: 60, invert: false }],
    );
  },
};
