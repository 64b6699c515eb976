/**
 * One change to the system around a tunnel, as plain data: it can be compared, kept in the journal, done and undone.
 *
 * Undoing counts as done when the thing is gone already: routes and addresses go with their device, and the device goes with
 * the process that opened it.
 */
import type { Netlink, Route, Rule } from 'tun-tap-native';
import { z } from 'zod';
import { parseIp, parsePrefix } from '../address-text.ts';

const prefix = z.string().refine((text) => parsePrefix(text) !== undefined);
const number32 = z.int().min(0).max(0xffff_ffff);

export const actSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('address'), device: z.string(), prefix }),
  z.strictObject({
    kind: z.literal('up'),
    device: z.string(),
    mtu: z.int(),
    queueLength: z.int().optional(),
  }),
  z.strictObject({ kind: z.literal('route'), device: z.string(), prefix, table: number32.optional() }),
  z.strictObject({
    kind: z.literal('rule'),
    family: z.literal([4, 6]),
    priority: number32,
    table: number32,
    /** `not fwmark`: what does not carry the mark. */
    exceptMark: number32.optional(),
    suppressPrefixLength: z.int().optional(),
  }),
  z.strictObject({
    kind: z.literal('sysctl'),
    name: z.string().regex(/^[a-z0-9_./-]+$/),
    value: z.string(),
    before: z.string(),
  }),
  z.strictObject({
    kind: z.literal('dns'),
    device: z.string(),
    servers: z.array(z.string().refine((ip) => parseIp(ip) !== undefined)),
    search: z.array(z.string()),
  }),
]);
export type Act = z.infer<typeof actSchema>;

/** What acts are done with; a fake of it in tests. */
export interface LinkSystem {
  readonly netlink: Netlink;
  /** `/proc/sys/<name>`, without line end. */
  readSysctl(name: string): string;
  writeSysctl(name: string, value: string): void;
  /** Registers name servers with resolvconf; throws when there is none. */
  setDns(device: string, servers: readonly string[], search: readonly string[]): void;
  unsetDns(device: string): void;
}

/** Whether an act stays behind when the process and so its device are gone: these are kept in the journal. */
export function outlivesDevice(act: Act): boolean {
  return act.kind === 'rule' || act.kind === 'sysctl' || act.kind === 'dns';
}

/** Does one act. `false`: it was there already and is not ours to undo. Throws the system's error. */
export function perform(act: Act, system: LinkSystem): boolean {
  const { netlink } = system;
  switch (act.kind) {
    case 'address': {
      const { ip, bits } = required(parsePrefix(act.prefix));
      netlink.addAddress(act.device, ip, bits);
      return true;
    }
    case 'up':
      preventLinkLocal(act.device, system);
      netlink.setLink(act.device, {
        mtu: act.mtu,
        up: true,
        ...(act.queueLength !== undefined && { txQueueLength: act.queueLength }),
      });
      return true;
    case 'route':
      return addRoute(act, netlink);
    case 'rule':
      netlink.addRule(ruleOf(act));
      return true;
    case 'sysctl':
      system.writeSysctl(act.name, act.value);
      return act.before !== act.value;
    case 'dns':
      system.setDns(act.device, act.servers, act.search);
      return true;
    default:
      return act satisfies never;
  }
}

/** Takes one act back. Throws the system's error unless it says that the thing is gone. */
export function undo(act: Act, system: LinkSystem): void {
  const { netlink } = system;
  switch (act.kind) {
    case 'address': {
      const { ip, bits } = required(parsePrefix(act.prefix));
      return unlessGone(() => netlink.removeAddress(act.device, ip, bits));
    }
    case 'up':
      return unlessGone(() => netlink.setLink(act.device, { up: false }));
    case 'route':
      return unlessGone(() => netlink.removeRoute(routeOf(act)));
    case 'rule':
      return unlessGone(() => netlink.removeRule(ruleOf(act)));
    case 'sysctl':
      // Other tunnels that route by mark need it too; the last one to go puts it back.
      if (!netlink.rules(4).some((rule) => rule.invert === true && rule.mark !== undefined))
        system.writeSysctl(act.name, act.before);
      return;
    case 'dns':
      return system.unsetDns(act.device);
    default:
      act satisfies never;
  }
}

/** As people read it, for errors and the log. */
export function describe(act: Act): string {
  switch (act.kind) {
    case 'address':
      return `address ${act.prefix} on ${act.device}`;
    case 'up':
      return `${act.device} up with MTU ${act.mtu}`;
    case 'route':
      return `route ${act.prefix} by ${act.device}${act.table === undefined ? '' : ` in table ${act.table}`}`;
    case 'rule':
      return `IPv${act.family} rule ${act.priority} for table ${act.table}`;
    case 'sysctl':
      return `${act.name} = ${act.value}`;
    case 'dns':
      return `name servers ${act.servers.join(', ')}`;
    default:
      return act satisfies never;
  }
}

/** As WireGuard's device: a link-local address would only send router solicitations, which belong to no peer. */
function preventLinkLocal(device: string, system: LinkSystem): void {
  try {
    system.writeSysctl(`net/ipv6/conf/${device}/addr_gen_mode`, '1');
  } catch {
    // no IPv6 here, or /proc/sys is read-only: cosmetic
  }
}

/** A connected route (of an address with the same prefix) serves as well; one of another device is a conflict. */
function addRoute(act: Act & { kind: 'route' }, netlink: Netlink): boolean {
  try {
    netlink.addRoute(routeOf(act));
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    const wanted = routeOf(act);
    const there = netlink.routes(wanted.destination.length === 4 ? 4 : 6, act.table);
    const same = (route: Route) =>
      route.bits === wanted.bits && Buffer.compare(route.destination, wanted.destination) === 0;
    if (there.some((route) => same(route) && route.device === act.device)) return false;
    throw error;
  }
}

function routeOf(act: Act & { kind: 'route' }): Route {
  const { ip, bits } = required(parsePrefix(act.prefix));
  return { destination: ip, bits, device: act.device, ...(act.table !== undefined && { table: act.table }) };
}

function ruleOf(act: Act & { kind: 'rule' }): Rule {
  return {
    family: act.family,
    priority: act.priority,
    table: act.table,
    ...(act.exceptMark !== undefined && { mark: act.exceptMark, invert: true }),
    ...(act.suppressPrefixLength !== undefined && { suppressPrefixLength: act.suppressPrefixLength }),
  };
}

function unlessGone(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!goneCodes.has(errnoOf(error) ?? '')) throw error;
  }
}

const goneCodes = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'ENXIO', 'EADDRNOTAVAIL']);

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** INVARIANT: the schema and the planner let only prefixes through that parse. */
function required<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError('an act with an ill-formed prefix');
  return value;
}
