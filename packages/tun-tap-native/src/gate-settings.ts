/** What the native gate must know, as bytes: the mirror of native/plane/gate_settings.h, which reads them. */

/** A key of 32 B for mac1, one for cookies, and what a verdict calls both. */
export interface GateKey {
  /** 32-bit. */
  readonly id: number;
  readonly mac1: Uint8Array;
  readonly cookie: Uint8Array;
}

/** Times are milliseconds of the clock that datagrams are stamped by. */
export interface GateSettings {
  /** Up to eight keys of each suite, 1 or 2. */
  readonly suites: ReadonlyMap<number, readonly GateKey[]>;
  readonly classical: GateKey;
  readonly hasClassicalPeers: boolean;
  /** 32 B each. */
  readonly cookieSecrets: {
    readonly since: number;
    readonly previous: Uint8Array | undefined;
    readonly current: Uint8Array;
    readonly next: Uint8Array;
  };
  readonly expectedIndices: ReadonlySet<number>;
  readonly underLoadUntil: number;
}

const suites = [1, 2];
const mostKeys = 8;
const keySize = 32;
const gateKeySize = 4 + 2 * keySize;
const headSize = 24;

/** The bytes, fresh and the caller's, who wipes them: secrets are in them. Throws a RangeError for keys too many or of another size. */
export function encodeGateSettings(settings: GateSettings): Uint8Array {
  const { cookieSecrets: secrets, classical, expectedIndices, underLoadUntil } = settings;
  const keysOf = suites.map((suite) => settings.suites.get(suite) ?? []);
  if (keysOf.some((keys) => keys.length > mostKeys)) throw new RangeError(`at most ${mostKeys} keys a suite`);
  const keys = [classical, ...keysOf.flat()];
  const bytes = new Uint8Array(headSize + 3 * keySize + keys.length * gateKeySize + 4 * expectedIndices.size);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, secrets.since, true);
  view.setFloat64(8, underLoadUntil, true);
  view.setUint32(16, expectedIndices.size, true);
  const previous = secrets.previous ?? new Uint8Array(keySize);
  bytes.set([Number(settings.hasClassicalPeers), secrets.previous === undefined ? 0 : 1], 20);
  bytes.set(
    keysOf.map((ofSuite) => ofSuite.length),
    22,
  );

  let at = headSize;
  const putSecret = (secret: Uint8Array): void => {
    if (secret.length !== keySize) throw new RangeError(`a secret has ${keySize} bytes`);
    bytes.set(secret, at);
    at += keySize;
  };
  const putWord = (word: number): void => {
    view.setUint32(at, word, true);
    at += 4;
  };
  for (const secret of [previous, secrets.current, secrets.next]) putSecret(secret);
  for (const { id, mac1, cookie } of keys) {
    putWord(id);
    putSecret(mac1);
    putSecret(cookie);
  }
  for (const index of expectedIndices) putWord(index);
  return bytes;
}
