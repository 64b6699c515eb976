/**
 * What a stranger's handshake message must pass before it costs anything. protocol.md §5.1 C2, §6: mac1 → rate → load, with
 * mac2 as the proof of address that turns every refusal but silence into a cookie. A plane may do all this natively; then its
 * verdict is taken.
 */
import type { Suite } from '../crypto/suite.ts';
import type { Drop } from '../drop.ts';
import { CookieIssuer, type MacKeys, macKeys } from '../handshake/cookie.ts';
import type { Identity } from '../handshake/identity.ts';
import type { SuiteId } from '../limits.ts';
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

export class Gate {
  readonly load: Load;
  readonly #crypto: Suite;
  readonly #issuer: CookieIssuer;
  readonly #limiter = new SourceLimiter();
  readonly #suiteKeys = new Map<SuiteId, readonly MacKeys[]>();
  readonly #classicalKeys: readonly MacKeys[];

  constructor(now: Instant, crypto: Suite, policy: Policy, identity: Identity) {
    this.#crypto = crypto;
    this.#issuer = new CookieIssuer(crypto, now);
    this.load = new Load(policy);
    this.#classicalKeys = [macKeys(crypto, identity.dh.publicKey, new Uint8Array(0))];
  }

  /** Deployment keys (gk) accepted from initiators: 1 … 8, each 32 B or empty. §2. */
  setDeploymentKeys(identity: Identity, suites: readonly SuiteId[], keys: readonly Uint8Array[]): void {
    this.#suiteKeys.clear();
    for (const suite of suites) {
      const id = identity.id(suite);
      if (id !== undefined)
        this.#suiteKeys.set(
          suite,
          keys.map((key) => macKeys(this.#crypto, id, key)),
        );
    }
  }

  /** Keys of a suite as the plane's gate wants them; empty for a suite not served. */
  keysOf(suite: SuiteId): readonly MacKeys[] {
    return this.#suiteKeys.get(suite) ?? [];
  }

  serves(suite: SuiteId): boolean {
    return this.#suiteKeys.has(suite);
  }

  /** An initiation fragment of a suite we serve. */
  admit(now: Instant, suite: SuiteId, from: Endpoint, macs: Macs): Admission {
    return this.#admit(now, this.keysOf(suite), from, macs);
  }

  /** A classical initiation (type 1). */
  admitClassical(now: Instant, from: Endpoint, macs: Macs): Admission {
    return this.#admit(now, this.#classicalKeys, from, macs);
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

  /** For tests: what admission depends on but keys. */
  describe(now: Instant): object {
    return {
      load: this.load.describe(now),
      issuer: this.#issuer.describe(now),
      unproven: this.#limiter.unproven.describe(now),
      proven: this.#limiter.proven.describe(now),
    };
  }

  #admit(now: Instant, candidates: readonly MacKeys[], from: Endpoint, macs: Macs): Admission {
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

  /** Position of the key that verifies mac1, −1 when none does. */
  #verifyMac1(candidates: readonly MacKeys[], macs: Macs): number {
    return candidates.findIndex(({ mac1 }) =>
      this.#crypto.equal(this.#crypto.mac(mac1, macs.mac1Input), macs.mac1),
    );
  }
}
