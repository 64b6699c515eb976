/**
 * What sealing and opening a transport record costs, by engine and size, on one core. Labels: `verb` (seal, open), `engine`, `bytes`.
 *
 * `noble` and `node` are the cryptography of the portable plane, a record a call as that plane calls it. The others are the native
 * plane's engines, which seal a whole train at once: 64 records a call from JavaScript, so that the call itself is no figure.
 */
import type { RecordKey } from '@pqtun/core';
import { nobleSuite } from '@pqtun/core/noble';
import { nodeSuite } from '@pqtun/core/node';
import {
  type AeadName,
  openRecordCipher,
  type RecordCipher,
  recordPlaces,
  recordTagSize,
  testAeads,
} from 'tun-tap-native';
import { addonProblem } from '../machine/addon.ts';
import { taskSeconds } from '../measure/measure.ts';
import type { Missing } from '../result.ts';
import type { Context, Found, Section, Task } from '../section.ts';

export const recordSizes = [64, 128, 256, 512, 1280, 1420, 9000] as const;
export const recordVerbs = ['seal', 'open'] as const;
type Verb = (typeof recordVerbs)[number];
const scriptEngines = { noble: nobleSuite, node: nodeSuite } as const;
const nativeEngines = ['evp', 'raw', 'multibuffer'] as const satisfies readonly AeadName[];
const batch = 64;

export const recordsSection: Section = {
  id: 'records',
  title: 'Sealing and opening a packet, one core',
  isDefault: true,
  estimate: (options) => estimateTasks * taskSeconds(options),
  run: records,
};

const estimateTasks = recordVerbs.length * recordSizes.length * 5;

async function records(context: Context): Promise<Found> {
  const { engines, missing } = nativeEnginesHere();
  // Thrown away with the process: nothing sealed here leaves it, so a counter may come twice.
  const key = crypto.getRandomValues(new Uint8Array(32));
  const keys = Object.values(scriptEngines).map((suite) => {
    const crypto = suite();
    return { engine: crypto.name, key: crypto.recordKey(key) };
  });
  const ciphers = engines.map((engine) => ({ engine, cipher: openRecordCipher(engine, key) }));
  key.fill(0);
  try {
    const tasks = recordVerbs.flatMap((verb) =>
      recordSizes.flatMap((bytes) => [
        ...keys.map((each) => scriptTask(verb, each.engine, each.key, bytes)),
        ...ciphers.map((each) => nativeTask(verb, each.engine, each.cipher, bytes)),
      ]),
    );
    return { rows: await context.measure('records', tasks), missing };
  } finally {
    for (const { key: each } of keys) each.destroy();
    for (const { cipher } of ciphers) cipher.close();
  }
}

function nativeEnginesHere(): { engines: AeadName[]; missing: Missing[] } {
  const missing = (what: string, why: string): Missing => ({ section: 'records', what, why });
  const problem = addonProblem();
  if (problem !== undefined)
    return { engines: [], missing: [missing(`the engines ${nativeEngines.join(', ')}`, problem)] };
  const found = testAeads();
  const why = (engine: AeadName) => found.find(({ name }) => name === engine)?.reason;
  return {
    engines: nativeEngines.filter((engine) => why(engine) === undefined),
    missing: nativeEngines.flatMap((engine) => {
      const reason = why(engine);
      return reason === undefined ? [] : [missing(`the engine ${engine}`, reason)];
    }),
  };
}

function rowOf(verb: Verb, engine: string, bytes: number): Task['row'] {
  return {
    id: `records/${verb}/${engine}/${bytes}`,
    title: `${verb} ${bytes} B, ${engine}`,
    unit: 'ns',
    bytes,
    labels: { verb, engine, bytes },
  };
}

/** A record is put back where the last call opened it by sealing it anew: another buffer for each call of a sample. */
function scriptTask(verb: Verb, engine: string, key: RecordKey, bytes: number): Task {
  const row = rowOf(verb, engine, bytes);
  const records = new Pool(bytes + recordTagSize);
  const text = new Uint8Array(bytes);
  if (verb === 'seal') {
    const memory = new Uint8Array(bytes + recordTagSize);
    const plain = memory.subarray(0, bytes);
    return { row, run: (call) => key.seal(call, plain, memory) };
  }
  const sealed = new Uint8Array(bytes + recordTagSize);
  key.seal(1, text, sealed);
  const opened = records.views(bytes);
  return {
    row,
    before: (calls) => records.fill(calls, sealed),
    run: (call) => {
      const memory = records.at(call);
      if (!key.open(1, memory, opened.at(call)))
        throw new Error(`${engine} did not open a record of its own`);
    },
  };
}

/** As above, with a batch for each call. */
function nativeTask(verb: Verb, engine: string, cipher: RecordCipher, bytes: number): Task {
  const row = { ...rowOf(verb, engine, bytes), batch };
  const stride = bytes + recordTagSize;
  const places = recordPlaces(
    Array.from({ length: batch }, (_, i) => ({ offset: i * stride, length: bytes, counter: BigInt(i) })),
  );
  const verdicts = new Uint8Array(batch);
  const memory = new Uint8Array(batch * stride);
  const checked = (good: number): void => {
    if (good !== batch) throw new Error(`${engine} did not ${verb} ${batch - good} of ${batch} records`);
  };
  if (verb === 'seal') return { row, run: () => checked(cipher.seal(memory, places, verdicts)) };
  checked(cipher.seal(memory, places, verdicts));
  const batches = new Pool(memory.length);
  return {
    row,
    before: (calls) => batches.fill(calls, memory),
    run: (call) => checked(cipher.open(batches.at(call), places, verdicts)),
  };
}

/** Equal buffers, made when they are first wanted. */
class Pool {
  readonly #size: number;
  readonly #buffers: Uint8Array[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  fill(count: number, content: Uint8Array): void {
    while (this.#buffers.length < count) this.#buffers.push(new Uint8Array(this.#size));
    for (let i = 0; i < count; i++) this.at(i).set(content);
  }

  at(index: number): Uint8Array {
    return this.#buffers[index] as Uint8Array; // `fill` made as many as there are calls
  }

  /** The beginning of each buffer, made once, for making a view costs as much as opening a small record. */
  views(length: number): { at(index: number): Uint8Array } {
    const views: Uint8Array[] = [];
    return { at: (index) => (views[index] ??= this.at(index).subarray(0, length)) };
  }
}
