import { Secret } from '@pqtun/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatPrefix } from '../address-text.ts';
import { publicText } from '../secret-text.ts';
import { ConfigError } from './config-error.ts';
import { parseConfig } from './config-file.ts';
import { interfaceFields } from './interface-fields.ts';
import { type DaemonConfig, secretsOf } from './model.ts';
import { peerFields } from './peer-fields.ts';
import { publicKeyCheck } from './public-key-check.ts';
import { bytesOf, classicalLines, interfaceLines, noSources, peerLines, samples } from './sample.test.kit.ts';
import { configModel, interfaceModel, jsonSchema, modelOf, peerModel } from './schema.ts';
import { maxLineLength } from './tokenizer.ts';
import { writeConfig, writeStripped } from './write.ts';

const keys = publicKeyCheck();
const parse = (text: string | readonly string[], allowHooks = false): DaemonConfig =>
  parseConfig(bytesOf(typeof text === 'string' ? text : text.join('\n')), {
    file: 'pq0.conf',
    sources: noSources,
    allowHooks,
    keys,
  });

function refusal(text: string | readonly string[]): string {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

describe('a configuration file', () => {
  it('becomes a configuration, key by key', () => {
    const config = parse(
      [
        ...interfaceLines,
        `DeploymentKey = ${samples.deploymentKey}`,
        'DeploymentKey = none',
        'MTU = 1380',
        'DNS = 10.88.0.1, corp.example',
        'DNS = fd00:88::1',
        'Table = 1234',
        'FwMark = 0xca6c',
        'PostUp = echo %i up',
        'SaveConfig = true',
        'Plane = Portable',
        'Aead = evp',
        'Offloads = -uso,-udp-gso',
        'ClampMss = false',
        ...peerLines,
        '# friendly_name = the hub',
        `PresharedKey = ${samples.presharedKey}`,
        `DeploymentKey = ${samples.deploymentKey}`,
        'AllowedIPs = 10.1.2.3/8, ::/0',
        'PersistentKeepalive = 25',
        'RekeyProfile = metered',
        ...classicalLines,
      ],
      true,
    );
    const [hub, other] = config.tunnel.peers;
    expect(publicText(config.tunnel.privateKey?.borrow() ?? new Uint8Array(0))).toBe(samples.privateKey);
    expect(config.tunnel.kemSeed?.length).toBe(64);
    expect(config.tunnel.deploymentKeys?.map((gk) => (gk instanceof Secret ? gk.length : gk))).toEqual([
      32,
      'none',
    ]);
    expect(config.tunnel.listenPort).toBe(51820);
    expect(config.tunnel.fwMark).toBe(0xca6c);
    expect(config.link).toMatchObject({ mtu: 1380, table: 1234, dnsSearch: ['corp.example'] });
    expect(config.link.addresses.map(formatPrefix)).toEqual(['10.88.0.2/24', 'fd00:88::2/64']);
    expect(config.link.dnsServers).toHaveLength(2);
    expect(config.hooks.postUp).toEqual(['echo %i up']);
    expect(config.saveConfig).toBe(true);
    expect(config.dataPath).toEqual({
      plane: 'portable',
      aead: 'evp',
      offloads: { uso: false, 'udp-gso': false },
      clampMss: false,
    });
    expect(hub).toMatchObject({
      mode: 'require',
      persistentKeepalive: 25,
      rekeyProfile: 'metered',
      endpoint: { host: '192.0.2.1', port: 51820 },
    });
    expect(hub?.allowedIps.map(formatPrefix)).toEqual(['10.88.0.0/24', '10.0.0.0/8', '::/0']);
    expect(config.friendlyNames.get(samples.hub.publicKey)).toBe('the hub');
    expect(other?.mode).toBe('classical');
    expect(secretsOf(config.tunnel)).toHaveLength(5);
  });

  it('lets the native plane do as it can, unless told otherwise: all offloads, some, or none', () => {
    const dataPath = (...more: string[]) => parse([...interfaceLines, ...more, ...peerLines]).dataPath;
    const asItCan = { plane: 'auto', aead: 'auto', offloads: {}, clampMss: true };
    expect(dataPath()).toEqual(asItCan);
    expect(dataPath('Plane = auto', 'Offloads = auto')).toEqual(asItCan);
    const none = dataPath('Offloads = off').offloads;
    expect(Object.keys(none)).toHaveLength(6);
    expect(Object.values(none)).not.toContain(true);
  });

  it('takes keys and sections in any case, comments anywhere, and CRLF line ends', () => {
    const text = interfaceLines
      .concat(peerLines)
      .map((line) => line.replace(/^[[A-Za-z]+/, (word) => word.toUpperCase()));
    expect(parse(text.map((line) => `${line} # why`).join('\r\n')).tunnel.peers).toHaveLength(1);
  });

  it('reads an existing WireGuard file once its peers say Mode = classical', () => {
    const wireguard = [
      '[Interface]',
      `PrivateKey = ${samples.privateKey}`,
      'Address = 10.0.0.2/32',
      '',
      ...classicalLines,
      'PersistentKeepalive = off',
    ];
    expect(parse(wireguard).tunnel.peers[0]).toMatchObject({ mode: 'classical' });
    expect(refusal(wireguard.filter((line) => !line.startsWith('Mode')))).toBe(
      'pq0.conf:5: KemPublicKey: got none, expected a KemPublicKey; a peer that has none needs Mode = classical, which is not post-quantum',
    );
  });

  it('chooses suite 2 by the length of the KEM key', () => {
    const config = parse([
      ...interfaceLines,
      '[Peer]',
      `PublicKey = ${samples.strong.publicKey}`,
      `KemPublicKey = ${samples.strong.kemPublicKey}`,
    ]);
    expect(config.tunnel.peers[0]?.kemPublicKey).toHaveLength(1568);
  });

  it('follows file: and credential: to a bare key or to the line of its name, and remembers the reference', () => {
    const files: Record<string, string> = {
      '/etc/k': `PrivateKey = ${samples.privateKey}\nKemSeed = ${samples.kemSeed}\n`,
      'hub.kem': `${samples.hub.kemPublicKey}\n`,
    };
    const given: Uint8Array[] = [];
    const lend = (name: string) => {
      const bytes = bytesOf(files[name] ?? '');
      given.push(bytes);
      return bytes;
    };
    const text = [
      '[Interface]',
      'PrivateKey = file:/etc/k',
      'KemSeed = credential:/etc/k',
      '[Peer]',
      `PublicKey = ${samples.hub.publicKey}`,
      'KemPublicKey = file:hub.kem',
    ].join('\n');
    const config = parseConfig(bytesOf(text), { file: 'x', sources: { file: lend, credential: lend } });
    expect(publicText(config.tunnel.privateKey?.borrow() ?? new Uint8Array(0))).toBe(samples.privateKey);
    expect(given[0]?.every((byte) => byte === 0)).toBe(true); // wiped behind the key
    const written = Buffer.from(writeConfig(config)).toString();
    expect(written).toContain('PrivateKey = file:/etc/k\nKemSeed = credential:/etc/k\n');
    expect(written).toContain('KemPublicKey = file:hub.kem');
  });

  it('destroys every secret when it refuses the file', () => {
    const seen: Secret[] = [];
    const original = Secret.prototype.destroy;
    Secret.prototype.destroy = function destroy(this: Secret) {
      seen.push(this);
      original.call(this);
    };
    try {
      expect(refusal([...interfaceLines, 'MTU = 1'])).toContain('MTU');
    } finally {
      Secret.prototype.destroy = original;
    }
    expect(seen).toHaveLength(2);
    expect(seen.every((secret) => secret.destroyed)).toBe(true);
  });
});

describe('errors', () => {
  const iface = interfaceLines;
  it.each([
    [
      [...iface, 'ListenPort = 1'],
      'pq0.conf:6: ListenPort: got it again (first on line 5), expected it once in [Interface]',
    ],
    [
      [...iface, 'ListenPrt = 1'],
      'pq0.conf:6: ListenPrt: got an unknown key, expected a key of [Interface]: did you mean ListenPort?',
    ],
    [
      [...iface, 'Endpoint = 1.2.3.4:5'],
      'pq0.conf:6: Endpoint: got a key of the other section in [Interface], expected it in [Peer]',
    ],
    [[...iface, 'MTU = 1e3'], 'pq0.conf:6: MTU: got "1e3", expected bytes from 576 to 65535'],
    [
      [...iface, 'MTU = 1000'],
      'pq0.conf:6: MTU: got "1000", expected 1280 or more with an IPv6 Address (RFC 8200 §5)',
    ],
    [
      [...iface, 'PostUp = reboot'],
      'pq0.conf:6: PostUp: got a command, expected no hooks without --allow-hooks',
    ],
    [
      [...iface, 'DNS = a.example'],
      'pq0.conf:6: DNS: got search domains alone, expected at least one address of a name server',
    ],
    [[...iface, '[Interface]'], 'pq0.conf:6: section: got a second [Interface], expected one [Interface]'],
    [[...iface, '[Pear]', 'X = 1'], 'pq0.conf:6: section: got [Pear], expected [Interface] or [Peer]'],
    [
      ['ListenPort = 1', ...iface],
      'pq0.conf:1: ListenPort: got a key before any section, expected [Interface] or [Peer] first',
    ],
    [
      ['[Interface]'],
      'pq0.conf:1: PrivateKey: got none, expected one in [Interface]; make it with: pqtun genkey',
    ],
    [[], 'pq0.conf: PrivateKey: got none, expected one in [Interface]; make it with: pqtun genkey'],
    [[...iface, '[Peer]'], 'pq0.conf:6: PublicKey: got none, expected one in every [Peer]'],
    [
      [...iface, ...peerLines, 'Mode = classical'],
      'pq0.conf:11: Mode: got classical beside a KemPublicKey, expected one of them: such a peer never falls back',
    ],
    [
      [...iface, ...classicalLines, 'RekeyProfile = metered'],
      'pq0.conf:10: RekeyProfile: got metered for a classical peer, expected standard (protocol.md §5.3)',
    ],
    [
      [...iface, ...classicalLines, `DeploymentKey = ${samples.deploymentKey}`],
      'pq0.conf:10: DeploymentKey: got one for a classical peer, expected none: WireGuard has no such key',
    ],
    [
      [...iface.filter((line) => !line.startsWith('KemSeed')), ...peerLines],
      'pq0.conf:7: KemPublicKey: got one, but no KemSeed in [Interface], expected a KemSeed for hybrid peers; make it with: pqtun genkey',
    ],
    [
      [...iface, ...peerLines, ...peerLines],
      'pq0.conf:12: PublicKey: got the peer of line 6 again, expected each peer once',
    ],
    [
      [...iface, ...peerLines, 'AllowedIPs = 10.0.0.0/8, 300.1.1.1'],
      'pq0.conf:11: AllowedIPs: got "300.1.1.1", expected prefixes such as 10.0.0.0/8, fd00::/16',
    ],
    [
      [...iface, ...peerLines, 'PresharedKey = abc'],
      'pq0.conf:11: PresharedKey: got 3 characters, expected base64 of 32 bytes (44 characters), file:PATH or credential:NAME',
    ],
    [
      [...iface, ...peerLines, 'PresharedKey = file:/x'],
      'pq0.conf:11: PresharedKey: got cannot open /x (ENOENT), expected base64 of 32 bytes (44 characters), file:PATH or credential:NAME',
    ],
    [
      [...iface, '[Peer]', `PublicKey = ${publicText(new Uint8Array(32))}`, 'Mode = classical'],
      'pq0.conf:7: PublicKey: got a key of low order, expected the X25519 public key of another party',
    ],
    [
      [...iface, ...Array.from({ length: 9 }, () => 'DeploymentKey = none')],
      'pq0.conf:6: DeploymentKey: got 9 of them, expected at most 8',
    ],
  ] as [string[], string][])('names file, line and key (%#)', (lines, message) => {
    expect(refusal(lines)).toBe(message);
  });

  it('refuses an ML-KEM key that fails the modulus check', () => {
    const bad = publicText(new Uint8Array(1184).fill(0xff));
    expect(
      refusal([
        ...iface,
        ...peerLines.map((line) => (line.startsWith('Kem') ? `KemPublicKey = ${bad}` : line)),
      ]),
    ).toBe(
      'pq0.conf:8: KemPublicKey: got a key that fails the modulus check, expected an ML-KEM public key (FIPS 203 §7.2)',
    );
  });

  it('accepts 8 deployment keys', () => {
    expect(
      refusal([...iface, ...Array.from({ length: 8 }, () => `DeploymentKey = ${samples.deploymentKey}`)]),
    ).toBe('accepted');
  });

  it('reports several problems, one line each, and at most 20', () => {
    expect(refusal([...iface, 'MTU = x', 'Table = y']).split('\n')).toHaveLength(2);
    expect(refusal([...iface, ...Array.from({ length: 50 }, () => 'What = 1')]).split('\n')).toHaveLength(20);
  });

  it('never shows a key, wherever it was pasted', () => {
    const secret = samples.presharedKey;
    const places = [
      secret,
      `= ${secret}`,
      `${secret} = 1`,
      `[${secret}]`,
      `PrivateKey = ${secret}x`,
      `KemSeed = ${secret}`,
      `DNS = ${secret}`,
      `PrivatKey = ${secret}`,
      `MTU = ${secret}`,
      `DNS = 1.1.1.1, ${secret}`,
    ];
    for (const place of places) {
      const message = refusal([
        ...interfaceLines
          .filter((line) => !place.startsWith('PrivateKey') || !line.startsWith('PrivateKey'))
          .filter((line) => !place.startsWith('KemSeed') || !line.startsWith('KemSeed')),
        place,
      ]);
      expect(message).not.toBe('accepted');
      for (let at = 0; at + 12 <= 43; at++) expect(message).not.toContain(secret.slice(at, at + 12));
    }
  });

  it('prints nothing that moves a cursor', () => {
    expect(refusal([...iface, 'Endpoint = \u001b[2J'])).not.toContain('\u001b');
    expect(refusal([...iface, ...peerLines, 'Mode = \u001b[2J\u009b'])).toMatch(
      /^[\p{L}\p{N}\p{P}\p{S} ]+$/u,
    );
  });
});

describe('500 and more invalid configurations', () => {
  const base = [...interfaceLines, ...peerLines];
  const badValues: Record<string, readonly string[]> = {
    PrivateKey: [
      '',
      'x',
      'A'.repeat(44),
      `${samples.privateKey} ${samples.privateKey}`,
      `"${samples.privateKey}"`,
      samples.kemSeed,
      'file:',
      'file:/none',
      'credential:',
      'credential:none',
      samples.privateKey.slice(1),
      samples.privateKey.toLowerCase().replace(/.$/, '!'),
    ],
    KemSeed: ['', samples.privateKey, 'A'.repeat(88), 'none', 'file:/none'],
    DeploymentKey: ['', 'non', 'nonee', 'x', samples.kemSeed],
    Address: [
      '',
      ',',
      '10.0.0.1/33',
      '10.0.0.1/',
      'fd00::/129',
      '10.0.0',
      '10.0.0.1 10.0.0.2',
      'host',
      '1.2.3.4/24,',
      ',1.2.3.4/24',
      '1.2.3.4/-1',
      '1.2.3.4/+1',
      '1.2.3.4/1e1',
      '::g/64',
      ':::/64',
      '1.2.3.4/024',
    ],
    ListenPort: [
      '',
      'off',
      '51820,51821',
      '51820;',
      '１',
      '0b1',
      '1_000',
      '-0',
      '99999999999',
      '-1',
      '65536',
      '0x10',
      '1e3',
      '1 2',
      '51820.0',
      'auto',
      '+1',
      '00',
      '٣',
    ],
    MTU: ['', '0', '575', '65536', '1420 ', '0x5dc', '-1420', 'auto', '1,420'].filter(
      (value) => value.trim() === value,
    ),
    DNS: ['', ',', '-a', 'a..b', '1.2.3', '1.2.3.4,', 'a b', '1.2.3.4, bad_!'],
    Table: ['', 'main', '0', '-1', '4294967296', '0xff', 'on'],
    FwMark: ['', '-1', '4294967296', '0x', '0x1ffffffff', '0xg', 'on', '1e2'],
    Plane: ['', 'fast', 'native portable'],
    Aead: ['', 'aes', 'evp, raw'],
    Offloads: ['', 'on', 'uso', '-gso', '-uso -tso', '-uso,', 'off, -uso', 'auto, -uso'],
    ClampMss: ['', 'yes', '1'],
    SaveConfig: ['', 'yes', 'True', '1', 'true false'],
    PreUp: ['true', ''],
    PostUp: ['true', ''],
    PreDown: ['true', ''],
    PostDown: ['true', ''],
  };
  const badPeerValues: Record<string, readonly string[]> = {
    PublicKey: ['', 'x', samples.kemSeed, 'A'.repeat(43), 'A'.repeat(45)],
    KemPublicKey: [
      '',
      'x',
      samples.hub.publicKey,
      samples.hub.kemPublicKey.slice(4),
      `${samples.hub.kemPublicKey}AAAA`,
      'file:/none',
      'file:',
    ],
    Mode: ['', 'none', 'classical', 'require ', 'hybrid', 'off'].filter((value) => value.trim() === value),
    PresharedKey: [
      '',
      'x',
      samples.kemSeed,
      'file:/none',
      'credential:..',
      samples.presharedKey.replace('=', ''),
    ],
    DeploymentKey: ['', 'none', 'x'],
    AllowedIPs: [
      ',',
      '10.0.0.0/33',
      '::/129',
      'any',
      '10.0.0.0/8,,::/0',
      '10.0.0.0/8;::/0',
      '+10.0.0.0/8',
      '10.0.0.0/255.0.0.0',
      '10/8',
      '0.0.0.0/00',
    ],
    Endpoint: [
      '',
      ':1',
      '1.2.3.4',
      '1.2.3.4:0',
      '1.2.3.4:65536',
      '::1:51820',
      '[::1]',
      '[::1]51820',
      '[::1:51820',
      '[1.2.3.4]:1',
      'a b:1',
      '-:1',
      'a:1e3',
      'a:0x1',
      'http://a:1',
      '1.2.3.4:51820, 1.2.3.5:51820',
      '[fe80::1%]:1',
      '256.1.1.1:1',
    ],
    PersistentKeepalive: ['', '-1', '65536', '1e3', 'on', '25s', '2 5', '0x19'],
    RekeyProfile: ['', 'slow', 'metered standard', '1'],
  };
  const cases: string[][] = [];
  const replaced = (lines: readonly string[], key: string, value: string) => [
    ...lines.filter((line) => !line.startsWith(`${key} `)),
    `${key} = ${value}`,
  ];
  for (const [key, values] of Object.entries(badValues))
    for (const value of values) cases.push([...replaced(interfaceLines, key, value), ...peerLines]);
  for (const [key, values] of Object.entries(badPeerValues))
    for (const value of values) cases.push([...interfaceLines, ...replaced(peerLines, key, value)]);
  for (const field of [...interfaceFields, ...peerFields]) {
    const section = interfaceFields.some((candidate) => candidate === field) ? interfaceLines : peerLines;
    const whole =
      section === interfaceLines
        ? (line: string) => [...interfaceLines, line, ...peerLines]
        : (line: string) => [...base, line];
    const { name } = field;
    for (const misspelt of [`${name}x`, `x${name}`, name.slice(1), `${name.slice(0, 2)}_${name.slice(2)}`])
      cases.push(whole(`${misspelt} = 1`));
    for (const form of [
      `${name}`,
      `${name}: 1`,
      `= ${name}`,
      `${name} 1`,
      `; ${name} = 1`,
      `[${name}]`,
      `[${name}`,
      `${name}\u0000 = 1`,
    ])
      cases.push(whole(form));
    cases.push(whole(`${name} = \u0001`), whole(`${name} = \u00ff\u0000`));
  }
  for (let removed = 1; removed < 3; removed++)
    cases.push(
      [...interfaceLines.slice(0, removed), ...interfaceLines.slice(removed + 1), ...peerLines].filter(
        () => true,
      ),
    );
  for (const key of ['PrivateKey', 'KemSeed', 'ListenPort'])
    cases.push([...interfaceLines, ...interfaceLines.filter((line) => line.startsWith(key)), ...peerLines]);
  for (const key of ['PublicKey', 'KemPublicKey', 'Endpoint'])
    cases.push([...base, ...peerLines.filter((line) => line.startsWith(key))]);
  for (const start of [1, 2, 3, 4]) cases.push(interfaceLines.slice(start).concat(peerLines));

  it('are more than 500', () => {
    expect(cases.length).toBeGreaterThanOrEqual(500);
  });

  it('each give exactly one line, with file and key, and nothing else', () => {
    for (const lines of cases) {
      const message = refusal(lines);
      expect(message, lines.join('\n').slice(-200)).toMatch(
        /^pq0\.conf(:\d+)?: (\[\w+\]|\w+): got .+, expected .+$/,
      );
      expect(message.length).toBeLessThan(600);
    }
  });
});

describe('hostile text', () => {
  it('never throws anything but ConfigError', () => {
    const line = fc.oneof(
      fc.constantFrom(...interfaceLines, ...peerLines, ...classicalLines),
      fc
        .tuple(
          fc.constantFrom(...[...interfaceFields, ...peerFields].map((field) => field.name)),
          fc.string({ maxLength: 80 }),
        )
        .map(([key, value]) => `${key} = ${value}`),
      fc.string({ maxLength: 120 }),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        refusal(lines);
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(() => parseConfig(bytes, { file: 'f', sources: noSources })).toThrow(ConfigError);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes lines up to 1 MiB in linear time, and refuses longer ones', () => {
    const long = (length: number, of: string) => of.repeat(Math.ceil(length / of.length)).slice(0, length);
    const times = [1, 4].map((quarters) => {
      const start = process.cpuUsage().user;
      for (const of of ['a', '=', '[', ' ', ',', '1.2.3.4,', ':', '#', 'AllowedIPs=', '\u0000']) {
        refusal([
          ...interfaceLines,
          ...peerLines,
          `AllowedIPs = ${long((quarters * maxLineLength) / 4 - 64, of)}`,
        ]);
        refusal([
          ...interfaceLines,
          ...peerLines,
          `Endpoint = ${long((quarters * maxLineLength) / 4 - 64, of)}`,
        ]);
        refusal([...interfaceLines, ...peerLines, long((quarters * maxLineLength) / 4 - 64, of)]);
      }
      return process.cpuUsage().user - start;
    });
    // Four times the input: a quadratic parser would need sixteen times as long.
    expect(times[1] ?? 0).toBeLessThan(12 * (times[0] ?? 0) + 500_000);
    expect(refusal([...interfaceLines, `Address = ${long(maxLineLength, '1')}`])).toBe(
      `pq0.conf:6: file: got a line of more than ${maxLineLength} bytes, expected [Section], or Key = value`,
    );
  });
});

describe('writing', () => {
  const full = [
    ...interfaceLines,
    'DNS = 1.1.1.1, a.example',
    'FwMark = 7',
    'Table = off',
    `DeploymentKey = ${samples.deploymentKey}`,
    'DeploymentKey = none',
    'PostUp = echo 1',
    'PostUp = echo 2',
    'SaveConfig = true',
    'Plane = native',
    'Aead = raw',
    'Offloads = -tso, -uso',
    'ClampMss = false',
    ...peerLines,
    '# friendly_name = hub',
    `PresharedKey = ${samples.presharedKey}`,
    'RekeyProfile = metered',
    'PersistentKeepalive = 7',
    ...classicalLines,
  ];

  it('gives a file that reads as the same configuration', () => {
    const config = parse(full, true);
    const written = Buffer.from(writeConfig(config)).toString('utf8');
    const again = parse(written, true);
    expect(modelOf(again)).toEqual(modelOf(config));
    expect(Buffer.from(writeConfig(again)).toString('utf8')).toBe(written);
    expect(secretsOf(again.tunnel).map((s) => publicText(s.borrow()))).toEqual(
      secretsOf(config.tunnel).map((s) => publicText(s.borrow())),
    );
  });

  it('strips to what wg setconf understands: no key of ours and no hybrid peer', () => {
    const stripped = Buffer.from(writeStripped(parse(full, true), { hybrid: false })).toString('utf8');
    expect(stripped).toBe(
      `[Interface]\nPrivateKey = ${samples.privateKey}\nListenPort = 51820\nFwMark = 0x7\n\n[Peer]\nPublicKey = ${samples.classical.publicKey}\nAllowedIPs = 10.99.0.0/16\n`,
    );
  });
});

describe('the model for tools', () => {
  it('has the same keys as the file', () => {
    const lower = (name: string) => name.toLowerCase();
    expect(Object.keys(interfaceModel.shape).map(lower).sort()).toEqual(
      interfaceFields.map((field) => lower(field.name)).sort(),
    );
    expect(Object.keys(peerModel.shape).map(lower).sort()).toEqual(
      [...peerFields.map((field) => lower(field.name)), 'friendlyname'].sort(),
    );
  });

  it('accepts the model of every configuration and hides its secrets', () => {
    const model = modelOf(parse([...interfaceLines, ...peerLines, `PresharedKey = ${samples.presharedKey}`]));
    expect(configModel.parse(model)).toEqual(model);
    const text = JSON.stringify(model);
    for (const secret of [samples.privateKey, samples.kemSeed, samples.presharedKey])
      expect(text).not.toContain(secret);
  });

  it('is a JSON Schema with a version', () => {
    expect(jsonSchema()).toMatchObject({
      $id: 'urn:pqtun:config:1',
      type: 'object',
      required: ['version', 'interface', 'peers'],
    });
  });
});
