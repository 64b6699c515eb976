/**
 * What a stranger's handshake message must pass before it costs anything. protocol.md §5.1 C2, §6: mac1 → rate → load, with
 * mac2 as the proof of address that turns every refusal but silence into a cookie. A plane may do all this natively; then its
 * verdict is taken, and nothing is checked or charged twice.
 */
import type { Suite } from '../crypto/suite.ts';
import type { Drop } from '../drop.ts';
import { CookieIssuer, type MacKeys, macKeys } from '../handshake/cookie.ts';
import type { Identity } from '../handshake/identity.ts';
import type { SuiteId } from '../limits.ts';
import type { GateKey, GateSettings, GateVerdict } from '../plane/plane.ts';
import type { Policy } from '../policy.ts';
import { type Endpoint, type Instant, prefixKey, type SessionIndex } from '../types.ts';
import type { Macs } from '../wire/messages.ts';
import { Load } from './load.ts';
import { SourceLimiter } from './source-limiter.ts';

export type Admission =
  | { readonly kind: 'passed'; readonly keys: MacKeys; readonly keyIndex: number; readonly proven: boolean }
  /** Over rate or under load without a valid mac2: fragment 0 draws a cookie reply under these keys. */
  | { readonly kind: 'wants-proof'; readonly keys: MacKeys; readonly reason: Drop }
  | { readonly kind: 'refused'; readonly reason: Drop };

const unchecked: GateVerdict = { kind: 'unchecked' };

export class Gate {
  readonly load: Load;
  readonly #crypto: Suite;
  readonly #issuer: CookieIssuer;
  readonly #limiter = new SourceLimiter();
  readonly #suiteKeys = new Map<SuiteId, readonly GateKey[]>();
  readonly #classicalKeys: readonly [GateKey];
  #keysMade = 0;
  #keyChanges = 0;

  constructor(now: Instant, crypto: Suite, policy: Policy, identity: Identity) {
    this.#crypto = crypto;
    this.#issuer = new CookieIssuer(crypto, now);
    this.load = new Load(policy);
    this.#classicalKeys = [this.#numbered(macKeys(crypto, identity.dh.publicKey, new Uint8Array(0)), [])];
  }

  /** Deployment keys (gk) accepted from initiators: 1 … 8, each 32 B or empty. §2. */
  setDeploymentKeys(identity: Identity, suites: readonly SuiteId[], keys: readonly Uint8Array[]): void {
    const before = [...this.#suiteKeys.values()].flat();
    this.#keyChanges += 1;
    this.#suiteKeys.clear();
    for (const suite of suites) {
      const id = identity.id(suite);
      if (id !== undefined)
        this.#suiteKeys.set(
          suite,
          keys.map((key) => this.#numbered(macKeys(this.#crypto, id, key), before)),
        );
    }
  }

  /** Keys of a suite as the plane's gate wants them; empty for a suite not served. */
  keysOf(suite: SuiteId): readonly GateKey[] {
    return this.#suiteKeys.get(suite) ?? [];
  }

  serves(suite: SuiteId): boolean {
    return this.#suiteKeys.has(suite);
  }

  /** An initiation fragment of a suite we serve, and what a gate in front of us found out about it. */
  admit(now: Instant, suite: SuiteId, from: Endpoint, macs: Macs, verdict = unchecked): Admission {
    return this.#admit(now, this.keysOf(suite), from, macs, verdict);
  }

  /** A classical initiation (type 1). */
  admitClassical(now: Instant, from: Endpoint, macs: Macs, verdict = unchecked): Admission {
    return this.#admit(now, this.#classicalKeys, from, macs, verdict);
  }

  /** Whether mac1 of a classical message is right: somebody who knows us wrote it. Costs its source nothing. */
  verifiesClassicalMac1(macs: Macs): boolean {
    return this.#verifyMac1(this.#classicalKeys, macs) >= 0;
  }

  /** A classical response (type 2): mac1, and mac2 when under load, as WireGuard does; no rate, it is asked for. */
  admitClassicalResponse(now: Instant, from: Endpoint, macs: Macs): Admission {
    const keyIndex = this.#verifyMac1(this.#classicalKeys, macs);
    const keys = this.#classicalKeys[keyIndex];
    if (keys === undefined) return { kind: 'refused', reason: 'bad-mac1' };
    if (!this.load.isUnderLoad(now)) return { kind: 'passed', keys, keyIndex, proven: false };
    const proven = this.#issuer.verifies(now, from, macs.mac2Input, macs.mac2);
    return proven
      ? { kind: 'passed', keys, keyIndex, proven }
      : { kind: 'wants-proof', keys, reason: 'under-load' };
  }

  cookieReply(
    now: Instant,
    keys: MacKeys,
    from: Endpoint,
    mac1: Uint8Array,
    receiver: SessionIndex,
  ): Uint8Array {
    return this.#issuer.reply(now, keys, from, mac1, receiver);
  }

  /** Changes with the keys. */
  get keyChanges(): number {
    return this.#keyChanges;
  }

  /** When the cookie secret of now became it: a gate in front of us is told when that changes. */
  cookieSecretSince(now: Instant): Instant {
    return this.#issuer.since(now);
  }

  /** What a gate in front of us has to know to decide as this one does. */
  settings(now: Instant): Pick<GateSettings, 'suites' | 'classical' | 'cookieSecrets' | 'underLoadUntil'> {
    return {
      suites: this.#suiteKeys,
      classical: this.#classicalKeys[0],
      cookieSecrets: this.#issuer.secrets(now),
      underLoadUntil: this.load.until,
    };
  }

  /** For tests: what admission depends on but keys. */
  describe(now: Instant): object {
    return {
      load: this.load.describe(now),
      issuer: this.#issuer.describe(now),
      unproven: this.#limiter.unproven.describe(now),
      proven: this.#limiter.proven.describe(now),
    };
  }

  #admit(
    now: Instant,
    candidates: readonly GateKey[],
    from: Endpoint,
    macs: Macs,
    verdict: GateVerdict,
  ): Admission {
    if (verdict.kind === 'passed') return accept(candidates, verdict);
    const keyIndex = this.#verifyMac1(candidates, macs);
    const keys = candidates[keyIndex];
    if (keys === undefined) return { kind: 'refused', reason: 'bad-mac1' };
    const proven = this.#issuer.verifies(now, from, macs.mac2Input, macs.mac2);
    const prefix = prefixKey(from.ip);
    if (proven) {
      if (!this.#limiter.proven.take(now, prefix)) return { kind: 'refused', reason: 'proven-rate-limited' };
      return { kind: 'passed', keys, keyIndex, proven };
    }
    if (!this.#limiter.unproven.take(now, prefix))
      return { kind: 'wants-proof', keys, reason: 'rate-limited' };
    if (this.load.isUnderLoad(now)) return { kind: 'wants-proof', keys, reason: 'under-load' };
    return { kind: 'passed', keys, keyIndex, proven };
  }

  /** A key that was there before keeps its number: what it let through may still be under way. */
  #numbered({ mac1, cookie }: MacKeys, before: readonly GateKey[]): GateKey {
    return before.find((key) => this.#crypto.equal(key.mac1, mac1)) ?? { id: ++this.#keysMade, mac1, cookie };
  }

  /** Position of the key that verifies mac1, −1 when none does. */
  #verifyMac1(candidates: readonly MacKeys[], macs: Macs): number {
    return candidates.findIndex(({ mac1 }) =>
      this.#crypto.equal(this.#crypto.mac(mac1, macs.mac1Input), macs.mac1),
    );
  }
}

/** What has passed a gate in front of us, unless the key that let it in was withdrawn meanwhile. */
function accept(
  candidates: readonly GateKey[],
  { key, proven }: Extract<GateVerdict, { kind: 'passed' }>,
): Admission {
  const keyIndex = candidates.findIndex(({ id }) => id === key);
  const keys = candidates[keyIndex];
  return keys === undefined
    ? { kind: 'refused', reason: 'bad-mac1' }
    : { kind: 'passed', keys, keyIndex, proven };
}
