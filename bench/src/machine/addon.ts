/** Whether the native plane's engines can be had here at all. */
import { testAeads } from 'tun-tap-native';

/** Why the addon does not load, and what to do; `undefined` where it does. */
export function addonProblem(): string | undefined {
  try {
    testAeads();
    return undefined;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^tun-tap-native: /, '');
  }
}
