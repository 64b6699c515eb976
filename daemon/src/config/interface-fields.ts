/** The keys of `[Interface]`, and the draft they fill. */
import { limits, type Secret } from '@pqtun/core';
import type { Prefix } from '@pqtun/tunnel';
import { parseInteger, parseIp, parsePrefix } from '../address-text.ts';
import { type Field, list, orNone, scalar, secretKey } from './fields.ts';
import {
  aeadChoices,
  type DataPathConfig,
  defaultDataPath,
  type HookKind,
  offloadNames,
  planeChoices,
  type UapiPeers,
} from './model.ts';

export interface InterfaceDraft {
  readonly line: number;
  privateKey?: Secret;
  kemSeed?: Secret;
  readonly deploymentKeys: (Secret | 'none')[];
  readonly addresses: Prefix[];
  listenPort?: number;
  mtu?: number;
  readonly dnsServers: Uint8Array[];
  readonly dnsSearch: string[];
  table: 'auto' | 'off' | number;
  fwMark?: number;
  dataPath: DataPathConfig;
  readonly hooks: Record<HookKind, string[]>;
  saveConfig: boolean;
  uapiPeers: UapiPeers;
}

export function interfaceDraft(line: number): InterfaceDraft {
  return {
    line,
    deploymentKeys: [],
    addresses: [],
    dnsServers: [],
    dnsSearch: [],
    table: 'auto',
    dataPath: defaultDataPath,
    hooks: { preUp: [], postUp: [], preDown: [], postDown: [] },
    saveConfig: false,
    uapiPeers: 'refuse',
  };
}

const withoutAll = offloadNames.map((name) => `-${name}`).join(', ');

export const minMtu = 576;
export const maxMtu = 65_535;
const most32 = 0xffff_ffff;

export const interfaceFields: readonly Field<InterfaceDraft>[] = [
  secretKey('PrivateKey', limits.keySize, (draft, secret) => {
    draft.privateKey = secret;
  }),
  secretKey('KemSeed', limits.kemSeedSize, (draft, secret) => {
    draft.kemSeed = secret;
  }),
  orNone(
    secretKey('DeploymentKey', limits.keySize, (draft, secret) => draft.deploymentKeys.push(secret)),
    (draft) => draft.deploymentKeys.push('none'),
  ),
  list('Address', 'addresses such as 10.88.0.2/24, fd00:88::2/64', parsePrefix, (draft, found) =>
    draft.addresses.push(...found),
  ),
  scalar(
    'ListenPort',
    'a port from 0 to 65535',
    (text) => parseInteger(text, 0, 65_535),
    (draft, port) => {
      draft.listenPort = port;
    },
  ),
  scalar(
    'MTU',
    `bytes from ${minMtu} to ${maxMtu}`,
    (text) => parseInteger(text, minMtu, maxMtu),
    (draft, mtu) => {
      draft.mtu = mtu;
    },
  ),
  list('DNS', 'addresses of name servers, or search domains', parseDns, (draft, found) => {
    for (const entry of found)
      typeof entry === 'string' ? draft.dnsSearch.push(entry) : draft.dnsServers.push(entry);
  }),
  scalar('Table', 'auto, off, or the number of a routing table', parseTable, (draft, table) => {
    draft.table = table;
  }),
  scalar('FwMark', 'off, or a 32-bit number such as 51820 or 0xca6c', parseMark, (draft, mark) => {
    draft.fwMark = mark;
  }),
  scalar('Plane', planeChoices.join(', '), oneOf(planeChoices), (draft, plane) => {
    draft.dataPath = { ...draft.dataPath, plane };
  }),
  scalar('Aead', aeadChoices.join(', '), oneOf(aeadChoices), (draft, aead) => {
    draft.dataPath = { ...draft.dataPath, aead };
  }),
  scalar('Offloads', `auto, off, or those to do without: ${withoutAll}`, parseOffloads, (draft, offloads) => {
    draft.dataPath = { ...draft.dataPath, offloads };
  }),
  scalar('ClampMss', 'true or false', parseBoolean, (draft, clampMss) => {
    draft.dataPath = { ...draft.dataPath, clampMss };
  }),
  hook('PreUp', 'preUp'),
  hook('PostUp', 'postUp'),
  hook('PreDown', 'preDown'),
  hook('PostDown', 'postDown'),
  scalar('SaveConfig', 'true or false', parseBoolean, (draft, value) => {
    draft.saveConfig = value;
  }),
  scalar('UapiPeers', 'refuse or classical', parseUapiPeers, (draft, value) => {
    draft.uapiPeers = value;
  }),
];

/** Off is 0, as the kernel has it. */
export function parseMark(text: string): number | undefined {
  if (text.toLowerCase() === 'off') return 0;
  if (/^0[xX][0-9a-fA-F]{1,8}$/.test(text)) return Number.parseInt(text.slice(2), 16);
  return parseInteger(text, 0, most32);
}

function parseTable(text: string): 'auto' | 'off' | number | undefined {
  const word = text.toLowerCase();
  return word === 'auto' || word === 'off' ? word : parseInteger(text, 1, most32);
}

function oneOf<T extends string>(words: readonly T[]): (text: string) => T | undefined {
  return (text) => words.find((word) => word === text.toLowerCase());
}

/** `-uso, -udp-gso` → those off. */
function parseOffloads(text: string): DataPathConfig['offloads'] | undefined {
  const words = text.toLowerCase().split(',');
  const [only = ''] = words.map((word) => word.trim());
  if (words.length === 1 && only === 'auto') return {};
  const off = words.map((word) => offloadNames.find((name) => `-${name}` === word.trim()));
  const named = words.length === 1 && only === 'off' ? offloadNames : off;
  if (named.some((name) => name === undefined)) return undefined;
  return Object.fromEntries(named.map((name) => [name, false]));
}

export function formatOffloads(offloads: DataPathConfig['offloads']): string {
  const off = offloadNames.filter((name) => offloads[name] === false);
  if (off.length === 0) return 'auto';
  return off.length === offloadNames.length ? 'off' : off.map((name) => `-${name}`).join(', ');
}

function parseBoolean(text: string): boolean | undefined {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

export function parseUapiPeers(text: string): UapiPeers | undefined {
  const word = text.toLowerCase();
  return word === 'refuse' || word === 'classical' ? word : undefined;
}

function parseDns(text: string): Uint8Array | string | undefined {
  const label =
    /^(?!.*\.[0-9]+$)(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*$/;
  return parseIp(text) ?? (label.test(text) && !/^[0-9]+$/.test(text) ? text : undefined);
}

/** Commands run as root, so a file alone cannot ask for them: the command line must allow it. */
function hook(name: string, kind: HookKind): Field<InterfaceDraft> {
  const command = scalar<InterfaceDraft, string>(
    name,
    'a shell command',
    (text) => (text === '' ? undefined : text),
    (draft, text) => draft.hooks[kind].push(text),
  );
  return {
    name,
    repeatable: true,
    read: (draft, value, context) =>
      context.allowHooks
        ? command.read(draft, value, context)
        : { got: 'a command', expected: 'no hooks without --allow-hooks' },
  };
}
