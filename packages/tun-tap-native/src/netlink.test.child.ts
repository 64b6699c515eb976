// Scenarios of netlink.test.ts. Each runs in a fresh network namespace that holds nothing but a `lo` that is down.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { runScenario, type Scenarios } from './namespace.test.kit.ts';
import { openNetlink } from './netlink.ts';
import type { Route, Rule } from './types.ts';

const netlink = openNetlink();
const MAIN = 254;
const FULL_TUNNEL = 51820;
const ANY4 = new Uint8Array(4);
const ANY6 = new Uint8Array(16);

const ip4 = (text: string) => Uint8Array.from(text.split('.'), Number);
/** `fd00:…:last`. */
const ip6 = (last: number) =>
  Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0xfd : i === 15 ? last : 0));
const openDescriptors = () => readdirSync('/proc/self/fd').length;
const ip = (...words: string[]) =>
  JSON.parse(execFileSync('ip', ['-j', ...words], { encoding: 'utf8' }) || '[]');
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

/** A pair of up interfaces in this namespace, with addresses on the first. */
function prepareVeth(): void {
  netlink.createVeth('va', 'vb');
  netlink.setLink('va', { up: true });
  netlink.setLink('vb', { up: true });
  netlink.addAddress('va', ip4('10.9.0.1'), 24);
  netlink.addAddress('va', ip6(1), 64);
}

/** A process that holds another network namespace open. */
async function holdNamespace(): Promise<{ pid: number; release(): void; interfaces(): string[] }> {
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const pid = holder.pid;
  assert(pid !== undefined);
  const table = () => readFileSync(`/proc/${pid}/net/dev`, 'utf8');
  return {
    pid,
    release: () => holder.kill('SIGKILL'),
    interfaces: () => [...table().matchAll(/^\s*(\S+):/gm)].map((match) => String(match[1])),
  };
}

/** What `call` throws; everything netlink refuses must look like this. */
function refusalOf(call: () => unknown): NodeJS.ErrnoException {
  try {
    call();
  } catch (error) {
    assert(error instanceof Error);
    const refusal: NodeJS.ErrnoException = error;
    assert.equal(refusal.syscall, 'netlink');
    assert(typeof refusal.errno === 'number' && refusal.errno < 0);
    return refusal;
  }
  return assert.fail('nothing was thrown');
}

const scenarios: Scenarios = {
  links() {
    const [loopback, ...others] = netlink.links();
    assert.deepEqual(others, []);
    assert.deepEqual(loopback, {
      index: 1,
      name: 'lo',
      mtu: 65536,
      up: false,
      running: false,
      kind: undefined,
    });
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
    // Deliberately mistyped: what JavaScript callers may do.
    const loose: Record<string, (...values: unknown[]) => unknown> = { ...netlink };
    const call = (name: string, ...values: unknown[]) => loose[name]?.(...values);
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

  async watch() {
    prepareVeth();
    // Whatever follows from `prepareVeth` later (carrier, router solicitations) changes no route or address below 10.0.0.0.
    const told: string[][] = [];
    let wake = () => {};
    const watch = netlink.watch((changes) => {
      told.push([...changes].sort());
      wake();
    });
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });

    for (let i = 1; i <= 50; i++) netlink.addAddress('va', ip4(`10.9.1.${i}`), 32);
    await next();
    assert.equal(told.length, 1);
    assert.deepEqual(
      told[0]?.filter((change) => change !== 'link'),
      ['address', 'route'],
    );

    netlink.createVeth('vc', 'vd');
    await next();
    assert.equal(told.length, 2);
    assert(told[1]?.includes('link'));

    watch.close();
    watch.close();
    // Another watch proves that the notice went round, and the closed one stayed silent.
    const other = netlink.watch(() => wake());
    netlink.deleteLink('vc');
    await next();
    other.close();
    assert.equal(told.length, 2);
  },

  async overrun() {
    netlink.setLink('lo', { up: true });
    let wake: (changes: ReadonlySet<string>) => void = () => {};
    const watch = netlink.watch((changes) => wake(changes));
    const next = () =>
      new Promise<ReadonlySet<string>>((resolve) => {
        wake = resolve;
      });
    for (let i = 0; i < 1500; i++) {
      netlink.addAddress('lo', ip4('10.9.1.1'), 32);
      netlink.removeAddress('lo', ip4('10.9.1.1'), 32);
    }
    // No link changed: only the lost notices can say so.
    assert.deepEqual([...(await next())].sort(), ['address', 'link', 'route']);
    // The watch goes on.
    netlink.addAddress('lo', ip4('10.9.1.2'), 32);
    assert.deepEqual([...(await next())].sort(), ['address', 'route']);
    watch.close();
  },

  descriptors() {
    prepareVeth();
    const round = () => {
      netlink.links();
      netlink.rules(4);
      netlink.addAddress('va', ip4('10.9.1.1'), 32);
      assert.throws(() => netlink.addAddress('va', ip4('10.9.1.1'), 32));
      netlink.removeAddress('va', ip4('10.9.1.1'), 32);
      netlink.watch(() => {}).close();
    };
    round();
    const before = openDescriptors();
    for (let i = 0; i < 1000; i++) round();
    assert.equal(openDescriptors(), before);
  },

  async environments() {
    const before = openDescriptors();
    const source = `
      const { openNetlink } = await import(${JSON.stringify(import.meta.resolve('./netlink.ts'))});
      const { parentPort } = await import('node:worker_threads');
      const netlink = openNetlink();
      netlink.watch(() => {});
      netlink.watch(() => {});
      parentPort.postMessage(netlink.links().length);
    `;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    for (let i = 0; i < 10; i++) {
      const workers = [new Worker(url), new Worker(url)];
      const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
      assert.deepEqual(answers, [[1], [1]]);
      // Torn down with the watches open.
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    assert.equal(openDescriptors(), before);
    // This process, too, ends with one open.
    netlink.watch(() => {});
    process.once('beforeExit', () => assert.fail('a watch keeps the process alive'));
    setImmediate(() => process.exit(0));
  },

  async keepsWatchingWithoutAReference() {
    netlink.setLink('lo', { up: true });
    let wake = () => {};
    netlink.watch(() => wake());
    for (let i = 0; i < 10; i++) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const told = new Promise<void>((resolve) => {
      wake = resolve;
    });
    netlink.addAddress('lo', ip4('10.9.1.1'), 32);
    await told;
    setImmediate(() => process.exit(0));
  },

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

await runScenario(scenarios);
