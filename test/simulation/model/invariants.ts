/** The invariants, in the words of the assurance plan. Each is held by one file of `rules`. */
export const invariants = {
  I1: 'no (key, nonce) pair is ever used twice by a sender',
  I2: 'no counter is delivered twice',
  I3: 'nothing is delivered that the peer did not send in this session, byte for byte',
  I4: "an inner source address belongs to the sender's allowed IPs",
  I5: 'a rejected packet changes nothing but drop counters',
  I6: 'an endpoint changes only on authenticated packets',
  I7: 'no key older than REJECT_AFTER_TIME (boot-time clock) or REJECT_AFTER_MESSAGES encrypts or decrypts',
  I8: 'session keys are erased at 3 × REJECT_AFTER_TIME',
  I9: 'both sides agree on the transcript or neither has a session; both secrets and the PSK are in it',
  I10: 'once faults stop, data flows both ways within KEEPALIVE_TIMEOUT + 3 × REKEY_TIMEOUT + 1 s',
  I11: 'no traffic in, none out beyond configured keepalives; no reply at all without a valid mac1',
  I12: 'bytes answered to an unproven address are at most those received from it',
  I13: 'memory for each peer and in all is bounded by configuration',
  I14: 'indices are unique among live sessions',
  I15: "reconfiguration is all or nothing and leaves untouched peers' sessions alive",
} as const;
