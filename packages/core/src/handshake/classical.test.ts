/** Real WireGuard handshakes, captured with every private key; the source stands in test/vectors/README.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nobleSuite } from '../crypto/noble.ts';
import { nodeSuite } from '../crypto/node.ts';
import { Secret } from '../crypto/secret.ts';
import type { Suite } from '../crypto/suite.ts';
import { endpoint, instant, sessionIndex } from '../types.ts';
import { classify } from '../wire/classify.ts';
import { cookieReply, macsOf, setMac1, setMac2, transportHeader } from '../wire/messages.ts';
import {
  authenticateClassical,
  consumeClassicalResponse,
  createClassicalInitiation,
  openClassicalInitiation,
  respondClassical,
} from './classical.ts';
import { CookieIssuer, macKeys } from './cookie.ts';
import { type ClassicalPeerKeys, Identity, peerKeys } from './identity.ts';

interface Handshake {
  readonly name: string;
  readonly [field: string]: string | number | readonly Transport[];
}
interface Transport {
  readonly from: 'initiator' | 'responder';
  readonly counter: number;
  readonly packet: string;
  readonly plaintext: string;
  readonly note?: string;
}
interface CookieVector {
  readonly initiation_mac2_zero: string;
  readonly initiation_with_mac2: string;
  readonly responder_static_public: string;
  readonly source_bytes: string;
  readonly responder_cookie_secret: string;
  readonly cookie: string;
  readonly nonce: string;
  readonly cookie_reply: string;
}

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../../test/vectors/wireguard/${name}`, import.meta.url), 'utf8'));
const handshakes = (read('handshakes.json') as { vectors: Handshake[] }).vectors; // our own file, checked by its use
const cookies = (read('cookies.json') as { vectors: CookieVector[] }).vectors; // likewise

const hex = (text: unknown): Uint8Array => new Uint8Array(Buffer.from(String(text), 'hex'));

type Make = (options: { random: (length: number) => Uint8Array }) => Suite;

/** A suite whose chance is this list of values, used once each, by length. */
function scripted(make: Make, ...values: Uint8Array[]): Suite {
  return make({
    random(length) {
      const at = values.findIndex((value) => value.length === length);
      const [value] = values.splice(at, 1);
      if (at < 0 || value === undefined) throw new Error(`the script has no ${length} B left`);
      return value.slice();
    },
  });
}

describe.each([
  ['node', nodeSuite as Make],
  ['noble', nobleSuite as Make],
])('with the %s back end', (_name, make) => {
  const plain = make({ random: (length) => new Uint8Array(length).fill(7) });
  const identity = (secret: unknown): Identity => new Identity(plain, new Secret(hex(secret)));
  const classical = (self: Identity, publicKey: unknown): ClassicalPeerKeys => {
    const keys = peerKeys(plain, self, hex(publicKey));
    if (keys.kind !== 'classical') throw new Error('not classical');
    return keys;
  };

  it.each(handshakes)('makes and opens every message of $name', (vector) => {
    const initiator = identity(vector['initiator_static_private']);
    const responder = identity(vector['responder_static_private']);
    const presharedKey = hex(vector['preshared_key']);
    const initiatorCrypto = scripted(make, hex(vector['initiator_ephemeral_private']));
    const responderCrypto = scripted(make, hex(vector['responder_ephemeral_private']));
    const senderIndex = sessionIndex(Number(vector['sender_index']));

    const made = createClassicalInitiation(
      initiatorCrypto,
      initiator,
      classical(initiator, vector['responder_static_public']),
      presharedKey,
      senderIndex,
      hex(vector['tai64n']),
    );
    if (typeof made === 'string') throw new Error(made);
    const toResponder = macKeys(plain, responder.dh.publicKey, new Uint8Array(0));
    setMac1(made.message, plain.mac(toResponder.mac1, macsOf(made.message).mac1Input));
    expect(made.message).toEqual(hex(vector['initiation']));

    const initiation = classify(hex(vector['initiation']));
    if (typeof initiation === 'string' || initiation.kind !== 'classical-initiation')
      throw new Error('misread');
    const claim = openClassicalInitiation(responderCrypto, responder, initiation);
    if (typeof claim === 'string') throw new Error(claim);
    expect(claim.claimedKey).toEqual(hex(vector['initiator_static_public']));
    expect(authenticateClassical(responder, claim)).toEqual(hex(vector['tai64n']));
    const response = respondClassical(
      responderCrypto,
      claim,
      presharedKey,
      sessionIndex(Number(vector['response_sender_index'])),
    );
    if (typeof response === 'string') throw new Error(response);
    const toInitiator = macKeys(plain, initiator.dh.publicKey, new Uint8Array(0));
    setMac1(response.message, plain.mac(toInitiator.mac1, macsOf(response.message).mac1Input));
    expect(response.message).toEqual(hex(vector['response']));
    expect(response.keys.send.borrow()).toEqual(hex(vector['responder_sending_key']));

    const answer = classify(hex(vector['response']));
    if (typeof answer === 'string' || answer.kind !== 'classical-response') throw new Error('misread');
    const keys = consumeClassicalResponse(initiator, made.state, answer);
    if (typeof keys === 'string') throw new Error(keys);
    expect(keys.send.borrow()).toEqual(hex(vector['initiator_sending_key']));
    expect(keys.receive.borrow()).toEqual(hex(vector['responder_sending_key']));

    for (const { from, counter, packet, plaintext, note } of vector['transport'] as readonly Transport[]) {
      if (note !== undefined) continue; // sent under the session before this one
      const key = plain.recordKey((from === 'initiator' ? keys.send : keys.receive).borrow());
      const sealed = hex(packet).subarray(transportHeader.size);
      const opened = new Uint8Array(sealed.length - 16);
      expect(key.open(counter, sealed, opened)).toBe(true);
      expect(opened).toEqual(hex(plaintext));
    }
  });

  it('refuses a response whose ephemeral was changed, and leaves the state fit for the right one', () => {
    const [vector] = handshakes;
    if (vector === undefined) throw new Error('no vectors');
    const initiator = identity(vector['initiator_static_private']);
    const made = createClassicalInitiation(
      scripted(make, hex(vector['initiator_ephemeral_private'])),
      initiator,
      classical(initiator, vector['responder_static_public']),
      hex(vector['preshared_key']),
      sessionIndex(Number(vector['sender_index'])),
      hex(vector['tai64n']),
    );
    if (typeof made === 'string') throw new Error(made);
    const bytes = hex(vector['response']);
    const good = classify(bytes.slice());
    bytes[12] = (bytes[12] ?? 0) ^ 1;
    const bad = classify(bytes);
    if (typeof good === 'string' || good.kind !== 'classical-response') throw new Error('misread');
    if (typeof bad === 'string' || bad.kind !== 'classical-response') throw new Error('misread');
    expect(consumeClassicalResponse(initiator, made.state, bad)).toBe('bad-response');
    expect(consumeClassicalResponse(initiator, made.state, good)).toBeTypeOf('object');
  });

  it.each(cookies)('gives, opens and checks the cookie of $source_bytes', (vector) => {
    const source = hex(vector.source_bytes);
    const from = endpoint(source.subarray(0, -2), ((source.at(-2) ?? 0) << 8) | (source.at(-1) ?? 0));
    const keys = macKeys(plain, hex(vector.responder_static_public), new Uint8Array(0));
    const issuer = new CookieIssuer(
      scripted(make, hex(vector.responder_cookie_secret), hex(vector.nonce)),
      instant(0),
    );
    const { mac1 } = macsOf(hex(vector.initiation_mac2_zero));
    const reply = issuer.reply(
      instant(1),
      keys,
      from,
      mac1,
      sessionIndex(new DataView(hex(vector.cookie_reply).buffer).getUint32(4, true)),
    );
    expect(reply).toEqual(hex(vector.cookie_reply));

    const { nonce, encryptedCookie } = cookieReply.read(reply);
    const cookie = plain.xopen(keys.cookie, nonce, mac1, encryptedCookie);
    expect(cookie).toEqual(hex(vector.cookie));

    const proven = hex(vector.initiation_mac2_zero);
    setMac2(proven, plain.mac(hex(vector.cookie), macsOf(proven).mac2Input));
    expect(proven).toEqual(hex(vector.initiation_with_mac2));
    const { mac2Input, mac2 } = macsOf(proven);
    expect(issuer.verifies(instant(2), from, mac2Input, mac2)).toBe(true);
    const otherPort = endpoint(from.ip, from.port ^ 1);
    expect(issuer.verifies(instant(2), otherPort, mac2Input, mac2)).toBe(false);
  });
});
