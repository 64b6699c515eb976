/** `DaemonConfig` → file. The text holds keys, so it is bytes from the beginning; the caller wipes them. */
import { Secret, wipe } from '@pqtun/core';
import type { PeerConfig } from '@pqtun/tunnel';
import { formatEndpoint, formatIp, formatPrefix } from '../address-text.ts';
import { encodeBase64, publicText } from '../secret-text.ts';
import { formatOffloads } from './interface-fields.ts';
import { type DaemonConfig, type DataPathConfig, hookKinds } from './model.ts';

/** Bytes appended to one buffer that grows; outgrown ones are wiped. */
export class SecretWriter {
  #buffer = new Uint8Array(4096);
  #length = 0;

  text(text: string): this {
    return this.bytes(Buffer.from(text, 'utf8'));
  }

  line(key: string, value: string): this {
    return this.text(`${key} = ${value}\n`);
  }

  /** `key = base64`, without a string of the secret. */
  secretLine(key: string, secret: Uint8Array): this {
    const base64 = encodeBase64(secret);
    this.text(`${key} = `).bytes(base64).text('\n');
    wipe(base64);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    if (this.#length + bytes.length > this.#buffer.length) this.#grow(this.#length + bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Hands the bytes over; the writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
    return taken;
  }

  #grow(least: number): void {
    const larger = new Uint8Array(Math.max(least, this.#buffer.length * 2));
    larger.set(this.#buffer);
    wipe(this.#buffer);
    this.#buffer = larger;
  }
}

/** The whole configuration; parsing it again gives an equal one. Keys that came by reference stay references. */
export function writeConfig(config: DaemonConfig): Uint8Array {
  const out = new SecretWriter();
  writeInterface(out, config);
  for (const peer of config.tunnel.peers) writePeer(out, config, peer);
  return out.take();
}

/**
 * The part `wg setconf` understands. Without `hybrid` classical peers only, since a hybrid peer given to WireGuard itself would be
 * spoken to without post-quantum keys; an interface of ours keeps the KEM keys it knows.
 */
export function writeStripped(config: DaemonConfig, { hybrid }: { hybrid: boolean }): Uint8Array {
  const out = new SecretWriter();
  const { tunnel } = config;
  out.text('[Interface]\n');
  if (tunnel.privateKey !== undefined) out.secretLine('PrivateKey', tunnel.privateKey.borrow());
  if (tunnel.listenPort !== undefined) out.line('ListenPort', String(tunnel.listenPort));
  if (tunnel.fwMark !== undefined) out.line('FwMark', `0x${tunnel.fwMark.toString(16)}`);
  for (const peer of tunnel.peers) {
    if (peer.mode !== 'classical' && !hybrid) continue;
    out.text('\n[Peer]\n').line('PublicKey', publicText(peer.publicKey));
    if (peer.presharedKey !== undefined) out.secretLine('PresharedKey', peer.presharedKey.borrow());
    writeCommonPeerKeys(out, peer);
  }
  return out.take();
}

function writeInterface(out: SecretWriter, config: DaemonConfig): void {
  const { tunnel, link, hooks } = config;
  out.text('[Interface]\n');
  if (tunnel.privateKey !== undefined) writeKey(out, config, 'PrivateKey', tunnel.privateKey);
  if (tunnel.kemSeed !== undefined) writeKey(out, config, 'KemSeed', tunnel.kemSeed);
  for (const key of tunnel.deploymentKeys ?? []) {
    if (key === 'none') out.line('DeploymentKey', 'none');
    else writeKey(out, config, 'DeploymentKey', key);
  }
  if (link.addresses.length > 0) out.line('Address', link.addresses.map(formatPrefix).join(', '));
  if (tunnel.listenPort !== undefined) out.line('ListenPort', String(tunnel.listenPort));
  if (link.mtu !== undefined) out.line('MTU', String(link.mtu));
  const dns = [...link.dnsServers.map(formatIp), ...link.dnsSearch];
  if (dns.length > 0) out.line('DNS', dns.join(', '));
  if (link.table !== 'auto') out.line('Table', String(link.table));
  if (tunnel.fwMark !== undefined) out.line('FwMark', `0x${tunnel.fwMark.toString(16)}`);
  writeDataPath(out, config.dataPath);
  for (const kind of hookKinds) {
    for (const command of hooks[kind]) out.line(`${kind.charAt(0).toUpperCase()}${kind.slice(1)}`, command);
  }
  if (config.saveConfig) out.line('SaveConfig', 'true');
  if (config.uapiPeers !== 'refuse') out.line('UapiPeers', config.uapiPeers);
}

function writeDataPath(out: SecretWriter, { plane, aead, offloads, clampMss }: DataPathConfig): void {
  if (plane !== 'auto') out.line('Plane', plane);
  if (aead !== 'auto') out.line('Aead', aead);
  if (formatOffloads(offloads) !== 'auto') out.line('Offloads', formatOffloads(offloads));
  if (!clampMss) out.line('ClampMss', 'false');
}

function writePeer(out: SecretWriter, config: DaemonConfig, peer: PeerConfig): void {
  const publicKey = publicText(peer.publicKey);
  out.text('\n[Peer]\n');
  const name = config.friendlyNames.get(publicKey);
  if (name !== undefined) out.text(`# friendly_name = ${name}\n`);
  writeKey(out, config, 'PublicKey', peer.publicKey);
  if (peer.kemPublicKey !== undefined) writeKey(out, config, 'KemPublicKey', peer.kemPublicKey);
  if (peer.mode === 'classical') out.line('Mode', 'classical');
  if (peer.presharedKey !== undefined) writeKey(out, config, 'PresharedKey', peer.presharedKey);
  if (peer.deploymentKey !== undefined) writeKey(out, config, 'DeploymentKey', peer.deploymentKey);
  writeCommonPeerKeys(out, peer);
  if (peer.rekeyProfile !== undefined) out.line('RekeyProfile', peer.rekeyProfile);
}

function writeCommonPeerKeys(out: SecretWriter, peer: PeerConfig): void {
  if (peer.allowedIps.length > 0) out.line('AllowedIPs', peer.allowedIps.map(formatPrefix).join(', '));
  if (peer.endpoint !== undefined) out.line('Endpoint', formatEndpoint(peer.endpoint));
  if (peer.persistentKeepalive !== undefined)
    out.line('PersistentKeepalive', String(peer.persistentKeepalive));
}

function writeKey(out: SecretWriter, config: DaemonConfig, name: string, key: Secret | Uint8Array): void {
  const reference = config.references.get(key);
  if (reference !== undefined) out.line(name, reference);
  else out.secretLine(name, key instanceof Secret ? key.borrow() : key);
}
