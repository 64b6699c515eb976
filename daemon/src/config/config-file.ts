/**
 * A configuration file → `DaemonConfig`, or a `ConfigError` that names line, key and what was expected.
 *
 * 1. `tokenizer.ts` cuts the bytes into sections and entries.
 * 2. Each entry is read by the field of its name (`interface-fields.ts`, `peer-fields.ts`) into a draft.
 * 3. Drafts become configurations; here stand the rules that join several keys.
 *
 * All or nothing: on any problem every secret read so far is destroyed.
 */
import { limits } from '@pqtun/core';
import type { PeerConfig, TunnelConfig } from '@pqtun/tunnel';
import { publicText } from '../secret-text.ts';
import { ConfigError, maxProblems, type Problem, quoted } from './config-error.ts';
import type { Field, ReadContext } from './fields.ts';
import { type InterfaceDraft, interfaceDraft, interfaceFields } from './interface-fields.ts';
import type { KeySources } from './key-source.ts';
import type { DaemonConfig } from './model.ts';
import { nearest } from './nearest.ts';
import { type PeerDraft, peerDraft, peerFields } from './peer-fields.ts';
import { peerProblems } from './peer-rules.ts';
import type { PublicKeyCheck } from './public-key-check.ts';
import { type Token, tokens } from './tokenizer.ts';

export interface ParseOptions {
  /** Name shown in errors. */
  readonly file: string;
  readonly sources: KeySources;
  /** Default false: a file with hooks is refused. */
  readonly allowHooks?: boolean;
  /** Tests the keys themselves; absent: only their form is tested. */
  readonly keys?: PublicKeyCheck;
}

/** Parses a whole file. `bytes` stays the caller's, who wipes it; secrets in the result are the caller's to destroy. */
export function parseConfig(bytes: Uint8Array, options: ParseOptions): DaemonConfig {
  const reader = new ConfigReader(options);
  for (const token of tokens(bytes)) {
    if (reader.full) break;
    reader.take(token);
  }
  return reader.finish();
}

/** One section being read: its draft, its fields, and where each key first stood. */
interface OpenSection<Draft> {
  readonly draft: Draft;
  readonly title: string;
  readonly fields: readonly Field<Draft>[];
  readonly seen: Map<string, number>;
}

class ConfigReader {
  readonly #options: ParseOptions;
  readonly #context: ReadContext;
  readonly #problems: Problem[] = [];
  readonly #peers: OpenSection<PeerDraft>[] = [];
  #interface: OpenSection<InterfaceDraft> | undefined;
  #section: 'interface' | 'peer' | 'skipped' | undefined;

  constructor(options: ParseOptions) {
    this.#options = options;
    this.#context = {
      sources: options.sources,
      allowHooks: options.allowHooks ?? false,
      secrets: [],
      references: new Map(),
    };
  }

  get full(): boolean {
    return this.#problems.length >= maxProblems;
  }

  take(token: Token): void {
    switch (token.kind) {
      case 'section':
        this.#open(token.name, token.line);
        break;
      case 'entry':
        this.#entry(token.key, token.value, token.line);
        break;
      case 'friendly-name':
        this.#friendlyName(token.value);
        break;
      case 'bad-line':
        this.#problem(token.line, 'file', token.why, '[Section], or Key = value');
        break;
      default:
        token satisfies never;
    }
  }

  /** The configuration, or a `ConfigError` with all problems; then every secret is destroyed. */
  finish(): DaemonConfig {
    const config = this.#assemble();
    if (config !== undefined && this.#problems.length === 0) return config;
    for (const secret of this.#context.secrets) secret.destroy();
    throw new ConfigError(this.#options.file, this.#problems);
  }

  #open(name: string, line: number): void {
    const word = name.toLowerCase();
    if (word === 'peer') {
      this.#section = 'peer';
      this.#peers.push({ draft: peerDraft(line), title: '[Peer]', fields: peerFields, seen: new Map() });
      return;
    }
    if (word === 'interface' && this.#interface === undefined) {
      this.#section = 'interface';
      this.#interface = {
        draft: interfaceDraft(line),
        title: '[Interface]',
        fields: interfaceFields,
        seen: new Map(),
      };
      return;
    }
    this.#section = 'skipped'; // one problem for the section, none for each of its keys
    const expected = word === 'interface' ? 'one [Interface]' : '[Interface] or [Peer]';
    this.#problem(line, 'section', word === 'interface' ? 'a second [Interface]' : `[${name}]`, expected);
  }

  #entry(key: string, value: Uint8Array, line: number): void {
    const peer = this.#peers.at(-1);
    if (this.#section === 'interface' && this.#interface !== undefined)
      this.#read(this.#interface, key, value, line);
    else if (this.#section === 'peer' && peer !== undefined) this.#read(peer, key, value, line);
    else if (this.#section === undefined) {
      this.#section = 'skipped';
      this.#problem(line, key, 'a key before any section', '[Interface] or [Peer] first');
    }
  }

  #read<Draft>(section: OpenSection<Draft>, key: string, value: Uint8Array, line: number): void {
    const wanted = key.toLowerCase();
    const field = section.fields.find((candidate) => candidate.name.toLowerCase() === wanted);
    if (field === undefined) {
      this.#unknownKey(section.title, key, line, section.fields);
      return;
    }
    const first = section.seen.get(field.name);
    if (first !== undefined && !field.repeatable) {
      const expected = `it once in ${section.title}`;
      this.#problem(line, field.name, `it again (first on line ${first})`, expected);
      return;
    }
    section.seen.set(field.name, first ?? line);
    const refusal = field.read(section.draft, value, this.#context);
    if (refusal !== undefined) this.#problem(line, field.name, refusal.got, refusal.expected);
  }

  #unknownKey(title: string, key: string, line: number, fields: readonly { readonly name: string }[]): void {
    const elsewhere = title === '[Peer]' ? interfaceFields : peerFields;
    const misplaced = elsewhere.find((field) => field.name.toLowerCase() === key.toLowerCase());
    const names = fields.map((field) => field.name);
    const meant = nearest(key, names);
    const expected =
      misplaced !== undefined
        ? `it in ${title === '[Peer]' ? '[Interface]' : '[Peer]'}`
        : meant !== undefined
          ? `a key of ${title}: did you mean ${meant}?`
          : `a key of ${title}: ${names.join(', ')}`;
    this.#problem(
      line,
      key,
      misplaced === undefined ? 'an unknown key' : `a key of the other section in ${title}`,
      expected,
    );
  }

  #friendlyName(value: Uint8Array): void {
    const peer = this.#section === 'peer' ? this.#peers.at(-1) : undefined;
    if (peer === undefined || value.length > 256) return;
    const text = Buffer.from(value).toString('utf8');
    if (!/[\p{Cc}\ufffd]/u.test(text)) peer.draft.friendlyName = text;
  }

  #assemble(): DaemonConfig | undefined {
    if (this.#problems.length > 0) return undefined; // drafts have gaps; what follows from them would be noise
    const section = this.#interface;
    if (section?.draft.privateKey === undefined) {
      this.#problem(
        section?.draft.line ?? 0,
        'PrivateKey',
        'none',
        'one in [Interface]; make it with: pqtun genkey',
      );
      return undefined;
    }
    this.#checkInterface(section);
    const peers = this.#peers.map((peer) => this.#peer(peer)).filter((peer) => peer !== undefined);
    const { draft } = section;
    const tunnel: TunnelConfig = {
      privateKey: section.draft.privateKey,
      ...(draft.kemSeed !== undefined && { kemSeed: draft.kemSeed }),
      ...(draft.deploymentKeys.length > 0 && { deploymentKeys: draft.deploymentKeys }),
      ...(draft.listenPort !== undefined && { listenPort: draft.listenPort }),
      ...(draft.fwMark !== undefined && draft.fwMark !== 0 && { fwMark: draft.fwMark }),
      peers,
    };
    return {
      tunnel,
      link: {
        addresses: draft.addresses,
        ...(draft.mtu !== undefined && { mtu: draft.mtu }),
        dnsServers: draft.dnsServers,
        dnsSearch: draft.dnsSearch,
        table: draft.table,
      },
      dataPath: draft.dataPath,
      hooks: draft.hooks,
      saveConfig: draft.saveConfig,
      uapiPeers: draft.uapiPeers,
      friendlyNames: new Map(this.#peers.flatMap(({ draft: peer }) => nameOf(peer))),
      references: this.#context.references,
    };
  }

  #checkInterface({ draft, seen }: OpenSection<InterfaceDraft>): void {
    const lineOf = (name: string) => seen.get(name) ?? draft.line;
    if (draft.deploymentKeys.length > limits.maxDeploymentKeys) {
      this.#problem(
        lineOf('DeploymentKey'),
        'DeploymentKey',
        `${draft.deploymentKeys.length} of them`,
        `at most ${limits.maxDeploymentKeys}`,
      );
    }
    if (draft.mtu !== undefined && draft.mtu < 1280 && draft.addresses.some(({ ip }) => ip.length === 16)) {
      this.#problem(
        lineOf('MTU'),
        'MTU',
        quoted(String(draft.mtu)),
        '1280 or more with an IPv6 Address (RFC 8200 §5)',
      );
    }
    if (draft.dnsSearch.length > 0 && draft.dnsServers.length === 0) {
      this.#problem(lineOf('DNS'), 'DNS', 'search domains alone', 'at least one address of a name server');
    }
  }

  #peer({ draft, seen }: OpenSection<PeerDraft>): PeerConfig | undefined {
    const before = this.#problems.length;
    const lineOf = (name: string) => seen.get(name) ?? draft.line;
    if (draft.publicKey === undefined) {
      this.#problem(draft.line, 'PublicKey', 'none', 'one in every [Peer]');
      return undefined;
    }
    const traits = {
      hybrid: draft.kemPublicKey !== undefined,
      mode: draft.mode,
      rekeyProfile: draft.rekeyProfile,
      hasDeploymentKey: draft.deploymentKey !== undefined,
    };
    for (const { key, got, expected } of peerProblems(traits, this.#interface?.draft.kemSeed !== undefined)) {
      this.#problem(lineOf(key), key, got, expected);
    }
    this.#checkKeys(draft, draft.publicKey, lineOf);
    if (this.#problems.length > before) return undefined;
    return {
      publicKey: draft.publicKey,
      ...(draft.kemPublicKey !== undefined && { kemPublicKey: draft.kemPublicKey }),
      mode: traits.hybrid ? 'require' : 'classical',
      ...(draft.presharedKey !== undefined && { presharedKey: draft.presharedKey }),
      ...(draft.deploymentKey !== undefined && { deploymentKey: draft.deploymentKey }),
      allowedIps: draft.allowedIps,
      ...(draft.endpoint !== undefined && { endpoint: draft.endpoint }),
      ...(draft.persistentKeepalive !== undefined &&
        draft.persistentKeepalive > 0 && { persistentKeepalive: draft.persistentKeepalive }),
      ...(draft.rekeyProfile !== undefined && { rekeyProfile: draft.rekeyProfile }),
    };
  }

  readonly #lineOfPeer = new Map<string, number>();

  #checkKeys(draft: PeerDraft, key: Uint8Array, lineOf: (name: string) => number): void {
    const text = publicText(key);
    const first = this.#lineOfPeer.get(text);
    if (first !== undefined)
      this.#problem(lineOf('PublicKey'), 'PublicKey', `the peer of line ${first} again`, 'each peer once');
    this.#lineOfPeer.set(text, draft.line);
    const { keys } = this.#options;
    if (keys === undefined) return;
    const badDh = keys.dhProblem(key, this.#interface?.draft.privateKey);
    if (badDh !== undefined)
      this.#problem(lineOf('PublicKey'), 'PublicKey', badDh, 'the X25519 public key of another party');
    if (draft.kemPublicKey !== undefined && !keys.kemAccepted(draft.kemPublicKey)) {
      this.#problem(
        lineOf('KemPublicKey'),
        'KemPublicKey',
        'a key that fails the modulus check',
        'an ML-KEM public key (FIPS 203 §7.2)',
      );
    }
  }

  #problem(line: number, key: string, got: string, expected: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push({ line, key, got, expected });
  }
}

function nameOf(peer: PeerDraft): [string, string][] {
  return peer.publicKey === undefined || peer.friendlyName === undefined
    ? []
    : [[publicText(peer.publicKey), peer.friendlyName]];
}
