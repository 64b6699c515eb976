export { seededRandom, seededSuite } from './seeded-suite.ts';
