import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatIp, parseIp } from '../address-text.ts';
import { parseConfig } from '../config/config-file.ts';
import type { DaemonConfig } from '../config/model.ts';
import { bytesOf, interfaceLines, noSources, peerLines } from '../config/sample.test.kit.ts';
import type { Act } from './act.ts';
import { FakeSystem } from './fake-system.test.kit.ts';
import { fileJournal, type Journal } from './journal.ts';
import { LinkError, LinkSession, undoLeftovers } from './link-session.ts';
import { chooseMtu, choosePlacement, literalEndpoints } from './placement.ts';
import { isFullTunnel, planLink } from './plan.ts';

const config = (...peer: string[]): DaemonConfig =>
  parseConfig(
    bytesOf([...interfaceLines, ...peerLines.slice(0, 3), 'Endpoint = 192.0.2.1:51820', ...peer].join('\n')),
    { file: 'f', sources: noSources },
  );
const full = config('AllowedIPs = 0.0.0.0/0, ::/0, 10.0.0.0/8');
const split = config('AllowedIPs = 10.88.0.0/24, 10.0.0.0/8');
const placement = { mark: 51820, priority: 32764 };
const plan = (of: DaemonConfig, queueLength?: number) =>
  planLink({
    config: of,
    device: 'pq0',
    mtu: 1420,
    queueLength,
    placement: isFullTunnel(of) ? placement : undefined,
    srcValidMark: '0',
  });

class MemoryJournal implements Journal {
  acts: readonly Act[] = [];
  load = () => [...this.acts];
  save = (acts: readonly Act[]) => {
    this.acts = [...acts];
  };
  clear = () => {
    this.acts = [];
  };
}

const session = (system = new FakeSystem(), journal = new MemoryJournal()) => ({
  system,
  journal,
  link: new LinkSession(system, journal),
});

describe('the plan', () => {
  it('of a split tunnel is addresses, link, routes, longest first', () => {
    const { link, system } = session();
    link.change(plan(split, 64));
    expect(system.calls).toEqual([
      '+ address pq0 10.88.0.2/24',
      '+ address pq0 fd00:88::2/64',
      'set pq0 {"mtu":1420,"up":true,"txQueueLength":64}',
      '+ route 10.88.0.0/24',
      '+ route 10.0.0.0/8',
    ]);
  });

  it('of a full tunnel has its own table, a rule for what is not marked, and the main table first without its default', () => {
    const { link, system } = session();
    link.change(plan(full));
    expect(system.calls.slice(3)).toEqual([
      '+ route 10.0.0.0/8',
      'sysctl net/ipv4/conf/all/src_valid_mark=1',
      '+ route 0.0.0.0/0 table 51820',
      '+ rule 4 32765 table 51820 not 51820',
      '+ rule 4 32764 table 254 suppress 0',
      '+ route ::/0 table 51820',
      '+ rule 6 32765 table 51820 not 51820',
      '+ rule 6 32764 table 254 suppress 0',
    ]);
  });

  it('with Table = N puts every route there and needs no rule; with Table = off there is none', () => {
    const into = config('AllowedIPs = 0.0.0.0/0');
    const withTable = (table: number | 'off') => ({ ...into, link: { ...into.link, table } });
    expect(plan(withTable(100)).filter(({ kind }) => kind !== 'address')).toEqual([
      { kind: 'up', device: 'pq0', mtu: 1420 },
      { kind: 'route', device: 'pq0', prefix: '0.0.0.0/0', table: 100 },
    ]);
    expect(plan(withTable('off')).some(({ kind }) => kind === 'route')).toBe(false);
    expect(isFullTunnel(withTable(100))).toBe(false);
  });
});

describe('placement', () => {
  it('takes a free table and free priorities, or the configured mark', () => {
    const system = new FakeSystem();
    expect(choosePlacement(full, system.netlink)).toEqual({ mark: 51820, priority: 32764 });
    system.connect({ destination: new Uint8Array(4), bits: 0, table: 51820 });
    system.netlink.addRule({ family: 6, priority: 32765, table: 7 });
    expect(choosePlacement(full, system.netlink)).toEqual({ mark: 51821, priority: 32763 });
    expect(choosePlacement({ ...full, tunnel: { ...full.tunnel, fwMark: 7 } }, system.netlink).mark).toBe(7);
  });

  it('takes the MTU of the narrowest route less 80, within bounds, or what is configured', () => {
    const { netlink } = Object.assign(new FakeSystem(), {
      routeMtus: { '192.0.2.1': 1492, '192.0.2.2': 1500, '127.0.0.1': 65536, '192.0.2.3': 1300 },
    });
    const ip = (text: string) => parseIp(text) ?? new Uint8Array(4);
    expect(chooseMtu(full, [ip('192.0.2.1'), ip('192.0.2.2')], netlink)).toBe(1412);
    expect(chooseMtu(full, [ip('203.0.113.1')], netlink)).toBe(1420);
    expect(chooseMtu(full, [], netlink)).toBe(1420);
    expect(chooseMtu(full, [ip('192.0.2.3')], netlink)).toBe(1280);
    const onlyIpv4 = { ...full, link: { ...full.link, addresses: full.link.addresses.slice(0, 1) } };
    expect(chooseMtu(onlyIpv4, [ip('192.0.2.3')], netlink)).toBe(1220);
    expect(chooseMtu(full, [ip('127.0.0.1')], netlink)).toBe(65456);
    expect(chooseMtu({ ...full, link: { ...full.link, mtu: 1300 } }, [], netlink)).toBe(1300);
    expect(literalEndpoints(full).map(formatIp)).toEqual(['192.0.2.1']);
  });
});

describe('undoing', () => {
  it('goes in reverse and leaves nothing', () => {
    const { link, system, journal } = session();
    link.change(plan(full));
    const done = system.calls.splice(0).filter((call) => call.startsWith('+'));
    expect(journal.acts.map(({ kind }) => kind)).toEqual(['sysctl', 'rule', 'rule', 'rule', 'rule']);
    expect(link.undo()).toEqual([]);
    const undone = system.calls.filter((call) => call.startsWith('-')).map((call) => call.replace('-', '+'));
    expect(undone).toEqual(done.toReversed());
    expect([system.there.size, system.sysctl, journal.acts.length]).toEqual([0, '0', 0]);
  });

  it.each(Array.from({ length: 11 }, (_, at) => at + 1))(
    'undoes all of it when call %i of a start fails',
    (failAt) => {
      const { link, system, journal } = session();
      system.failAt = failAt;
      expect(() => link.change(plan(full))).toThrow(LinkError);
      expect([...system.there]).toEqual([]);
      expect([system.sysctl, journal.acts.length]).toEqual(['0', 0]);
      link.change(plan(full)); // and it can be tried again
      expect(system.there.size).toBe(2 + 3 + 4);
    },
  );

  it.each(Array.from({ length: 11 }, (_, at) => at + 1))(
    'after a kill behind call %i, the next daemon takes back what outlived the device',
    (killAt) => {
      const { link, system, journal } = session();
      system.failAt = killAt;
      const kept: Act[] = [];
      journal.clear = () => {}; // the killed one does not tidy up
      const save = journal.save;
      journal.save = (acts) => {
        if (acts.length >= kept.length) kept.splice(0, kept.length, ...acts);
        save(acts);
      };
      const remaining = new Set<string>();
      const original = system.netlink.removeRule;
      system.netlink.removeRule = () => {}; // nor does it undo
      const writeSysctl = system.writeSysctl;
      try {
        link.change(plan(full));
      } catch {}
      system.netlink.removeRule = original;
      system.writeSysctl = writeSysctl;
      for (const thing of system.there) if (thing.startsWith('rule')) remaining.add(thing);
      system.there.clear(); // the device is gone, and with it addresses and routes
      for (const rule of remaining) system.there.add(rule);
      const next = new MemoryJournal();
      next.acts = kept;
      expect(undoLeftovers(system, next).problems).toEqual([]);
      expect([...system.there]).toEqual([]);
      expect(next.acts).toEqual([]);
    },
  );

  it('goes on behind what cannot be undone, and says what', () => {
    const { link, system } = session();
    link.change(plan(split));
    system.calls.length = 0;
    system.failAt = 1;
    expect(link.undo()).toEqual(['route 10.0.0.0/8 by pq0: netlink: EPERM']);
    expect([...system.there]).toEqual(['route 10.0.0.0/8']);
  });

  it('leaves src_valid_mark while another tunnel routes by mark', () => {
    const { link, system } = session();
    link.change(plan(full));
    system.netlink.addRule({ family: 4, priority: 1, table: 9, mark: 9, invert: true });
    link.undo();
    expect(system.sysctl).toBe('1');
  });
});

describe('changing', () => {
  it('does only what is different', () => {
    const { link, system } = session();
    link.change(plan(split));
    system.calls.length = 0;
    link.change(plan(config('AllowedIPs = 10.88.0.0/24, 172.16.0.0/12')));
    expect(system.calls).toEqual(['+ route 172.16.0.0/12', '- route 10.0.0.0/8']);
    system.calls.length = 0;
    link.change(plan(config('AllowedIPs = 10.88.0.0/24, 172.16.0.0/12')));
    expect(system.calls).toEqual([]);
  });

  it('that fails leaves everything as it was', () => {
    const { link, system } = session();
    link.change(plan(split));
    const before = [...system.there];
    system.calls.length = 0;
    system.failAt = 2;
    expect(() => link.change(plan(config('AllowedIPs = 172.16.0.0/12, 192.168.0.0/16')))).toThrow(
      'route 172.16.0.0/12',
    );
    expect([...system.there].sort()).toEqual(before.sort());
    expect(link.undo()).toEqual([]);
    expect(system.there.size).toBe(0);
  });

  it('takes a route that is there by our own device as done, and another device’s as an error', () => {
    const { link, system } = session();
    system.connect({ destination: Uint8Array.of(10, 88, 0, 0), bits: 24, device: 'pq0' });
    link.change(plan(split));
    link.undo();
    expect([...system.there]).toEqual(['route 10.88.0.0/24']);
    const other = session();
    other.system.connect({ destination: Uint8Array.of(10, 0, 0, 0), bits: 8, device: 'eth0' });
    expect(() => other.link.change(plan(split))).toThrow('route 10.0.0.0/8 by pq0: netlink: EEXIST');
  });
});

describe('the journal', () => {
  it('reads back what it wrote, and refuses what it did not', () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-journal-'));
    try {
      const file = path.join(directory, 'pq0.journal');
      const journal = fileJournal(file);
      expect(journal.load()).toEqual([]);
      journal.save(plan(full));
      expect(journal.load()).toEqual(plan(full));
      for (const bad of [
        '',
        '{',
        '{"version":2,"acts":[]}',
        '{"version":1,"acts":[{"kind":"exec"}]}',
        '{"version":1,"acts":[{"kind":"sysctl","name":"../x y","value":"","before":""}]}',
      ]) {
        fs.writeFileSync(file, bad);
        expect(() => journal.load()).toThrow();
      }
      journal.clear();
      expect(fs.readdirSync(directory)).toEqual([]);
    } finally {
      fs.rmSync(directory, { recursive: true });
    }
  });
});
