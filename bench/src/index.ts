/** The public surface of the bench: what `pqtun bench` is made of. */

export * from './form/parse.ts';
export * from './form/write.ts';
export { defaultRounds } from './measure/measure.ts';
export * from './report/report.ts';
export * from './result.ts';
export * from './run.ts';
export * from './section.ts';
export * from './text/columns.ts';
export * from './text/progress.ts';
export * from './text/tables.ts';
export * from './verdict/budget.ts';
export * from './verdict/compare.ts';
export * from './verdict/compare-text.ts';
