/**
 * What a tunnel costs in a day only because it is there: bytes of both directions on the wire, and CPU of both ends' handshakes.
 * Reckoned, not measured, but for the CPU of a handshake. Labels: `profile`, `use` (idle, busy), `what` (bytes, month, cpu), `program`
 * (pqtun, wireguard), `suite`, `ip`, `keepalive` (seconds, 0: off).
 */
import { lengths, type RekeyProfile } from '@pqtun/core';
import { median } from '../measure/statistics.ts';
import { type HandshakeCpu, handshakeCpu, hybridKinds, kindName } from '../rekey/handshake-cpu.ts';
import {
  bytesOf,
  type Cycle,
  cycleOf,
  cyclesADay,
  daysAMonth,
  handshakeLengths,
  type IpVersion,
  type PeerKind,
  secondsADay,
} from '../rekey/schedule.ts';
import type { Row, Unit } from '../result.ts';
import type { Context, Found, Section } from '../section.ts';

export const rekeySection: Section = {
  id: 'rekey',
  title: 'What keeping one tunnel alive costs: both directions on the wire, CPU of both ends',
  isDefault: true,
  estimate: () => 2,
  run: async (context) => rekey(context),
};

/** Of an ordinary LTE line, in seconds. */
const roundTrip = 0.05;
const keepalive = 25;
const profiles: readonly RekeyProfile[] = ['standard', 'metered'];
const uses = ['idle', 'busy'] as const;
const ipVersions: readonly IpVersion[] = [4, 6];
const headerWords = { 4: '28 B of IPv4 and UDP', 6: '48 B of IPv6 and UDP' } as const;

/** It follows traffic, not the keys: docs/adr/0011. */
const pathsNotCounted =
  '; not counted: a long probe every ten minutes that looks whether the path has changed';

type Use = (typeof uses)[number];

/** One tunnel: its rows are named alike and differ in the figure. */
interface Case {
  readonly profile: RekeyProfile;
  readonly use: Use;
  readonly peer: PeerKind;
  readonly cycle: Cycle;
}

function rekey({ options, rows, progress, signal }: Context): Found {
  const cpu = new Map<PeerKind, HandshakeCpu>();
  const kinds: readonly PeerKind[] = [...hybridKinds, 'classical'];
  for (const [i, peer] of kinds.entries()) {
    progress(i / kinds.length, `a handshake, ${kindName(peer)}`);
    cpu.set(
      peer,
      handshakeCpu(peer, rows, options.quick ? 1 : options.rounds, () => signal.throwIfAborted()),
    );
  }
  const cases = profiles.flatMap((profile) =>
    uses.flatMap((use) => kinds.map((peer) => caseOf(profile, use, peer))),
  );
  return {
    rows: [
      ...cases.flatMap((each) => [
        ...ipVersions.flatMap((ip) => [bytesRow(each, ip), monthRow(each, ip)]),
        ...cpuRows(each, cpu.get(each.peer)),
      ]),
      ...profiles.flatMap((profile) => [silentRow(profile, 1), silentRow(profile, 'classical')]),
    ],
  };
}

/** WireGuard knows one profile, so beside `metered` it stands with that. */
function caseOf(profile: RekeyProfile, use: Use, peer: PeerKind): Case {
  const cycle = cycleOf({
    peer,
    profile: peer === 'classical' ? 'standard' : profile,
    roundTrip,
    traffic: use === 'busy' ? { kind: 'busy', gap: 0 } : { kind: 'idle', keepalive },
  });
  return { profile, use, peer, cycle };
}

function bytesRow(each: Case, ip: IpVersion): Row {
  const aDay = bytesOf(each.cycle, each.peer, ip) * cyclesADay(each.cycle);
  return reckoned(each, 'bytes', ip, {
    unit: 'KiB/day',
    rounds: [aDay / 1024],
    formula: `${secondsADay} s ÷ ${rounded(each.cycle.seconds)} s × (${messages(each)}; and ${headerWords[ip]} before each datagram)${each.use === 'busy' && each.peer !== 'classical' ? pathsNotCounted : ''}`,
  });
}

function monthRow(each: Case, ip: IpVersion): Row {
  const aMonth = bytesOf(each.cycle, each.peer, ip) * cyclesADay(each.cycle) * daysAMonth;
  return reckoned(each, 'month', ip, {
    unit: 'MiB',
    rounds: [aMonth / 1024 ** 2],
    formula: `${daysAMonth} × ${idOf(each, 'bytes', ip)}`,
  });
}

function cpuRows(each: Case, cpu: HandshakeCpu | undefined): Row[] {
  if (cpu === undefined) return [];
  const aDay = each.cycle.handshakes * cyclesADay(each.cycle);
  return [
    reckoned(each, 'cpu', undefined, {
      unit: 's/day',
      rounds: cpu.rounds.map((seconds) => seconds * aDay),
      formula: `${rounded(aDay)} handshakes × CPU of one, both ends together (${cpu.source}${
        each.peer === 'classical' ? ', with pqtun’s own code for classical peers, not WireGuard’s' : ''
      }); keepalives not counted`,
    }),
  ];
}

/** Without PersistentKeepalive and traffic nobody says anything, and no key is renewed until there is something to send. */
function silentRow(profile: RekeyProfile, peer: 1 | 'classical'): Row {
  const kind = peer === 'classical' ? 'standard' : profile;
  const cycle = cycleOf({ peer, profile: kind, roundTrip, traffic: { kind: 'silent' } });
  const row = bytesRow({ profile, use: 'idle', peer, cycle }, 4);
  return {
    ...row,
    id: `${idOf({ profile, use: 'idle', peer, cycle }, 'bytes', 4)}/no-keepalive`,
    title: `${who(peer)}, ${profile}, idle without PersistentKeepalive, a day`,
    labels: { ...row.labels, keepalive: 0 },
    formula: 'nothing is sent, and no handshake is made, until there is something to send',
  };
}

function reckoned(
  each: Case,
  what: 'bytes' | 'month' | 'cpu',
  ip: IpVersion | undefined,
  figures: { readonly unit: Unit; readonly rounds: readonly number[]; readonly formula: string },
): Row {
  const { profile, use, peer } = each;
  return {
    id: idOf(each, what, ip),
    section: 'rekey',
    title: titleOf(each, what, ip),
    better: 'less',
    median: median(figures.rounds),
    ...figures,
    labels: {
      profile,
      use,
      what,
      program: peer === 'classical' ? 'wireguard' : 'pqtun',
      suite: kindName(peer),
      ...(ip === undefined ? {} : { ip: `IPv${ip}` }),
      keepalive: use === 'idle' ? keepalive : 0,
    },
  };
}

/** ML-KEM-768 over IPv4 is the row that others are variants of. */
function idOf({ profile, use, peer }: Case, what: string, ip: IpVersion | undefined): string {
  const variants = [...(peer === 2 ? ['ml-kem-1024'] : []), ...(ip === 6 ? ['ipv6'] : [])];
  const program = peer === 'classical' ? 'wireguard' : 'pqtun';
  return ['rekey', profile, use, what, program, ...(variants.length === 0 ? [] : [variants.join('-')])].join(
    '/',
  );
}

function titleOf(
  { profile, use, peer }: Case,
  what: 'bytes' | 'month' | 'cpu',
  ip: IpVersion | undefined,
): string {
  const when = use === 'idle' ? `idle with PersistentKeepalive ${keepalive} s` : 'under steady traffic';
  const span = { bytes: 'a day', month: 'a month', cpu: 'CPU a day' }[what];
  return `${who(peer)}, ${profile}, ${when}, ${ip === undefined ? '' : `IPv${ip}, `}${span}`;
}

function who(peer: PeerKind): string {
  return peer === 'classical' ? 'WireGuard’s messages' : `pqtun, ${kindName(peer)}`;
}

/** `a handshake of 1230 + 1230 + 1156 + 1156 B, 5 probes and 5 answers of 48 B, 1 keepalive of 32 B`. */
function messages({ cycle: { probes, keepalives }, peer }: Case): string {
  return [
    `a handshake of ${handshakeLengths(peer).join(' + ')} B`,
    ...(probes === 0 ? [] : [`${probes} probes and ${probes} answers of ${lengths.probeLength} B`]),
    `${keepalives} ${keepalives === 1 ? 'keepalive' : 'keepalives'} of ${lengths.keepaliveLength} B`,
  ].join(', ');
}

function rounded(value: number): string {
  return String(Number(value.toFixed(2)));
}
