/** The addon, if it is there: an optional dependency, so nothing else imports it but for types. */
import type * as addon from 'tun-tap-native';

export type Native = Pick<
  typeof addon,
  'openTun' | 'openUdp' | 'openDataPlane' | 'openBootTimer' | 'bootTime' | 'openNetlink'
>;

/** `undefined` when the package is not installed, not built, or made for another machine. */
export async function loadNative(): Promise<Native | undefined> {
  try {
    const native = await import('tun-tap-native');
    return native.available() ? native : undefined;
  } catch {
    return undefined; // not installed: an optional dependency may be missing
  }
}
