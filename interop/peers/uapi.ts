/** The other WireGuard programs' control socket, spoken directly: `wg` is not needed. One request a connection. */
import { connect } from 'node:net';

export const socketFolder = '/var/run/wireguard';

/** Lines of an answer: keys with their values, in order, without the last (`errno`). */
export type Answer = readonly (readonly [key: string, value: string])[];

export interface PeerSettings {
  /** Hex, as all keys here. */
  readonly publicKey: string;
  readonly presharedKey?: string;
  readonly endpoint?: string;
  readonly allowedIps: readonly string[];
  /** Seconds. */
  readonly persistentKeepalive?: number;
}

export class Uapi {
  readonly #path: string;

  constructor(interfaceName: string) {
    this.#path = `${socketFolder}/${interfaceName}.sock`;
  }

  async get(): Promise<Answer> {
    return this.#request('get=1\n\n');
  }

  /** Our private key, our port and one peer, the only one then. */
  async configure(privateKey: string, listenPort: number, peer: PeerSettings): Promise<void> {
    await this.#set([
      `private_key=${privateKey}`,
      `listen_port=${listenPort}`,
      'replace_peers=true',
      ...peerLines(peer),
    ]);
  }

  /** Forgets the peer with its sessions and takes it in again: what follows begins with a handshake. */
  async renewPeer(peer: PeerSettings): Promise<void> {
    await this.#set([`public_key=${peer.publicKey}`, 'remove=true']);
    await this.#set(peerLines(peer));
  }

  async #set(lines: readonly string[]): Promise<void> {
    await this.#request(`set=1\n${lines.join('\n')}\n\n`);
  }

  /** Throws where the answer is an error or does not come within 5 s. */
  async #request(text: string): Promise<Answer> {
    const socket = connect(this.#path);
    socket.setTimeout(5_000, () => socket.destroy(new Error(`${this.#path}: no answer within 5 s`)));
    socket.setEncoding('utf8');
    socket.write(text);
    let answer = '';
    try {
      for await (const chunk of socket) {
        answer += chunk;
        if (answer.endsWith('\n\n')) break;
      }
    } finally {
      socket.destroy();
    }
    const lines = answer
      .trimEnd()
      .split('\n')
      .map((line): [string, string] => {
        const [key = '', value = ''] = line.split('=');
        return [key, value];
      });
    const [key, errno] = lines.pop() ?? [];
    if (key !== 'errno' || errno !== '0')
      throw new Error(`UAPI: ${key}=${errno} for "${text.split('\n')[0]}"`);
    return lines;
  }
}

/** The value of a key, of the device or of its only peer. */
export function settingOf(answer: Answer, key: string): string | undefined {
  return answer.find(([name]) => name === key)?.[1];
}

function peerLines(peer: PeerSettings): string[] {
  return [
    `public_key=${peer.publicKey}`,
    ...(peer.presharedKey === undefined ? [] : [`preshared_key=${peer.presharedKey}`]),
    ...(peer.endpoint === undefined ? [] : [`endpoint=${peer.endpoint}`]),
    ...(peer.persistentKeepalive === undefined
      ? []
      : [`persistent_keepalive_interval=${peer.persistentKeepalive}`]),
    'replace_allowed_ips=true',
    ...peer.allowedIps.map((prefix) => `allowed_ip=${prefix}`),
  ];
}
