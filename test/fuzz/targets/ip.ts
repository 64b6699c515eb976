/**
 * Inner packets: the header parser against a slow twin, the ICMP answer to what is too big, the routing trie against a list.
 * Input: what to do with the rest, and a packet or a sequence of route changes.
 */
import { AllowedIps, type PeerId, peerId } from '@pqtun/core';
import { tooBigReply } from '@pqtun/core/src/wire/icmp.ts';
import { innerLength, isControl, parseInner } from '@pqtun/core/src/wire/ip.ts';
import { innerPacket } from '../../kit/packets.ts';
import { Cursor } from '../cursor.ts';
import { type FuzzTarget, must } from '../target.ts';
import { RouteList } from './route-list.ts';

export const target: FuzzTarget = {
  name: 'ip',
  about: 'inner IP headers, ICMP "too big", allowed IPs',
  maxLength: 2048,
  executions: 70_000,
  seeds: [
    Uint8Array.of(0, 0, ...innerPacket('10.0.0.1', '10.0.0.2', 28)),
    Uint8Array.of(0, 0, ...innerPacket('fd00::1', 'fd00::2', 48)),
    Uint8Array.of(1, 0x40, 2, 0, ...innerPacket('10.0.0.1', '10.0.0.2', 700)),
    Uint8Array.of(1, 0, 5, 1, ...innerPacket('fd00::1', 'fd00::2', 1400)),
    Uint8Array.of(2, 0, 1, 8, 10, 0, 0, 0, 0, 2, 16, 10, 1, 0, 0, 3, 10, 1, 2, 3),
    Uint8Array.of(2, 4, 1, 64, 0xfd, ...new Uint8Array(15), 4, 2, 128, 0xfd, ...new Uint8Array(15)),
  ],
  dictionary: [
    Uint8Array.of(0x45, 0),
    Uint8Array.of(0x60, 0, 0, 0),
    Uint8Array.of(3, 4),
    Uint8Array.of(44, 0),
  ],
  run(input) {
    const cursor = new Cursor(input);
    switch (cursor.u8() % 3) {
      case 0:
        return parse(cursor.u8(), cursor.rest());
      case 1:
        return tooBig(cursor.u16(), cursor.u8(), cursor.rest());
      default:
        return routes(cursor);
    }
  },
};

function parse(offset: number, packet: Uint8Array): void {
  const before = packet.slice();
  const parsed = parseInner(packet);
  const slow = twin(packet);
  if (typeof parsed === 'string') must(parsed === slow, 'parser and twin refuse differently');
  else {
    must(typeof slow !== 'string', 'the parser took what its twin refuses');
    must(
      parsed.version === slow.version &&
        parsed.length === slow.length &&
        same(parsed.source, slow.source) &&
        same(parsed.destination, slow.destination),
      'parser and twin read differently',
    );
  }
  // within a larger buffer it never looks behind what is there
  const framed = new Uint8Array(offset + packet.length + 64).fill(0xff);
  framed.set(packet, offset);
  const length = innerLength(framed, offset, packet.length);
  must(
    typeof parsed === 'string' ? length < 0 : length === parsed.length,
    'what lies around a packet changes its length',
  );
  must(
    isControl(packet) === (packet.length > 0 && (packet[0] ?? 0) < 16),
    'control is a first byte below 0x10',
  );
  must(same(packet, before), 'parsing changed the packet');
}

/** RFC 791 §3.1, RFC 8200 §3, read a byte at a time. */
function twin(
  packet: Uint8Array,
):
  | 'bad-inner-packet'
  | 'bad-inner-length'
  | { version: number; length: number; source: Uint8Array; destination: Uint8Array } {
  const at = (index: number) => packet[index] ?? Number.NaN;
  const version = packet.length === 0 ? 0 : Math.floor(at(0) / 16);
  if (version === 4) {
    const length = at(2) * 256 + at(3);
    const header = (at(0) % 16) * 4;
    const fits = packet.length >= 20 && header >= 20 && length >= header && packet.length >= length;
    if (!fits) return 'bad-inner-length';
    return { version, length, source: packet.slice(12, 16), destination: packet.slice(16, 20) };
  }
  if (version === 6) {
    const length = 40 + at(4) * 256 + at(5);
    if (!(packet.length >= 40 && packet.length >= length)) return 'bad-inner-length';
    return { version, length, source: packet.slice(8, 24), destination: packet.slice(24, 40) };
  }
  return 'bad-inner-packet';
}

function tooBig(mtu: number, from: number, packet: Uint8Array): void {
  const own = [undefined, new Uint8Array(4).fill(from), new Uint8Array(16).fill(from)][from % 3];
  const reply = tooBigReply(packet, mtu, own);
  if (reply === undefined) return;
  const asked = twin(packet);
  must(typeof asked !== 'string' && asked.length > mtu, 'an answer to what fits or is no packet');
  const answer = twin(reply);
  must(typeof answer !== 'string' && answer.length === reply.length, 'the answer is not one whole packet');
  must(answer.version === asked.version, 'the answer is of another IP version');
  must(same(answer.destination, asked.source), 'the answer does not go to the source');
  const most = answer.version === 4 ? 576 : 1280;
  must(reply.length <= most, 'the answer is larger than an ICMP error may be');
  const header = answer.version === 4 ? 20 : 40;
  if (answer.version === 4) must(sum([reply.subarray(0, 20)]) === 0xffff, 'the checksum of the IPv4 header');
  const icmp = reply.subarray(header);
  const length = icmp.length;
  const pseudo = Uint8Array.of(
    ...answer.source,
    ...answer.destination,
    0,
    0,
    length >> 8,
    length & 255,
    0,
    0,
    0,
    58,
  );
  must(sum(answer.version === 4 ? [icmp] : [pseudo, icmp]) === 0xffff, 'the checksum of the ICMP message');
  must(same(icmp.subarray(8), packet.subarray(0, icmp.length - 8)), 'the answer quotes another packet');
}

/** Ones' complement sum of 16-bit words, RFC 1071; every part but the last is of even length. */
function sum(parts: readonly Uint8Array[]): number {
  let total = 0;
  for (const part of parts)
    for (let at = 0; at < part.length; at += 2) total += (part[at] ?? 0) * 256 + (part[at + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
}

function routes(cursor: Cursor): void {
  const table = new AllowedIps();
  const list = new RouteList();
  const asked: Uint8Array[] = [];
  for (let steps = 0; !cursor.atEnd && steps < 24; steps++) {
    const op = cursor.u8();
    const size = (op & 4) === 0 ? 4 : 16;
    const peer = peerId(1 + (cursor.u8() % 4));
    if ((op & 3) === 3) {
      const ip = cursor.bytes(size);
      asked.push(ip);
      must(table.lookup(ip) === list.lookup(ip), 'trie and list find another peer');
      continue;
    }
    const bits = cursor.u8() % (size * 8 + 1);
    const prefix = masked(cursor.bytes(size), bits);
    asked.push(prefix);
    const kind = (['add', 'remove', 'clear'] as const)[op & 3] ?? 'add';
    const change = kind === 'clear' ? { kind, peer } : { kind, peer, prefix, bits };
    table.apply([change]);
    list.apply(change);
    must(table.size === list.size, 'trie and list hold another number of prefixes');
    must(table.nodes <= 2 * table.size, 'the trie keeps nodes that nothing needs');
  }
  for (const ip of asked) must(table.lookup(ip) === list.lookup(ip), 'trie and list find another peer');
  for (let id = 1; id <= 4; id++) checkEntries(table, list, peerId(id));
}

function checkEntries(table: AllowedIps, list: RouteList, peer: PeerId): void {
  const entries = table.entries(peer).map(({ prefix, bits }) => `${prefix}/${bits}`);
  must(
    entries.sort().join() === list.entries(peer).sort().join(),
    'trie and list know other prefixes of a peer',
  );
}

function masked(ip: Uint8Array, bits: number): Uint8Array {
  return ip.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))));
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
