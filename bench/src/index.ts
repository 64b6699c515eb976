/** The public surface of the bench: what `pqtun bench` is made of. */
export * from './result.ts';
export * from './section.ts';
