import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeSuite } from '@pqtun/core/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandTable, runCli } from './cli.ts';
import type { Io } from './commands/command.ts';
import { bashCompletion } from './commands/completion.ts';
import { parseSetWords } from './commands/set-words.ts';
import { keySources, readKeyFile } from './config/key-files.ts';
import { bytesOf, classicalLines, interfaceLines, peerLines, samples } from './config/sample.test.kit.ts';
import { readKeyMaterial } from './key-material.ts';
import { publicText } from './secret-text.ts';

let directory: string;
let out: string;
let errors: string;
let given: Uint8Array;
/** What was written to stdout as bytes, by reference: secrets must be wiped in it afterwards. */
let buffers: Uint8Array[];

const io: Io = {
  out: async (text) => {
    out += typeof text === 'string' ? text : Buffer.from(text).toString();
    if (typeof text !== 'string') buffers.push(text);
  },
  error: (text) => {
    errors += text;
  },
  stdin: () => given,
  env: {},
  outIsTerminal: false,
  now: () => 0,
};
const run = (...argv: string[]) => runCli(argv, io);
const file = (name: string, text: string, mode = 0o600) => {
  const full = path.join(directory, name);
  fs.writeFileSync(full, text, { mode });
  fs.chmodSync(full, mode);
  return full;
};

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pqtun-cli-'));
  [out, errors, given, buffers] = ['', '', new Uint8Array(0), []];
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

describe('every command', () => {
  it.each(commandTable.map(({ name }) => name))('%s has help with examples, and a version', async (name) => {
    expect(await run(name, '--help')).toBe(0);
    expect(out).toMatch(new RegExp(`Usage: pqtun.*${name}`));
    expect(out).toContain('Examples:\n  pqtun');
    out = '';
    expect(await run(name, '--version')).toBe(0);
    expect(out).toMatch(/^pqtun \d+\.\d+\.\d+\n$/);
  });

  it('ends with 2 on a wrong command line', async () => {
    for (const argv of [
      ['nope'],
      ['show', '--nope'],
      ['run'],
      ['strip'],
      ['check'],
      ['run', '..'],
      ['run', 'much-too-long-name'],
      ['pubkey', '--suite', '3'],
      ['run', 'pq0', '--crypto', 'rot13'],
      ['run', 'pq0', '--plane', 'inclined'],
      ['daemon', 'pq0', '--plane', 'inclined'],
      ['run', 'pq0', '--metrics', 'x'],
      ['set', 'pq0', 'word'],
      ['ping', 'x', '-c', '1e3'],
      ['run', 'pq0', '--log-level', 'loud'],
      ['run', 'pq0', '--ready-fd', '1'],
      ['bench', 'nope'],
      ['bench', 'compare', 'a.json'],
      ['bench', '--only', 'records,nope'],
      ['bench', '--rounds', '0'],
      ['bench', '--rounds', '1001'],
      ['bench', 'compare', 'a.json', 'b.json', '--threshold', 'x'],
    ])
      expect(await run(...argv), argv.join(' ')).toBe(2);
  });

  it('stands in the bash completion, which is a bash script', () => {
    const script = bashCompletion(commandTable);
    for (const { name } of commandTable) expect(script).toContain(`    ${name}) words=`);
    expect(spawnSync('bash', ['-n'], { input: script }).status).toBe(0);
  });
});

describe('keys', () => {
  it('genkey makes lines for [Interface], each time others, and wipes what it printed', async () => {
    await run('genkey');
    expect(out).toMatch(/^PrivateKey = [A-Za-z0-9+/]{43}=\nKemSeed = [A-Za-z0-9+/]{86}==\n$/);
    expect(buffers.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    const first = out;
    out = '';
    await run('genkey');
    expect(out).not.toBe(first);
  });

  it('genkey --wg makes one clamped key, and genpsk one key', async () => {
    await run('genkey', '--wg');
    const key = Buffer.from(out, 'base64');
    expect([key.length, (key[0] ?? 0) & 7, (key[31] ?? 0) >> 6]).toEqual([32, 0, 1]);
    out = '';
    await run('genpsk');
    expect(out).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
  });

  it('--out makes a file only we can read, and never replaces one', async () => {
    const at = path.join(directory, 'pq0.key');
    expect(await run('genkey', '--out', at)).toBe(0);
    expect([fs.statSync(at).mode & 0o777, out]).toEqual([0o600, '']);
    const before = fs.readFileSync(at);
    expect(await run('genkey', '--out', at)).toBe(1);
    expect(errors).toContain('only copy of a key');
    expect(fs.readFileSync(at)).toEqual(before);
  });

  it('pubkey gives the same keys from lines, from a configuration, and by reference, and wipes its input', async () => {
    const crypto = nodeSuite();
    const expected = `PublicKey = ${publicText(crypto.dhPrivate(Buffer.from(samples.privateKey, 'base64')).publicKey)}\nKemPublicKey = ${publicText(crypto.kemPrivate(1, Buffer.from(samples.kemSeed, 'base64')).publicKey)}\n`;
    const key = file('k', `PrivateKey = ${samples.privateKey}\nKemSeed = ${samples.kemSeed}\n`);
    for (const text of [
      fs.readFileSync(key, 'utf8'),
      [...interfaceLines, ...peerLines].join('\n'),
      `[Interface]\nPrivateKey = file:${key}\nKemSeed = file:${key}\n`,
    ]) {
      [out, given] = ['', bytesOf(text)];
      expect(await run('pubkey')).toBe(0);
      expect(out).toBe(expected);
      expect(given.every((byte) => byte === 0)).toBe(true);
    }
    [out, given] = ['', bytesOf(`${samples.privateKey}\n`)];
    await run('pubkey');
    expect(out).toBe(`${expected.split('\n')[0]}\n`);
    expect(errors).toContain('can only be classical');
    [out, given] = ['', fs.readFileSync(key)];
    await run('pubkey', '--suite', '2');
    expect(Buffer.from(out.split('KemPublicKey = ')[1] ?? '', 'base64')).toHaveLength(1568);
  });

  it('id is the same from private and from public keys, in groups of 4', async () => {
    for (const suite of ['1', '2']) {
      [out, given] = ['', bytesOf(interfaceLines.join('\n'))];
      await run('pubkey', '--suite', suite);
      const publicLines = out;
      [out, given] = ['', bytesOf(interfaceLines.join('\n'))];
      await run('id', '--suite', suite);
      const fromPrivate = out;
      [out, given] = ['', bytesOf(`[Peer]\n${publicLines}`)];
      await run('id');
      expect(out).toBe(fromPrivate);
      expect(out).toMatch(/^([a-z2-7]{4}-){12}[a-z2-7]{4}\n$/);
    }
  });

  it('refuse what is no key, and never show it', async () => {
    for (const text of [
      '',
      'x',
      `PrivateKey = ${samples.kemSeed}`,
      `PrivateKey = ${samples.privateKey}\nPrivateKey = ${samples.privateKey}`,
      `KemSeed = ${samples.kemSeed}`,
    ]) {
      [errors, given] = ['', bytesOf(text)];
      expect(await run('pubkey'), text.slice(0, 20)).toBe(1);
      expect(errors).not.toContain(samples.privateKey.slice(0, 12));
      expect(errors).not.toContain(samples.kemSeed.slice(0, 12));
    }
    given = bytesOf(samples.privateKey);
    expect(await run('id')).toBe(1);
    expect(errors).toContain('an ID takes both keys');
  });

  it('come from the first section only', () => {
    const material = readKeyMaterial(
      bytesOf([...interfaceLines, ...peerLines].join('\n')),
      keySources('/', undefined),
    );
    expect(Object.keys(material).sort()).toEqual(['kemSeed', 'privateKey']);
  });
});

describe('check and strip', () => {
  it('check says what the file holds, and ends with 4 and one line per problem', async () => {
    const good = file('pq0.conf', [...interfaceLines, ...peerLines, ...classicalLines].join('\n'));
    expect(await run('check', good)).toBe(0);
    expect(out).toBe(`${good}: ok, 1 hybrid peer, 1 classical (not post-quantum)\n`);
    const bad = file('pq1.conf', [...interfaceLines, 'MTU = 1', 'Tabel = off'].join('\n'));
    expect(await run('check', bad)).toBe(4);
    expect(errors).toBe(
      `${bad}:6: MTU: got "1", expected bytes from 576 to 65535\n${bad}:7: Tabel: got an unknown key, expected a key of [Interface]: did you mean Table?\n`,
    );
  });

  it('refuses files open to others with the command that mends it', async () => {
    for (const mode of [0o604, 0o620, 0o644, 0o601]) {
      errors = '';
      const open = file('pq0.conf', interfaceLines.join('\n'), mode);
      expect(await run('check', open)).toBe(5);
      expect(errors).toBe(
        `pqtun: ${open} is open to others (mode 0${mode.toString(8)}); mend it with: chmod 600 ${open}\n`,
      );
    }
    expect(await run('check', file('pq0.conf', interfaceLines.join('\n'), 0o640))).toBe(0);
    const key = file('k', samples.presharedKey, 0o644);
    errors = '';
    expect(
      await run(
        'check',
        file('pq0.conf', [...interfaceLines, ...peerLines, `PresharedKey = file:${key}`].join('\n')),
      ),
    ).toBe(4);
    expect(errors).toContain(`chmod 600 ${key}`);
  });

  it('prints the model as JSON without secrets, and its schema', async () => {
    const good = file('pq0.conf', [...interfaceLines, ...peerLines].join('\n'));
    await run('check', good, '--json');
    expect(JSON.parse(out)).toMatchObject({
      version: 1,
      interface: { privateKey: '(hidden)', listenPort: 51820 },
    });
    out = '';
    await run('check', '--schema');
    expect(JSON.parse(out)).toMatchObject({ $id: 'urn:pqtun:config:1' });
  });

  it('strip prints what wg understands, says what it left out, and wipes it', async () => {
    expect(
      await run('strip', file('pq0.conf', [...interfaceLines, ...peerLines, ...classicalLines].join('\n'))),
    ).toBe(0);
    expect(out).toContain(`PublicKey = ${samples.classical.publicKey}`);
    expect(out).not.toContain(samples.hub.publicKey);
    expect(errors).toContain('left out 1 hybrid peer');
    expect(buffers.flatMap((bytes) => [...bytes]).every((byte) => byte === 0)).toBe(true);
  });

  it('bounds what it reads', () => {
    expect(() => readKeyFile('/dev/zero', { secret: true, maxLength: 1000 })).toThrow(
      'larger than 1000 bytes',
    );
    expect(() => readKeyFile(directory, { secret: true, maxLength: 1000 })).toThrow('is a directory');
    expect(() => readKeyFile(path.join(directory, 'none'), { secret: true, maxLength: 1000 })).toThrow(
      'ENOENT',
    );
    expect(readKeyFile(file('full', 'x'.repeat(1000)), { secret: true, maxLength: 1000 })).toHaveLength(1000);
    expect(() => readKeyFile(file('more', 'x'.repeat(1001)), { secret: true, maxLength: 1000 })).toThrow(
      'larger',
    );
  });
});

describe('the words of set', () => {
  it('become one request, with keys from files', () => {
    const psk = file('psk', `${samples.presharedKey}\n`);
    const empty = file('empty', '');
    const pub = file(
      'hub.pub',
      `PublicKey = ${samples.hub.publicKey}\nKemPublicKey = ${samples.hub.kemPublicKey}\n`,
    );
    const words = `peer ${samples.hub.publicKey} kem-public-key ${pub} preshared-key ${psk} deployment-key ${empty} endpoint [::1]:1 persistent-keepalive off allowed-ips 10.0.0.0/8,::/0 rekey-profile metered peer ${samples.classical.publicKey} remove`;
    const { request, secrets } = parseSetWords(words.split(' '));
    expect(request.peers).toEqual([
      {
        publicKey: samples.hub.publicKey,
        kemPublicKey: samples.hub.kemPublicKey,
        presharedKey: expect.stringMatching(/^#0 +$/),
        deploymentKey: null,
        endpoint: '[::1]:1',
        persistentKeepalive: 0,
        allowedIps: ['10.0.0.0/8', '::/0'],
        rekeyProfile: 'metered',
      },
      { publicKey: samples.classical.publicKey, remove: true },
    ]);
    expect(secrets.map((secret) => publicText(secret.borrow()))).toEqual([samples.presharedKey]);
  });

  it.each([
    '',
    'peer',
    'peer x',
    'remove',
    `peer ${'A'.repeat(43)}= endpoint`,
    `peer ${'A'.repeat(43)}= endpoint 1.2.3.4`,
    `peer ${'A'.repeat(43)}= allowed-ips x`,
    `peer ${'A'.repeat(43)}= constructor`,
    `peer ${'A'.repeat(43)}= mode off`,
  ])('are a usage error: %s', (words) => {
    expect(() => parseSetWords(words === '' ? [] : words.split(' '))).toThrow(
      expect.objectContaining({ exitCode: 2 }),
    );
  });

  it('never show a key that was given as a word', () => {
    expect(() => parseSetWords(['peer', `${'A'.repeat(43)}=`, samples.presharedKey])).toThrow(
      /^set: unknown word; expected/,
    );
  });
});

describe('the launcher', () => {
  const launcher = fileURLToPath(new URL('../bin/pqtun', import.meta.url));

  it('runs the command line, also by a link, whatever NODE_OPTIONS says', () => {
    const link = path.join(directory, 'pqtun');
    fs.symlinkSync(launcher, link);
    const hostile = {
      PATH: process.env['PATH'] ?? '',
      NODE_OPTIONS: '--require=/nonexistent/evil.cjs',
      NODE_PATH: '/nonexistent',
    };
    const child = spawnSync(link, ['--version'], { env: hostile, encoding: 'utf8' });
    expect([child.status, child.stderr]).toEqual([0, '']);
    expect(child.stdout).toMatch(/^pqtun \d/);
  });

  it('names npm run setup in a clone that is not set up, and falls back to dist in a package', () => {
    const root = path.join(directory, 'clone');
    fs.mkdirSync(path.join(root, 'daemon/bin'), { recursive: true });
    fs.mkdirSync(path.join(root, 'daemon/src'));
    fs.copyFileSync(launcher, path.join(root, 'daemon/bin/pqtun'));
    fs.writeFileSync(path.join(root, 'daemon/src/main.ts'), '');
    const start = () => spawnSync(path.join(root, 'daemon/bin/pqtun'), ['a b'], { encoding: 'utf8' });
    expect(start()).toMatchObject({ status: 1, stderr: expect.stringContaining('run "npm run setup"') });
    fs.rmSync(path.join(root, 'daemon/src'), { recursive: true });
    expect(start()).toMatchObject({ status: 1, stderr: expect.stringContaining('dist/main.js') });
    fs.mkdirSync(path.join(root, 'daemon/dist'));
    fs.writeFileSync(path.join(root, 'daemon/dist/main.js'), 'console.log(process.argv[2], ({}).__proto__)');
    expect(start().stdout).toBe('a b undefined\n');
  });
});
