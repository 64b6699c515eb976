/** What the scenarios of netlink and capture have in common. */
import assert from 'node:assert/strict';
import { openNetlink } from '../netlink.ts';

export const MAIN = 254;
/** The mark and the table of a full tunnel. */
export const FULL_TUNNEL = 51820;
export const ANY4 = new Uint8Array(4);
export const ANY6 = new Uint8Array(16);

export const ip4 = (text: string) => Uint8Array.from(text.split('.'), Number);
/** `fd00::last`. */
export const ip6 = (last: number) =>
  Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? 0xfd : i === 15 ? last : 0));
export const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');

/** A pair of interfaces in this namespace, both up, with 10.9.0.1/24 and fd00::1/64 on the first. */
export function prepareVeth(): void {
  const netlink = openNetlink();
  netlink.createVeth('va', 'vb');
  netlink.setLink('va', { up: true });
  netlink.setLink('vb', { up: true });
  netlink.addAddress('va', ip4('10.9.0.1'), 24);
  netlink.addAddress('va', ip6(1), 64);
}

/** What `call` throws; everything netlink refuses must look like this. */
export function refusalOf(call: () => unknown): NodeJS.ErrnoException {
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
