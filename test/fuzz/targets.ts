/** The targets by name. Each is loaded when it is asked for: after the hook that instruments what it imports. */
import type { FuzzTarget } from './target.ts';

const loaders: Readonly<Record<string, () => Promise<{ readonly target: FuzzTarget }>>> = {
  fragments: () => import('./targets/fragments.ts'),
  handshake: () => import('./targets/handshake.ts'),
  responder: () => import('./targets/responder.ts'),
  initiator: () => import('./targets/initiator.ts'),
  transport: () => import('./targets/transport.ts'),
  control: () => import('./targets/control.ts'),
  ip: () => import('./targets/ip.ts'),
  config: () => import('./targets/config.ts'),
  json: () => import('./targets/json.ts'),
  uapi: () => import('./targets/uapi.ts'),
  words: () => import('./targets/words.ts'),
  texts: () => import('./targets/texts.ts'),
};

export const targetNames: readonly string[] = Object.keys(loaders);

/** Loads a target; `undefined` when there is none of this name. */
export async function loadTarget(name: string): Promise<FuzzTarget | undefined> {
  const loader = Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  return (await loader?.())?.target;
}
