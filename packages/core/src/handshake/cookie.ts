/**
 * mac1, mac2 and cookies. protocol.md §3.1, §3.3: the cheap checks that come before any key agreement.
 *
 * `MacKeys` belong to a responder (one pair per suite and deployment key) and to an initiator (one pair per peer).
 * `CookieIssuer` is the responder's side, `CookieJar` the initiator's.
 */
import { cookieLabel, mac1Label } from '../crypto/labels.ts';
import type { Suite } from '../crypto/suite.ts';
import { cookieLifetime, cookieSecretGrace, cookieSecretLifetime, keySize, xNonceSize } from '../limits.ts';
import {
  type Endpoint,
  elapsed,
  type Instant,
  later,
  type Millis,
  type SessionIndex,
  sameEndpoint,
} from '../types.ts';
import { cookieReply } from '../wire/messages.ts';

/** Keys made from a responder's ID and a deployment key; knowing them is knowing whom one writes to, no more. 32 B each. */
export interface MacKeys {
  /** HASH("mac1----" ‖ ID_r ‖ gk). */
  readonly mac1: Uint8Array;
  /** HASH("cookie--" ‖ ID_r ‖ gk). */
  readonly cookie: Uint8Array;
}

/** `responderId` is ID_r, or the X25519 public key for classical messages; `deploymentKey` 32 B or empty. */
export function macKeys(crypto: Suite, responderId: Uint8Array, deploymentKey: Uint8Array): MacKeys {
  return {
    mac1: crypto.hash(mac1Label, responderId, deploymentKey),
    cookie: crypto.hash(cookieLabel, responderId, deploymentKey),
  };
}

/** R and its neighbours, 32 B each: what it takes to check cookies as the issuer does. */
export interface CookieSecrets {
  /** When `current` became R. `next` will be 120 s later. */
  readonly since: Instant;
  readonly previous: Uint8Array | undefined;
  readonly current: Uint8Array;
  readonly next: Uint8Array;
}

/** Makes and checks cookies: MAC(R, ip ‖ BE16(port)), R replaced every 120 s, the previous good for 5 s more. */
export class CookieIssuer {
  readonly #crypto: Suite;
  #secret: Uint8Array;
  #previous: Uint8Array | undefined;
  /** R to come, if somebody had to know it beforehand. */
  #next: Uint8Array | undefined;
  #since: Instant;

  constructor(crypto: Suite, now: Instant) {
    this.#crypto = crypto;
    this.#secret = crypto.random(keySize);
    this.#since = now;
  }

  /** Whether `mac2` is MAC(cookie, input) for the cookie `from` has or just had. */
  verifies(now: Instant, from: Endpoint, input: Uint8Array, mac2: Uint8Array): boolean {
    if (isZero(mac2)) return false; // "or zeros": says there is none, spares two MACs
    this.#rotate(now);
    const graceOver = elapsed(this.#since, now) >= cookieSecretGrace;
    for (const secret of graceOver ? [this.#secret] : [this.#secret, this.#previous]) {
      if (secret === undefined) continue;
      const expected = this.#crypto.mac(this.#cookie(secret, from), input);
      if (this.#crypto.equal(expected, mac2)) return true;
    }
    return false;
  }

  /** The 64 B cookie reply to a message whose mac1 and sender index are given; `keys` are those that verified its mac1. */
  reply(
    now: Instant,
    keys: MacKeys,
    from: Endpoint,
    mac1: Uint8Array,
    receiverIndex: SessionIndex,
  ): Uint8Array {
    this.#rotate(now);
    const nonce = this.#crypto.random(xNonceSize);
    const encryptedCookie = this.#crypto.xseal(keys.cookie, nonce, mac1, this.#cookie(this.#secret, from));
    return cookieReply.write({ receiverIndex, nonce, encryptedCookie });
  }

  /** When the R of now became it. */
  since(now: Instant): Instant {
    this.#rotate(now);
    return this.#since;
  }

  /** For who checks cookies in our place, and steps R on when we do. */
  secrets(now: Instant): CookieSecrets {
    this.#rotate(now);
    this.#next ??= this.#crypto.random(keySize);
    return { since: this.#since, previous: this.#previous, current: this.#secret, next: this.#next };
  }

  /** For tests: age of R in milliseconds, and whether there is one before it. */
  describe(now: Instant): { age: Millis; previous: boolean } {
    return { age: elapsed(this.#since, now), previous: this.#previous !== undefined };
  }

  #cookie(secret: Uint8Array, from: Endpoint): Uint8Array {
    return this.#crypto.mac(secret, from.ip, Uint8Array.of(from.port >>> 8, from.port & 0xff));
  }

  /** Steps R on when its 120 s are over; after a long pause the old R is not even the previous one, but who knew `next` used that. */
  #rotate(now: Instant): void {
    const age = elapsed(this.#since, now);
    if (age < cookieSecretLifetime) return;
    const periods = Math.floor(age / cookieSecretLifetime);
    const known = [this.#secret, this.#next];
    this.#previous = known[periods - 1];
    this.#secret = known[periods] ?? this.#crypto.random(keySize);
    this.#next = undefined;
    this.#since = later(this.#since, (periods * cookieSecretLifetime) as Millis); // a multiple of a span
  }
}

/** The cookie one peer gave us, for the address it gave it at; good for 115 s. §5.2 N3. */
export class CookieJar {
  #held: { readonly cookie: Uint8Array; readonly address: Endpoint; readonly since: Instant } | undefined;

  /** `cookie`, 16 B, came in answer to what was sent to `address`. */
  put(now: Instant, address: Endpoint, cookie: Uint8Array): void {
    this.#held = { cookie, address, since: now };
  }

  /** The cookie to use towards `address` now, if one is held. */
  take(now: Instant, address: Endpoint): Uint8Array | undefined {
    const held = this.#good(now);
    return held !== undefined && sameEndpoint(held.address, address) ? held.cookie : undefined;
  }

  /** For tests: for how long a cookie has been held, and for which port; `undefined` when none is good any more. */
  describe(now: Instant): { port: number; age: Millis } | undefined {
    const held = this.#good(now);
    return held && { port: held.address.port, age: elapsed(held.since, now) };
  }

  clear(): void {
    this.#held = undefined;
  }

  #good(now: Instant) {
    const held = this.#held;
    return held !== undefined && elapsed(held.since, now) < cookieLifetime ? held : undefined;
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
