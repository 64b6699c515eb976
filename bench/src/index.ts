/** The public surface of the bench: what `pqtun bench` is made of. */

export * from './budget.ts';
export * from './columns.ts';
export * from './compare.ts';
export * from './compare-text.ts';
export { defaultRounds } from './measure.ts';
export * from './parse.ts';
export * from './progress.ts';
export * from './report/report.ts';
export * from './result.ts';
export * from './run.ts';
export * from './section.ts';
export * from './tables.ts';
export * from './write.ts';
