import { loadBinding } from './binding.ts';
import type { NativeCapabilities } from './types.ts';

/** What this machine and process can do, asked of the kernel; no interface is created. Never throws but for a missing addon. */
export function probe(): NativeCapabilities {
  const { tunError, tunVnetHeader, tunMultiQueue, udpGso, udpGro, netAdmin } = loadBinding().probe();
  return {
    tun: tunError === undefined,
    ...(tunError === undefined ? {} : { reason: tunError.message }),
    vnetHdr: tunVnetHeader,
    multiQueue: tunMultiQueue,
    udpGso,
    udpGro,
    netAdmin,
  };
}
