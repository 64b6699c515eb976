/** Scenarios of netlink.test.ts about links, addresses, routes and rules. Each runs in a fresh network namespace that holds only `lo`. */
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { openNetlink } from '../netlink.ts';
import type { Route, Rule } from '../types.ts';
import { holdNamespace } from './namespace.ts';
import { ANY4, ANY6, FULL_TUNNEL, hex, ip4, ip6, MAIN, prepareVeth, refusalOf } from './netlink-fixture.ts';

const netlink = openNetlink();

export const scenarios = {
  links() {
    netlink.setLink('lo', { up: false });
    const [loopback, ...others] = netlink.links();
    assert.deepEqual(others, []);
    const down = { index: 1, name: 'lo', mtu: 65536, up: false, running: false, kind: undefined };
    assert.deepEqual(loopback, down);
    assert.deepEqual(netlink.link('lo'), loopback);
    assert.equal(netlink.link('absent'), undefined);

    netlink.createVeth('va', 'vb');
    assert.deepEqual(
      netlink
        .links()
        .map((link) => link.name)
        .sort(),
      ['lo', 'va', 'vb'],
    );
    assert.equal(netlink.link('va')?.kind, 'veth');
    netlink.setLink('va', { up: true });
    assert.equal(netlink.link('va')?.up, true);
    assert.equal(netlink.link('va')?.running, false);
    netlink.setLink('vb', { up: true, mtu: 1280, txQueueLength: 77 });
    assert.equal(netlink.link('va')?.running, true);
    assert.equal(netlink.link('vb')?.mtu, 1280);
    assert.equal(readFileSync('/proc/net/dev', 'utf8').includes('vb:'), true);
    netlink.setLink('vb', { up: false, rename: 'a-name-of-15-by' });
    assert.equal(netlink.link('vb'), undefined);
    assert.equal(netlink.link('a-name-of-15-by')?.up, false);
    netlink.deleteLink('va');
    assert.deepEqual(
      netlink.links().map((link) => link.name),
      ['lo'],
    );
  },

  async namespaces() {
    const other = await holdNamespace();
    try {
      netlink.createVeth('here', 'there', other.pid);
      assert.deepEqual(other.interfaces().sort(), ['lo', 'there']);
      assert.equal(netlink.link('there'), undefined);
      assert.notEqual(netlink.link('here'), undefined);

      netlink.createVeth('stays', 'moves');
      netlink.setLink('moves', { netnsPid: other.pid, rename: 'moved' });
      assert.deepEqual(other.interfaces().sort(), ['lo', 'moved', 'there']);
      assert.equal(netlink.link('moves'), undefined);

      netlink.deleteLink('here');
      assert.deepEqual(other.interfaces().sort(), ['lo', 'moved']);
    } finally {
      other.release();
    }
  },

  async addresses() {
    prepareVeth();
    const index = netlink.link('va')?.index;
    const own = netlink.addresses('va').filter((address) => address.ip[0] !== 0xfe);
    assert.deepEqual(own, [
      { interfaceIndex: index, ip: ip4('10.9.0.1'), bits: 24 },
      { interfaceIndex: index, ip: ip6(1), bits: 64 },
    ]);
    // Usable at once: bind fails with EADDRNOTAVAIL while an address is tentative.
    const socket = dgram.createSocket('udp6');
    socket.bind(0, 'fd00::1');
    await once(socket, 'listening');
    socket.close();

    netlink.setLink('lo', { up: true });
    assert(
      netlink.addresses().some((address) => address.interfaceIndex === 1 && hex(address.ip) === '7f000001'),
    );
    assert(netlink.addresses().length > netlink.addresses('va').length);
    assert(netlink.addresses('vb').every((address) => address.interfaceIndex === netlink.link('vb')?.index));

    netlink.removeAddress('va', ip4('10.9.0.1'), 24);
    netlink.removeAddress('va', ip6(1), 64);
    assert.deepEqual(
      netlink.addresses('va').filter((address) => address.ip[0] !== 0xfe),
      [],
    );
  },

  routes() {
    prepareVeth();
    const added: Route[] = [
      {
        destination: ip4('172.16.0.0'),
        bits: 12,
        gateway: ip4('10.9.0.2'),
        device: 'va',
        table: MAIN,
        metric: 77,
        source: ip4('10.9.0.1'),
        mtu: 1400,
      },
      { destination: ip4('192.0.2.7'), bits: 32, device: 'va', table: FULL_TUNNEL },
      { destination: ANY4, bits: 0, device: 'va', table: FULL_TUNNEL, metric: 5, mtu: 1300 },
      { destination: ip4('198.51.100.0'), bits: 24, gateway: ip6(2), device: 'va', table: 255 + 1 },
      { destination: ANY6, bits: 0, device: 'va', table: FULL_TUNNEL, metric: 1024 },
      {
        destination: ip6(0),
        bits: 127,
        gateway: ip6(9),
        device: 'va',
        table: 4_294_967_295,
        metric: 3,
        source: ip6(1),
        mtu: 1280,
      },
    ];
    for (const route of added) netlink.addRoute(route);
    for (const route of added) {
      const family = route.destination.length === 4 ? 4 : 6;
      const listed = netlink
        .routes(family, route.table)
        .filter((each) => each.bits === route.bits && hex(each.destination) === hex(route.destination));
      assert.deepEqual(listed, [route]);
      // Without a table, all of them.
      assert(netlink.routes(family).some((each) => each.table === route.table && each.bits === route.bits));
    }
    assert.equal(netlink.routes(4, FULL_TUNNEL).length, 2);
    assert.deepEqual(netlink.routes(4, 4711), []);
    assert.deepEqual(netlink.routes(6, 4711), []);
    // The device alone and the default table.
    netlink.addRoute({ destination: ip4('203.0.113.0'), bits: 24, gateway: ip4('10.9.0.2') });
    assert.equal(netlink.routes(4, MAIN).find((each) => each.destination[0] === 203)?.device, 'va');
    netlink.removeRoute({ destination: ip4('203.0.113.0'), bits: 24 });

    for (const route of added) netlink.removeRoute(route);
    for (const route of added) {
      assert.equal(refusalOf(() => netlink.removeRoute(route)).code, 'ESRCH');
    }
    assert.deepEqual(netlink.routes(4, FULL_TUNNEL), []);
  },

  lookups() {
    prepareVeth();
    netlink.addRoute({ destination: ip4('172.16.0.0'), bits: 12, gateway: ip4('10.9.0.2'), mtu: 1400 });
    netlink.addRoute({ destination: ip6(0x80), bits: 121, gateway: ip6(2), mtu: 1300 });
    const interfaceIndex = netlink.link('va')?.index;
    assert.deepEqual(netlink.routeTo(ip4('10.9.0.77')), {
      device: 'va',
      interfaceIndex,
      gateway: undefined,
      source: ip4('10.9.0.1'),
      mtu: 1500,
    });
    assert.deepEqual(netlink.routeTo(ip4('172.20.1.1')), {
      device: 'va',
      interfaceIndex,
      gateway: ip4('10.9.0.2'),
      source: ip4('10.9.0.1'),
      mtu: 1400,
    });
    assert.deepEqual(netlink.routeTo(ip6(0x81)), {
      device: 'va',
      interfaceIndex,
      gateway: ip6(2),
      source: ip6(1),
      mtu: 1300,
    });
    assert.equal(refusalOf(() => netlink.routeTo(ip4('8.8.8.8'))).code, 'ENETUNREACH');

    // A full tunnel sends what carries no mark to its own table, marked packets go on as before.
    netlink.createVeth('tunnel', 'end');
    netlink.setLink('tunnel', { up: true });
    netlink.setLink('end', { up: true });
    netlink.addAddress('tunnel', ip4('10.8.0.1'), 32);
    netlink.addRoute({ destination: ANY4, bits: 0, gateway: ip4('10.9.0.2') });
    netlink.addRoute({ destination: ANY4, bits: 0, device: 'tunnel', table: FULL_TUNNEL });
    netlink.addRule({ family: 4, mark: FULL_TUNNEL, invert: true, table: FULL_TUNNEL });
    netlink.addRule({ family: 4, table: MAIN, suppressPrefixLength: 0 });
    assert.equal(netlink.routeTo(ip4('8.8.8.8')).device, 'tunnel');
    assert.equal(netlink.routeTo(ip4('8.8.8.8'), FULL_TUNNEL).device, 'va');
    assert.equal(netlink.routeTo(ip4('10.9.0.5')).device, 'va');
  },

  rules() {
    for (const family of [4, 6] as const) {
      const before = netlink.rules(family);
      assert(before.some((rule) => rule.table === MAIN && rule.priority === 32766));
      const marked: Rule = { family, mark: FULL_TUNNEL, table: FULL_TUNNEL, invert: true };
      const suppressing: Rule = { family, table: MAIN, suppressPrefixLength: 0 };
      const masked: Rule = { family, priority: 4_000_000_000, mark: 0x100, mask: 0xff00, table: 1000 };
      const unmarked: Rule = { family, priority: 90, mark: 0, mask: 0xff, table: 1001 };
      for (const rule of [marked, suppressing, masked, unmarked]) netlink.addRule(rule);

      const listed = netlink.rules(family);
      assert.equal(listed.length, before.length + 4);
      const shown = (part: Rule) =>
        listed.find((rule) => Object.entries(part).every(([key, value]) => Reflect.get(rule, key) === value));
      assert.deepEqual(shown(marked), {
        family,
        priority: 32765,
        mark: FULL_TUNNEL,
        mask: 0xffffffff,
        table: FULL_TUNNEL,
        invert: true,
      });
      assert.deepEqual(shown(suppressing), {
        family,
        priority: 32764,
        table: MAIN,
        invert: false,
        suppressPrefixLength: 0,
      });
      assert.deepEqual(shown(masked), { ...masked, invert: false });
      assert.deepEqual(shown(unmarked), { ...unmarked, invert: false });

      // Left over by an earlier run: the kernel alone would add them again at other priorities.
      for (const rule of [marked, suppressing, masked, unmarked])
        assert.equal(refusalOf(() => netlink.addRule(rule)).code, 'EEXIST');
      // What was listed can be removed as it is listed.
      for (const rule of [masked, unmarked]) netlink.removeRule(shown(rule) ?? rule);
      for (const rule of [marked, suppressing]) netlink.removeRule(rule);
      assert.deepEqual(netlink.rules(family), before);
      for (const rule of [marked, suppressing, masked])
        assert.equal(refusalOf(() => netlink.removeRule(rule)).code, 'ENOENT');
    }
  },

  removesOnlyTheEqualRule() {
    // The kernel would take the first rule that does not contradict the request, and does not look at `invert`.
    const marked: Rule = { family: 4, priority: 10, mark: 7, table: 500 };
    const inverted: Rule = { family: 4, priority: 20, mark: 8, table: 500, invert: true };
    for (const rule of [marked, inverted]) netlink.addRule(rule);
    const before = netlink.rules(4);
    assert.equal(refusalOf(() => netlink.removeRule({ family: 4, table: 500 })).code, 'ENOENT');
    assert.equal(refusalOf(() => netlink.removeRule({ family: 4, mark: 8, table: 500 })).code, 'ENOENT');
    assert.equal(
      refusalOf(() => netlink.removeRule({ family: 4, table: MAIN, suppressPrefixLength: 0 })).code,
      'ENOENT',
    );
    assert.deepEqual(netlink.rules(4), before);
    netlink.removeRule({ family: 4, mark: 8, table: 500, invert: true });
    assert.deepEqual(
      netlink.rules(4),
      before.filter((rule) => rule.priority !== 20),
    );
  },
};
