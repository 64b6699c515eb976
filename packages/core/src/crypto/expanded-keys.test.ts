/**
 * ML-KEM vectors whose private key is given expanded (FIPS 203's dk). Our suites take seeds only, so these go to what lies
 * beneath them: noble, and OpenSSL through PKCS#8. They tell whether implicit rejection and key checks there are sound.
 */
import { createPrivateKey, decapsulate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ml_kem768, ml_kem1024 } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';

interface Case {
  readonly name: string;
  readonly bits: number;
  readonly dk: string;
  readonly c: string;
  /** `undefined`: to be refused. */
  readonly K: string | undefined;
}

type Decapsulate = (bits: number, dk: Uint8Array, c: Uint8Array) => Uint8Array;

const ways: readonly { name: string; decapsulate: Decapsulate }[] = [
  { name: 'noble', decapsulate: (bits, dk, c) => (bits === 768 ? ml_kem768 : ml_kem1024).decapsulate(c, dk) },
  {
    name: 'OpenSSL',
    decapsulate: (bits, dk, c) =>
      decapsulate(createPrivateKey({ key: pkcs8(bits, dk), format: 'der', type: 'pkcs8' }), c),
  },
];

const sets: readonly { name: string; cases: readonly Case[]; count: number }[] = [
  { name: 'ACVP decapsulation', cases: acvpDecapsulation(), count: 20 },
  { name: 'Wycheproof semi-expanded', cases: [...wycheproof(768), ...wycheproof(1024)], count: 18 },
  {
    name: 'CCTV strcmp: rejection compares past zero bytes',
    cases: [768, 1024].map((bits) => cctv('strcmp', bits)),
    count: 2,
  },
  { name: 'CCTV unlucky sampling', cases: [768, 1024].map((bits) => cctv('unluckysample', bits)), count: 2 },
];

describe.each(ways)('$name', ({ decapsulate }) => {
  test.each(sets)('$name', ({ cases, count }) => {
    expect(cases).toHaveLength(count);
    for (const { name, bits, dk, c, K } of cases) {
      const run = () => hex(decapsulate(bits, Buffer.from(dk, 'hex'), Buffer.from(c, 'hex')));
      if (K === undefined) expect(run, name).toThrow();
      else expect(run(), name).toBe(K);
    }
  });

  test('ACVP decapsulation key check: accepts the sound, refuses the changed (FIPS 203 §7.3)', () => {
    const checks = acvpKeyChecks();
    expect(checks).toHaveLength(40);
    for (const { bits, dk, testPassed, tcId } of checks) {
      const c = new Uint8Array(bits === 768 ? 1088 : 1568);
      const run = () => decapsulate(bits, Buffer.from(dk, 'hex'), c);
      if (testPassed) expect(run(), `tcId ${tcId}`).toHaveLength(32);
      else expect(run, `tcId ${tcId}`).toThrow();
    }
  });
});

function acvpDecapsulation(): Case[] {
  return acvp('acvp-encapdecap', 'decapsulation').map(({ bits, tcId, dk, c, k }) => ({
    name: `tcId ${tcId}`,
    bits,
    dk,
    c,
    K: k.toLowerCase(),
  }));
}

function acvpKeyChecks(): AcvpCase[] {
  return ['acvp-encapdecap', 'acvp-encapdecap-tr1'].flatMap((file) => acvp(file, 'decapsulationKeyCheck'));
}

interface AcvpCase {
  readonly bits: number;
  readonly tcId: number;
  readonly dk: string;
  readonly c: string;
  readonly k: string;
  readonly testPassed: boolean;
}

function acvp(file: string, of: string): AcvpCase[] {
  const {
    testGroups,
  }: { testGroups: { parameterSet: string; function: string; tests: Omit<AcvpCase, 'bits'>[] }[] } =
    JSON.parse(read(`${file}.json.gz`));
  return testGroups
    .filter((group) => group.function === of && group.parameterSet !== 'ML-KEM-512')
    .flatMap((group) =>
      group.tests.map((vector) => ({ ...vector, bits: Number(group.parameterSet.slice(7)) })),
    );
}

function wycheproof(bits: number): Case[] {
  const {
    testGroups,
  }: { testGroups: { tests: { tcId: number; result: string; dk: string; c: string; K: string }[] }[] } =
    JSON.parse(read(`wycheproof/mlkem_${bits}_semi_expanded_decaps_test.json.gz`));
  return testGroups
    .flatMap((group) => group.tests)
    .map(({ tcId, result, dk, c, K }) => ({
      name: `${bits} tcId ${tcId}`,
      bits,
      dk,
      c,
      K: result === 'valid' ? K : undefined,
    }));
}

function cctv(kind: string, bits: number): Case {
  const fields = new Map(
    read(`cctv/${kind}-ML-KEM-${bits}.txt`)
      .trim()
      .split('\n')
      .map((line): [string, string] => [
        line.slice(0, line.indexOf(' = ')),
        line.slice(line.indexOf(' = ') + 3),
      ]),
  );
  return {
    name: `${kind} ${bits}`,
    bits,
    dk: fields.get('dk') ?? '',
    c: fields.get('c') ?? '',
    K: fields.get('K') ?? '',
  };
}

function read(name: string): string {
  const bytes = readFileSync(new URL(`../../../../test/vectors/mlkem/${name}`, import.meta.url));
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
}

/** PKCS#8 of draft-ietf-lamps-kyber-certificates with the expandedKey choice; test keys, so a pooled buffer does no harm. */
function pkcs8(bits: number, dk: Uint8Array): Buffer {
  const header = (tag: number, length: number) => [tag, 0x82, length >> 8, length & 0xff];
  const oid = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, bits === 768 ? 2 : 3];
  const inner = [...header(0x04, dk.length), ...dk];
  const body = [0x02, 1, 0, 0x30, 11, 0x06, 9, ...oid, ...header(0x04, inner.length), ...inner];
  return Buffer.from([...header(0x30, body.length), ...body]);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
