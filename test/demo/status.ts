/** What the demonstration takes from `pqtun show --json`. */

interface Shown {
  readonly interfaces: readonly {
    readonly fingerprints: Readonly<Record<string, string>>;
    readonly plane: string;
    readonly udp: string;
    readonly crypto: string;
    readonly aead: { readonly name: string };
    readonly offloads: readonly { readonly name: string; readonly active: boolean }[];
    readonly drops: Readonly<Record<string, number>>;
    readonly peers: readonly {
      readonly suite: number | null;
      readonly fingerprint: string | null;
      readonly pqState: string;
      readonly handshakeDuration: number | null;
    }[];
  }[];
}

export interface Handshake {
  readonly suite: string;
  readonly plane: string;
  readonly ownFingerprint: string;
  readonly peerFingerprint: string;
  readonly milliseconds: number;
  readonly drops: string;
}

/** The one interface with its one peer; an error when the session there is not a hybrid one. */
export function handshakeOf(shown: unknown): Handshake {
  const [own] = (shown as Shown).interfaces; // our own command, of this very tree
  const peer = own?.peers[0];
  if (own === undefined || peer === undefined) throw new Error('pqtun show names no peer');
  if (peer.pqState !== 'hybrid' || peer.suite === null)
    throw new Error(`the session is "${peer.pqState}", not hybrid`);
  const drops = Object.entries(own.drops).filter(([, count]) => count > 0);
  return {
    suite: `${peer.suite}: X25519 and ML-KEM-${peer.suite === 1 ? 768 : 1024}, ChaCha20-Poly1305, BLAKE2s`,
    plane: planeOf(own),
    ownFingerprint: own.fingerprints[peer.suite] ?? '',
    peerFingerprint: peer.fingerprint ?? '',
    milliseconds: peer.handshakeDuration ?? Number.NaN,
    drops: drops.length === 0 ? 'none' : drops.map(([reason, count]) => `${count} ${reason}`).join(', '),
  };
}

/** `native: raw cipher, tso, uso, …` or what the portable one consists of. */
function planeOf({ plane, udp, crypto, aead, offloads }: Shown['interfaces'][number]): string {
  if (plane !== 'native') return `${plane}: ${udp} sockets, ${crypto} crypto`;
  const active = offloads.filter(({ active }) => active).map(({ name }) => name);
  return `${plane}: ${aead.name} cipher, ${active.length === 0 ? 'no offloads' : active.join(', ')}`;
}
