/** Scenarios of netlink.test.ts about what the kernel, or we, refuse. */
import assert from 'node:assert/strict';
import { openNetlink } from '../netlink.ts';
import type { Route } from '../types.ts';
import { ANY4, ANY6, ip4, ip6, prepareVeth, refusalOf } from './netlink-fixture.ts';

const netlink = openNetlink();

export const scenarios = {
  refusals() {
    prepareVeth();
    const route: Route = { destination: ip4('172.16.0.0'), bits: 12, gateway: ip4('10.9.0.2'), table: 51820 };
    netlink.addRoute(route);
    const rows: [() => unknown, string, number, RegExp][] = [
      [
        () => netlink.addAddress('va', ip4('10.9.0.1'), 24),
        'EEXIST',
        -17,
        /^cannot add address 10\.9\.0\.1\/24 to va: EEXIST \(File exists\)/,
      ],
      [() => netlink.addAddress('va', ip6(1), 64), 'EEXIST', -17, /add address fd00::1\/64 to va/],
      [
        () => netlink.addAddress('absent', ip4('10.9.0.1'), 24),
        'ENODEV',
        -19,
        /add address 10\.9\.0\.1\/24 to absent: ENODEV \(No such device\)/,
      ],
      [
        () => netlink.removeAddress('va', ip4('10.9.0.9'), 24),
        'EADDRNOTAVAIL',
        -99,
        /remove address 10\.9\.0\.9\/24 from va/,
      ],
      [() => netlink.addresses('absent'), 'ENODEV', -19, /list addresses of absent/],
      [() => netlink.createVeth('va', 'vc'), 'EEXIST', -17, /create veth pair va and vc/],
      [() => netlink.createVeth('vx', 'vy', 2_000_000_000), 'ESRCH', -3, /create veth pair vx and vy/],
      [() => netlink.deleteLink('absent'), 'ENODEV', -19, /delete link absent/],
      [() => netlink.setLink('absent', { up: true }), 'ENODEV', -19, /change link absent/],
      [() => netlink.setLink('va', { rename: 'vb' }), 'EEXIST', -17, /change link va/],
      // The text after the second colon is the kernel's own.
      [
        () => netlink.setLink('va', { mtu: 1_000_000 }),
        'EINVAL',
        -22,
        /change link va: EINVAL \(Invalid argument\): mtu greater than device maximum/,
      ],
      [
        () => netlink.addRoute(route),
        'EEXIST',
        -17,
        /add route 172\.16\.0\.0\/12 via 10\.9\.0\.2 table 51820/,
      ],
      [
        () => netlink.addRoute({ destination: ANY4, bits: 0, gateway: ip4('10.77.0.1') }),
        'ENETUNREACH',
        -101,
        /add route 0\.0\.0\.0\/0 via 10\.77\.0\.1: .*Nexthop has invalid gateway/,
      ],
      [
        () => netlink.addRoute({ destination: ANY6, bits: 0, device: 'absent' }),
        'ENODEV',
        -19,
        /add route ::\/0 dev absent/,
      ],
      [
        () => netlink.removeRoute({ destination: ip4('1.2.3.0'), bits: 24 }),
        'ESRCH',
        -3,
        /remove route 1\.2\.3\.0\/24: ESRCH \(No such process\): no such route/,
      ],
      [
        () => netlink.removeRule({ family: 6, mark: 9, table: 99 }),
        'ENOENT',
        -2,
        /remove rule IPv6 mark 9 table 99: ENOENT \(No such file or directory\): no such rule/,
      ],
    ];
    for (const [call, code, errno, message] of rows) {
      const refusal = refusalOf(call);
      assert.deepEqual([refusal.code, refusal.errno], [code, errno], refusal.message);
      assert.match(refusal.message, message);
    }
  },

  arguments() {
    // Wrongly typed on purpose: what JavaScript callers may do.
    const call = (name: string, ...values: unknown[]) => {
      const method: unknown = Reflect.get(netlink, name);
      assert(typeof method === 'function');
      return Reflect.apply(method, undefined, values);
    };
    const four = ip4('10.0.0.0');
    const route = (part: object) => ({ destination: four, bits: 8, device: 'lo', ...part });
    const thrower = {
      get up(): boolean {
        throw new SyntaxError('from a getter');
      },
    };
    const rows: [() => unknown, string, RegExp][] = [
      [() => call('link'), 'TypeError', /^name must be a string/],
      [() => call('link', 7), 'TypeError', /^name must be a string/],
      [() => call('link', ''), 'RangeError', /^name must be an interface name/],
      [() => call('link', 'sixteen-bytes-16'), 'RangeError', /^name must be/],
      [() => call('link', 'ünïcödé-ünï'), 'RangeError', /^name must be/],
      [() => call('link', 'a/b'), 'RangeError', /^name must be/],
      [() => call('link', 'a\0b'), 'RangeError', /^name must be/],
      [() => call('link', '..'), 'RangeError', /^name must be/],
      [() => call('setLink', 'lo'), 'TypeError', /^change must be an object/],
      [() => call('setLink', 'lo', null), 'TypeError', /^change must be an object/],
      [() => call('setLink', 'lo', { up: 1 }), 'TypeError', /^change\.up must be a boolean/],
      [
        () => call('setLink', 'lo', { mtu: 1.5 }),
        'RangeError',
        /^change\.mtu must be an integer from 1 to 2147483647/,
      ],
      [() => call('setLink', 'lo', { mtu: Number.NaN }), 'RangeError', /^change\.mtu/],
      [() => call('setLink', 'lo', { mtu: '1500' }), 'TypeError', /^change\.mtu must be a number/],
      [() => call('setLink', 'lo', { txQueueLength: -1 }), 'RangeError', /^change\.txQueueLength/],
      [() => call('setLink', 'lo', { rename: '' }), 'RangeError', /^change\.rename/],
      [() => call('setLink', 'lo', { netnsPid: 0 }), 'RangeError', /^change\.netnsPid/],
      [() => call('setLink', 'lo', thrower), 'SyntaxError', /^from a getter/],
      [() => call('createVeth', 'a'), 'TypeError', /^peerName/],
      [() => call('createVeth', 'a', 'b', -1), 'RangeError', /^peerNetnsPid/],
      [() => call('addresses', 5), 'TypeError', /^name/],
      [() => call('addAddress', 'lo', '10.0.0.1', 8), 'TypeError', /^ip must be a Uint8Array/],
      [() => call('addAddress', 'lo', new Uint16Array(4), 8), 'TypeError', /^ip must be a Uint8Array/],
      [() => call('addAddress', 'lo', new Uint8Array(5), 8), 'RangeError', /^ip must be 4 or 16 bytes long/],
      [() => call('addAddress', 'lo', four, 33), 'RangeError', /^bits must be an integer from 0 to 32/],
      [
        () => call('addAddress', 'lo', new Uint8Array(16), 129),
        'RangeError',
        /^bits must be an integer from 0 to 128/,
      ],
      [() => call('routes', 5), 'RangeError', /^family must be 4 or 6/],
      [() => call('routes', 4, 0), 'RangeError', /^table must be an integer from 1 to 4294967295/],
      [() => call('addRoute'), 'TypeError', /^route must be an object/],
      [() => call('addRoute', {}), 'TypeError', /^route\.destination must be a Uint8Array/],
      [
        () => call('addRoute', { destination: four, bits: 8 }),
        'TypeError',
        /^route must be an object with gateway or device/,
      ],
      [
        () => call('addRoute', route({ bits: 4 })),
        'RangeError',
        /^route\.destination must be without bits beyond the prefix of 4/,
      ],
      [() => call('addRoute', route({ table: 2 ** 32 })), 'RangeError', /^route\.table/],
      [() => call('addRoute', route({ metric: -1 })), 'RangeError', /^route\.metric/],
      [() => call('addRoute', route({ mtu: 0 })), 'RangeError', /^route\.mtu/],
      [() => call('addRoute', route({ source: new Uint8Array(16) })), 'RangeError', /^route\.source/],
      [
        () => call('addRoute', { ...route({}), destination: new Uint8Array(16), gateway: four }),
        'RangeError',
        /^route\.gateway/,
      ],
      [() => call('routeTo', new Uint8Array(0)), 'RangeError', /^ip/],
      [() => call('routeTo', four, 2 ** 32), 'RangeError', /^mark/],
      [() => call('rules', '4'), 'TypeError', /^family must be a number/],
      [() => call('addRule', { family: 7 }), 'RangeError', /^rule\.family/],
      [() => call('addRule', { family: 4, invert: 'no' }), 'TypeError', /^rule\.invert/],
      [
        () => call('addRule', { family: 4, suppressPrefixLength: 33 }),
        'RangeError',
        /^rule\.suppressPrefixLength/,
      ],
      [() => call('removeRule', { family: 4, mark: 2 ** 32 }), 'RangeError', /^rule\.mark/],
      [() => call('watch', {}), 'TypeError', /^onChange must be a function/],
    ];
    const before = [netlink.links(), netlink.addresses(), netlink.rules(4), netlink.routes(4)];
    for (const [wrong, name, message] of rows) assert.throws(wrong, { name, message });
    assert.deepEqual([netlink.links(), netlink.addresses(), netlink.rules(4), netlink.routes(4)], before);
    // A detached buffer has length 0.
    const detached = ip4('10.0.0.1');
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    assert.throws(() => netlink.routeTo(detached), { name: 'RangeError', message: /^ip/ });
  },
};
