import { loadBinding } from './binding.ts';
import { ChangeBurst } from './netlink-watch.ts';
import type { Netlink } from './types.ts';

/** What the addon gives (native/netlink.cc): it checks every argument and makes the objects of `types.ts` itself. */
export interface NetlinkBinding extends Omit<Netlink, 'watch'> {
  watch(onChange: (changes: number) => void): unknown;
  closeWatch(handle: unknown): void;
}

/**
 * Opens rtnetlink in the network namespace of the calling thread. Holds no descriptor: every call opens a socket for itself.
 *
 * A refusal of the kernel throws an Error with `code` (`EEXIST`, `ENODEV`, `EPERM`, …), `errno` (negative) and `syscall`
 * (`netlink`); its message names the operation, its object, and what the kernel said about it. A wrong argument throws a
 * TypeError or RangeError that names it. In detail:
 *
 * - `setLink` sends all changes as one request; what the kernel applied before the part it refused stays.
 * - `addAddress` of IPv6 skips duplicate address detection, so that the address is usable at once.
 * - `routes` gives unicast routes only, one entry for each next hop, of all tables unless one is named. A table that does
 *   not exist has none.
 * - `addRoute` gives EEXIST for an equal destination, table and metric. An IPv4 route may have an IPv6 gateway.
 * - `removeRoute` removes the first route that agrees in all that is given; ESRCH when there is none.
 * - `addRule` gives EEXIST also where the kernel would not: when an equal rule stands at another priority and none is asked for.
 * - `removeRule` removes the first rule that equals it, never one with further selectors; ENOENT when there is none.
 * - `watch` keeps the process alive until it is closed. Lost notices count as a change of everything.
 *
 * @example
 * const netlink = openNetlink();
 * netlink.setLink('tun0', { up: true, mtu: 1420 });
 * netlink.addAddress('tun0', Uint8Array.of(10, 0, 0, 1), 24);
 */
export function openNetlink(): Netlink {
  const { closeWatch, watch, ...calls } = loadBinding().netlink;
  return {
    ...calls,
    watch(onChange) {
      if (typeof onChange !== 'function') throw new TypeError('onChange must be a function');
      const burst = new ChangeBurst(onChange);
      let handle: unknown;
      handle = watch((changes) => {
        // The addon keeps this function; naming the handle here keeps the watch from the garbage collector until it is closed.
        if (handle !== undefined) burst.add(changes);
      });
      return {
        close() {
          if (handle === undefined) return;
          closeWatch(handle);
          handle = undefined;
          burst.close();
        },
      };
    },
  };
}
