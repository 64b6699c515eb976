import type { Netlink, Route, Rule } from 'tun-tap-native';
import { formatIp } from '../address-text.ts';
import type { LinkSystem } from './act.ts';

const failure = (code: string) => Object.assign(new Error(`netlink: ${code}`), { code });

/** Remembers what is there, and every call; `failAt` breaks one call by number. */
export class FakeSystem implements LinkSystem {
  readonly calls: string[] = [];
  readonly there = new Set<string>();
  readonly #rules: Rule[] = [];
  readonly #routes: Route[] = [];
  sysctl = '0';
  failAt = Number.POSITIVE_INFINITY;
  routeMtus: Record<string, number> = {};

  readonly netlink: Netlink = {
    addAddress: (name: string, ip: Uint8Array, bits: number) =>
      this.#add(`address ${name} ${formatIp(ip)}/${bits}`),
    removeAddress: (name: string, ip: Uint8Array, bits: number) =>
      this.#remove(`address ${name} ${formatIp(ip)}/${bits}`, 'EADDRNOTAVAIL'),
    setLink: (name: string, change: object) => this.#call(`set ${name} ${JSON.stringify(change)}`),
    addRoute: (route: Route) => {
      this.#add(routeText(route));
      this.#routes.push(route);
    },
    removeRoute: (route: Route) => this.#remove(routeText(route), 'ESRCH'),
    routes: (family: 4 | 6, table = 254) =>
      this.#routes.filter(
        (r) => (r.table ?? 254) === table && (r.destination.length === 4) === (family === 4),
      ),
    addRule: (rule: Rule) => {
      this.#add(ruleText(rule));
      this.#rules.push(rule);
    },
    removeRule: (rule: Rule) => {
      this.#remove(ruleText(rule), 'ENOENT');
      this.#rules.splice(
        this.#rules.findIndex((r) => ruleText(r) === ruleText(rule)),
        1,
      );
    },
    rules: (family: 4 | 6) => this.#rules.filter((rule) => rule.family === family),
    routeTo: (ip: Uint8Array) => {
      const mtu = this.routeMtus[formatIp(ip)];
      if (mtu === undefined) throw failure('ENETUNREACH');
      return { device: 'eth0', interfaceIndex: 1, gateway: undefined, source: undefined, mtu };
    },
  } as unknown as Netlink; // what the session calls

  readSysctl = () => this.sysctl;
  writeSysctl = (name: string, value: string) => {
    if (name.endsWith('addr_gen_mode')) return; // a wish, not an act
    this.#call(`sysctl ${name}=${value}`);
    this.sysctl = value;
  };
  setDns = (device: string, servers: readonly string[]) => this.#call(`dns ${device} ${servers.join()}`);
  unsetDns = (device: string) => this.#call(`no dns ${device}`);

  connect(route: Route): void {
    this.there.add(routeText(route));
    this.#routes.push(route);
  }

  #call(text: string): void {
    this.calls.push(text);
    if (this.calls.length === this.failAt) throw failure('EPERM');
  }

  #add(text: string): void {
    this.#call(`+ ${text}`);
    if (this.there.has(text)) throw failure('EEXIST');
    this.there.add(text);
  }

  #remove(text: string, code: string): void {
    this.#call(`- ${text}`);
    if (!this.there.delete(text)) throw failure(code);
  }
}

const routeText = (r: Route) =>
  `route ${formatIp(r.destination)}/${r.bits}${r.table === undefined ? '' : ` table ${r.table}`}`;
const ruleText = (r: Rule) =>
  `rule ${r.family} ${r.priority} table ${r.table}${r.mark === undefined ? '' : ` not ${r.mark}`}${r.suppressPrefixLength === undefined ? '' : ` suppress ${r.suppressPrefixLength}`}`;
