/** Seeds that failed once, each with what it found. They are played with every change, so that none of it comes back. */
export const failedSeeds: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 6, why: 'I5: an answer to a probe was heard of with the next input, so a stranger moved timers' },
  { seed: 14, why: 'the same, between two gateways of one hub' },
  { seed: 23, why: 'the same; here it was a replayed packet' },
];
