/** One port for two families: binds IPv4 and IPv6 alike, whatever opens the sockets. */
import type { SocketOptions } from './io.ts';

export interface FamilyBinding {
  readonly family: 4 | 6;
  /** `undefined`: any address. */
  readonly ip: Uint8Array | undefined;
  readonly port: number;
}

/** The kernel chose a port for IPv4 that somebody else has for IPv6: tried with this many ports. */
const attempts = 16;
/** A machine without one family still has a tunnel over the other. */
const familyMissing = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT']);

/**
 * Opens a socket for each family wanted, all on one port. Where any address will do, a family that this machine lacks is left
 * out. Throws the error of the last attempt; nothing stays open then.
 */
export async function bindFamilies<Socket>(
  { bind, port }: SocketOptions,
  open: (binding: FamilyBinding) => Promise<{ socket: Socket; port: number }>,
  close: (socket: Socket) => Promise<void>,
): Promise<{ sockets: Map<4 | 6, Socket>; port: number }> {
  const wanted = bind?.map((ip) => ({ family: ip.length === 4 ? (4 as const) : (6 as const), ip })) ?? [
    { family: 4 as const, ip: undefined },
    { family: 6 as const, ip: undefined },
  ];
  for (let attempt = 1; ; attempt++) {
    const sockets = new Map<4 | 6, Socket>();
    let chosen = port;
    let missing: unknown;
    try {
      for (const { family, ip } of wanted) {
        try {
          const opened = await open({ family, ip, port: chosen });
          sockets.set(family, opened.socket);
          chosen = opened.port;
        } catch (error) {
          if (bind !== undefined || !familyMissing.has(codeOf(error))) throw error;
          missing = error;
        }
      }
      if (sockets.size === 0) throw missing;
      return { sockets, port: chosen };
    } catch (error) {
      for (const socket of sockets.values()) await close(socket);
      const clash = port === 0 && sockets.size > 0 && codeOf(error) === 'EADDRINUSE';
      if (!clash || attempt >= attempts) throw error;
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
