/**
 * One wrong byte for each labelled step of protocol.md §4, in each role that computes it: where in the sources it goes.
 * `planted(bytes)` is a function the copy gets: the same bytes, the first one changed.
 */

export interface Fault {
  /** Label of §4, or `start`. */
  readonly step: string;
  readonly role: 'initiator' | 'responder';
  /** Below packages/core/src/handshake. */
  readonly file: string;
  /** Occurs exactly once in the file … */
  readonly find: string;
  /** … and becomes this. */
  readonly replace: string;
  /** Does not show on the wire, nor in anything that goes over it. */
  readonly silent?: boolean;
}

export const planted = `
function planted(bytes) {
  const wrong = bytes.slice();
  wrong[0] ^= 1;
  return wrong;
}
`;

const at =
  (role: Fault['role']) =>
  (step: string, find: string, replace: string): Fault => ({
    step,
    role,
    file: `${role}.ts`,
    find,
    replace,
  });
const i = at('initiator');
const r = at('responder');

export const faults: readonly Fault[] = [
  i('start', 'mixHash(peer.id, hdr1(', 'mixHash(planted(peer.id), hdr1('),
  r('start', 'mixHash(own.id, hdr1(', 'mixHash(planted(own.id), hdr1('),
  i('I1', 'unencryptedEphemeral: ephemeral.publicKey', 'unencryptedEphemeral: planted(ephemeral.publicKey)'),
  i('I2', 'mixKey(ephemeral.publicKey, ephemeralKem', 'mixKey(planted(ephemeral.publicKey), ephemeralKem'),
  r(
    'I2',
    'mixKey(fields.unencryptedEphemeral, fields',
    'mixKey(planted(fields.unencryptedEphemeral), fields',
  ),
  i('I3', 'const es = ephemeral.agree(peer.dhPublic)', 'const es = planted(ephemeral.agree(peer.dhPublic))'),
  r(
    'I3',
    'const es = self.dh.agree(fields.unencryptedEphemeral)',
    'const es = planted(self.dh.agree(fields.unencryptedEphemeral))',
  ),
  i('I4', 'const ct1x = wrap(crypto, es, ct1)', 'const ct1x = planted(wrap(crypto, es, ct1))'),
  r(
    'I4',
    'const ct1 = wrap(crypto, es, fields.wrappedStaticCiphertext)',
    'const ct1 = planted(wrap(crypto, es, fields.wrappedStaticCiphertext))',
  ),
  i('I5', 'ephemeralKem.publicKey, ct1x)', 'ephemeralKem.publicKey, planted(ct1x))'),
  r(
    'I5',
    'fields.unencryptedKemKey, fields.wrappedStaticCiphertext)',
    'fields.unencryptedKemKey, planted(fields.wrappedStaticCiphertext))',
  ),
  i('I6', 'mixKeyAndKey(es, k1)', 'mixKeyAndKey(es, planted(k1))'),
  r('I6', 'mixKeyAndKey(es, k1)', 'mixKeyAndKey(es, planted(k1))'),
  i('I7', 'mixKeyAndKey(ss, binding, presharedKey)', 'mixKeyAndKey(ss, planted(binding), presharedKey)'),
  r('I7', 'mixKeyAndKey(ss, binding, presharedKey)', 'mixKeyAndKey(ss, planted(binding), presharedKey)'),
  i('I8', 'transcript.derive(responseMacLabel)', 'planted(transcript.derive(responseMacLabel))'),
  r('I8', 'transcript.derive(responseMacLabel)', 'planted(transcript.derive(responseMacLabel))'),
  r('R1', 'unencryptedEphemeral: ephemeral.publicKey', 'unencryptedEphemeral: planted(ephemeral.publicKey)'),
  r(
    'R2',
    'const { sharedSecret: k2, ciphertext: ct2 } = ephemeralKem.encapsulate()',
    'const { sharedSecret, ciphertext: ct2 } = ephemeralKem.encapsulate(), k2 = planted(sharedSecret)',
  ),
  i(
    'R2',
    'const k2 = ephemeralKem.decapsulate(fields.unencryptedKemCiphertext)',
    'const k2 = planted(ephemeralKem.decapsulate(fields.unencryptedKemCiphertext))',
  ),
  r('R3', 'const ct3x = wrap(crypto, se, ct3)', 'const ct3x = planted(wrap(crypto, se, ct3))'),
  i(
    'R3',
    'const ct3 = wrap(crypto, se, fields.wrappedStaticCiphertext)',
    'const ct3 = planted(wrap(crypto, se, fields.wrappedStaticCiphertext))',
  ),
  r('R4', 'mixKey(ephemeral.publicKey, ct2)', 'mixKey(ephemeral.publicKey, planted(ct2))'),
  i(
    'R4',
    'mixKey(fields.unencryptedEphemeral, fields',
    'mixKey(planted(fields.unencryptedEphemeral), fields',
  ),
  r('R5', 'mixKey(ee, k2)', 'mixKey(planted(ee), k2)'),
  i('R5', 'mixKey(ee, k2)', 'mixKey(planted(ee), k2)'),
  r('R6', 'mixKey(se, k3)', 'mixKey(se, planted(k3))'),
  i('R6', 'mixKey(se, k3)', 'mixKey(se, planted(k3))'),
  r('R7', 'mixPresharedKey(presharedKey)', 'mixPresharedKey(planted(presharedKey))'),
  i(
    'R7',
    'mixPresharedKey(state.presharedKey.borrow())',
    'mixPresharedKey(planted(state.presharedKey.borrow()))',
  ),
  r(
    'R8',
    'transcript.sealAndMix(key, new Uint8Array(0))',
    'planted(transcript.sealAndMix(key, new Uint8Array(0)))',
  ),
  i('R8', 'openAndMix(key, fields.encryptedNothing)', 'openAndMix(key, planted(fields.encryptedNothing))'),
  ...split('initiator'),
  ...split('responder'),
];

/** S1 is written once for both roles: each of its three outputs goes wrong in one of them. */
function split(role: Fault['role']): Fault[] {
  const file = 'session-keys.ts';
  const wrong = (name: string): string => `role === '${role}' ? planted(${name}) : ${name}`;
  return [
    {
      step: 'S1',
      role,
      file,
      find: '...directed(role, toResponder, toInitiator), exporter: new Secret',
      replace: `...directed(role, ${wrong('toResponder')}, toInitiator), exporter: new Secret`,
    },
    {
      step: 'S1',
      role,
      file,
      find: '...directed(role, toResponder, toInitiator), exporter: new Secret',
      replace: `...directed(role, toResponder, ${wrong('toInitiator')}), exporter: new Secret`,
    },
    {
      step: 'S1',
      role,
      file,
      find: 'exporter: new Secret(exporter)',
      replace: `exporter: new Secret(${wrong('exporter')})`,
      silent: true,
    },
  ];
}
