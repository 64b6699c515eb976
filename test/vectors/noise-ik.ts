/**
 * Noise_IKpsk2 as its specification has it (revision 34), over given primitives: a second, independent user of hash, kdf, seal
 * and DH, whose transcripts are known. pqtun's own handshake shares no code with it.
 */

export interface NoisePrimitives {
  readonly protocolName: string;
  readonly hashLength: number;
  hash(...parts: readonly Uint8Array[]): Uint8Array;
  /** HKDF of the specification, §4.3. */
  hkdf(chainingKey: Uint8Array, input: Uint8Array, outputs: 2 | 3): Uint8Array[];
  seal(key: Uint8Array, counter: number, ad: Uint8Array, plaintext: Uint8Array): Uint8Array;
  open(key: Uint8Array, counter: number, ad: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
  keyPair(secret: Uint8Array): NoiseKey;
}

export interface NoiseKey {
  readonly publicKey: Uint8Array;
  agree(peer: Uint8Array): Uint8Array | undefined;
}

export interface NoiseParty {
  readonly initiator: boolean;
  readonly prologue: Uint8Array;
  readonly psk: Uint8Array;
  readonly staticKey: NoiseKey;
  readonly ephemeralKey: NoiseKey;
  /** Known beforehand to the initiator only: pre-message `<- s`. */
  readonly remoteStatic?: Uint8Array;
}

const none = new Uint8Array(0);
const publicSize = 32;

/** One side: `write` and `read` in turn, the initiator writing first; after two messages, transport. */
export class NoiseIkPsk2 {
  readonly #noise: NoisePrimitives;
  readonly #party: NoiseParty;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #key: Uint8Array | undefined;
  #counter = 0;
  #remoteStatic: Uint8Array | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #transport: { readonly send: Cipher; readonly receive: Cipher } | undefined;

  constructor(noise: NoisePrimitives, party: NoiseParty) {
    this.#noise = noise;
    this.#party = party;
    const name = new TextEncoder().encode(noise.protocolName);
    this.#hash = name.length <= noise.hashLength ? padded(name, noise.hashLength) : noise.hash(name);
    this.#chainingKey = this.#hash;
    this.#mixHash(party.prologue);
    this.#remoteStatic = party.remoteStatic;
    this.#mixHash(party.initiator ? this.#peerStatic() : party.staticKey.publicKey);
  }

  get handshakeHash(): Uint8Array {
    return this.#hash;
  }

  write(payload: Uint8Array): Uint8Array {
    if (this.#transport !== undefined) return this.#transport.send.seal(payload);
    return this.#party.initiator ? this.#writeFirst(payload) : this.#writeSecond(payload);
  }

  /** The payload, or `undefined` when anything does not verify. */
  read(message: Uint8Array): Uint8Array | undefined {
    if (this.#transport !== undefined) return this.#transport.receive.open(message);
    return this.#party.initiator ? this.#readSecond(message) : this.#readFirst(message);
  }

  /** -> e, es, s, ss */
  #writeFirst(payload: Uint8Array): Uint8Array {
    const { ephemeralKey, staticKey } = this.#party;
    this.#mixEphemeral(ephemeralKey.publicKey);
    this.#mixKey(agreed(ephemeralKey, this.#peerStatic()));
    const sealedStatic = this.#sealAndHash(staticKey.publicKey);
    this.#mixKey(agreed(staticKey, this.#peerStatic()));
    return joined(ephemeralKey.publicKey, sealedStatic, this.#sealAndHash(payload));
  }

  #readFirst(message: Uint8Array): Uint8Array | undefined {
    const ephemeral = message.subarray(0, publicSize);
    this.#remoteEphemeral = ephemeral;
    this.#mixEphemeral(ephemeral);
    this.#mixKey(agreed(this.#party.staticKey, ephemeral));
    const sealedStaticEnd = publicSize + publicSize + 16;
    const remoteStatic = this.#openAndHash(message.subarray(publicSize, sealedStaticEnd));
    if (remoteStatic === undefined) return undefined;
    this.#remoteStatic = remoteStatic;
    this.#mixKey(agreed(this.#party.staticKey, remoteStatic));
    return this.#openAndHash(message.subarray(sealedStaticEnd));
  }

  /** <- e, ee, se, psk */
  #writeSecond(payload: Uint8Array): Uint8Array {
    const { ephemeralKey, psk } = this.#party;
    this.#mixEphemeral(ephemeralKey.publicKey);
    this.#mixKey(agreed(ephemeralKey, this.#peerEphemeral()));
    this.#mixKey(agreed(ephemeralKey, this.#peerStatic()));
    this.#mixKeyAndHash(psk);
    const sealed = this.#sealAndHash(payload);
    this.#split();
    return joined(ephemeralKey.publicKey, sealed);
  }

  #readSecond(message: Uint8Array): Uint8Array | undefined {
    const ephemeral = message.subarray(0, publicSize);
    const { ephemeralKey, staticKey, psk } = this.#party;
    this.#mixEphemeral(ephemeral);
    this.#mixKey(agreed(ephemeralKey, ephemeral));
    this.#mixKey(agreed(staticKey, ephemeral));
    this.#mixKeyAndHash(psk);
    const payload = this.#openAndHash(message.subarray(publicSize));
    this.#split();
    return payload;
  }

  #peerStatic(): Uint8Array {
    if (this.#remoteStatic === undefined) throw new Error('remote static key unknown');
    return this.#remoteStatic;
  }

  #peerEphemeral(): Uint8Array {
    if (this.#remoteEphemeral === undefined) throw new Error('remote ephemeral key unknown');
    return this.#remoteEphemeral;
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = this.#noise.hash(this.#hash, data);
  }

  /** In psk handshakes an ephemeral key also enters the chaining key: §9.2. */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#mixHash(publicKey);
    this.#mixKey(publicKey);
  }

  #mixKey(input: Uint8Array): void {
    const [chainingKey = none, key = none] = this.#noise.hkdf(this.#chainingKey, input, 2);
    this.#chainingKey = chainingKey;
    this.#setKey(key);
  }

  #mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey = none, hash = none, key = none] = this.#noise.hkdf(this.#chainingKey, input, 3);
    this.#chainingKey = chainingKey;
    this.#mixHash(hash);
    this.#setKey(key);
  }

  /** Hashes of 64 B are cut to the 32 B of a key. */
  #setKey(key: Uint8Array): void {
    this.#key = key.slice(0, 32);
    this.#counter = 0;
  }

  #sealAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#noise.seal(this.#key ?? none, this.#counter++, this.#hash, plaintext);
    this.#mixHash(sealed);
    return sealed;
  }

  #openAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const plaintext = this.#noise.open(this.#key ?? none, this.#counter++, this.#hash, sealed);
    this.#mixHash(sealed);
    return plaintext;
  }

  #split(): void {
    const [first = none, second = none] = this.#noise.hkdf(this.#chainingKey, none, 2);
    const [forward, backward] = [
      new Cipher(this.#noise, first.slice(0, 32)),
      new Cipher(this.#noise, second.slice(0, 32)),
    ];
    this.#transport = this.#party.initiator
      ? { send: forward, receive: backward }
      : { send: backward, receive: forward };
  }
}

class Cipher {
  readonly #noise: NoisePrimitives;
  readonly #key: Uint8Array;
  #counter = 0;

  constructor(noise: NoisePrimitives, key: Uint8Array) {
    this.#noise = noise;
    this.#key = key;
  }

  seal(plaintext: Uint8Array): Uint8Array {
    return this.#noise.seal(this.#key, this.#counter++, none, plaintext);
  }

  open(sealed: Uint8Array): Uint8Array | undefined {
    return this.#noise.open(this.#key, this.#counter++, none, sealed);
  }
}

function agreed(own: NoiseKey, peer: Uint8Array): Uint8Array {
  const shared = own.agree(peer);
  if (shared === undefined) throw new Error('all-zero DH result');
  return shared;
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  const result = new Uint8Array(length);
  result.set(bytes);
  return result;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
