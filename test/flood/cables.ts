/** Run inside a namespace by `field.ts`: makes and configures its network in one process. Argument: a JSON list of steps. */
import { writeFileSync } from 'node:fs';
import { openNetlink } from 'tun-tap-native';
import { ip } from '../kit/packets.ts';

export type CableStep =
  /** A veth pair whose other end, `eth0`, lies in the namespace of `pid`. */
  | { readonly kind: 'cable'; readonly name: string; readonly pid: number }
  /** Addresses like `192.0.2.1/30`; up. */
  | { readonly kind: 'up'; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'route'; readonly to: string; readonly via: string }
  | { readonly kind: 'setting'; readonly path: string; readonly value: string };

function prefix(text: string): [Uint8Array, number] {
  const [address = '', bits = ''] = text.split('/');
  return [ip(address), Number(bits)];
}

if (import.meta.main) {
  const netlink = openNetlink();
  const steps = JSON.parse(process.argv[2] ?? '[]') as CableStep[]; // field.ts wrote it
  for (const step of steps) {
    if (step.kind === 'cable') netlink.createVeth(step.name, 'eth0', step.pid);
    else if (step.kind === 'setting') writeFileSync(`/proc/sys/net/${step.path}`, step.value);
    else if (step.kind === 'route') {
      const [destination, bits] = prefix(step.to);
      netlink.addRoute({ destination, bits, gateway: ip(step.via) });
    } else {
      netlink.setLink(step.name, { up: true, mtu: 1500 });
      for (const address of step.addresses) netlink.addAddress(step.name, ...prefix(address));
    }
  }
}
