/** What is under way between the two ends. The fragments of one handshake message travel together, or each alone. */
import { counterOf, hasMac2, kindOf, receiverIndexOf, senderIndexOf, type WireKind } from '../kit/index.ts';
import { firstIndex, nameOf, otherSide, type Sent, type Side } from './party.ts';

export interface Message {
  readonly from: Side;
  readonly kind: WireKind;
  readonly datagrams: readonly Uint8Array[];
  /** Tells it from every other, but for equal copies: indices in full, no times. */
  readonly name: string;
  /** When the cookie in it, or the one its mac2 is made with, was given. A later R does not know it. */
  readonly cookieFrom: number | undefined;
  /** A duplicate of what was delivered already: delivered or lost, but kept no more. */
  readonly kept: boolean;
}

/**
 * Messages of what left at one time. `heldCookieFrom`: when the cookie was given that this side holds; `now`: a cookie reply is
 * made now.
 */
export function messagesOf(
  from: Side,
  sent: readonly Sent[],
  apart: boolean,
  now: number,
  heldCookieFrom: number | undefined,
): Message[] {
  const groups: Sent[][] = [];
  for (const each of sent) {
    const last = groups.at(-1);
    if (!apart && last?.[0] !== undefined && sameMessage(last[0], each)) last.push(each);
    else groups.push([each]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const kind = kindOf(first);
    const datagrams = group.map(({ bytes }) => bytes);
    const proven = (kind === 'initiation' || kind === 'response') && hasMac2(first);
    const cookieFrom = kind === 'cookie' ? now : proven ? heldCookieFrom : undefined;
    return [{ from, kind, datagrams, name: nameOfGroup(from, group), cookieFrom, kept: false }];
  });
}

/** `message` as a reader of a trace sees it. */
export function textOf({ name, from, datagrams }: Message): string {
  const readable = name.replace(/\b\d{10}\b/g, (digits) => readableIndex(Number(digits)));
  const several = datagrams.length > 1 ? ` in ${datagrams.length} datagrams` : '';
  return `${readable}${several}, ${nameOf(from)} to ${nameOf(otherSide(from))}`;
}

export function readableIndex(index: number): string {
  const side: Side = index >= firstIndex[1] ? 1 : 0;
  return `${nameOf(side)}${index - firstIndex[side]}`;
}

function sameMessage(a: Sent, b: Sent): boolean {
  const kind = kindOf(a);
  if (kind !== kindOf(b) || (kind !== 'initiation' && kind !== 'response')) return false;
  return senderIndexOf(a) === senderIndexOf(b) && (a.bytes[2] ?? 0) < (b.bytes[2] ?? 0);
}

function nameOfGroup(from: Side, group: readonly Sent[]): string {
  const [first] = group;
  if (first === undefined) return '';
  const kind = kindOf(first);
  switch (kind) {
    case 'initiation':
      return `initiation ${senderIndexOf(first)}${fragmentsOf(group)}${hasMac2(first) ? ' with mac2' : ''}`;
    case 'response':
      return `response ${senderIndexOf(first)} to ${receiverIndexOf(first)}${fragmentsOf(group)}${hasMac2(first) ? ' with mac2' : ''}`;
    case 'cookie':
      return `cookie for ${receiverIndexOf(first)}`;
    case 'transport':
      return `${first.payload} as ${nameOf(from)}'s ${counterOf(first)} to ${receiverIndexOf(first)}`;
    default:
      return `unknown ${first.bytes[0]}`;
  }
}

function fragmentsOf(group: readonly Sent[]): string {
  const [first] = group;
  const type = first?.bytes[0] ?? 0;
  return type < 0x10
    ? ' (classical)'
    : ` [${group.map(({ bytes }) => bytes[2]).join('')}/${first?.bytes[3]}]`;
}
