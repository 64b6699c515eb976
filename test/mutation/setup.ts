import { configureGlobal } from 'fast-check';

/* A mutant is dead at the first counterexample; looking for the smallest one would cost seconds for each. */
configureGlobal({ endOnFailure: true });
