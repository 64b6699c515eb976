/** Whether two results come from machines whose figures may be compared. */
import type { BenchResult, MachineFacts } from '../result.ts';

export interface Difference {
  /** For people. */
  readonly what: string;
  readonly a: string;
  readonly b: string;
}

/** What must be equal, and as much of it as must be. A patch of the kernel or of Node is what one may want to compare. */
const mustAgree: readonly (readonly [string, (machine: MachineFacts) => string])[] = [
  ['architecture', ({ arch }) => arch],
  ['CPU', ({ cpu }) => cpu],
  ['CPUs', ({ cpus }) => String(cpus)],
  ['board', ({ board }) => board],
  ['virtualization', ({ virtualization }) => virtualization],
  ['CPU governor', ({ governor }) => governor],
  ['kernel', ({ kernel }) => /\d+\.\d+/.exec(kernel)?.[0] ?? kernel],
  ['Node', ({ node }) => /\d+/.exec(node)?.[0] ?? node],
  ['OpenSSL', ({ openssl }) => openssl],
];

/** All differences that forbid a comparison. */
export function differences(a: MachineFacts, b: MachineFacts): Difference[] {
  return mustAgree.flatMap(([what, of]) => (of(a) === of(b) ? [] : [{ what, a: of(a), b: of(b) }]));
}

/** What else differs and may explain a verdict: engines, offloads, versions. */
export function explanations(a: BenchResult, b: BenchResult): Difference[] {
  const exact: (readonly [string, (result: BenchResult) => string])[] = [
    ['pqtun', ({ version }) => version],
    ['kernel', ({ machine }) => machine.kernel],
    ['Node', ({ machine }) => machine.node],
    ['system', ({ machine }) => machine.system],
    ['engines', ({ machine }) => activeNames(machine.engines)],
    ['offloads', ({ machine }) => activeNames(machine.offloads)],
  ];
  return exact.flatMap(([what, of]) => (of(a) === of(b) ? [] : [{ what, a: of(a), b: of(b) }]));
}

function activeNames(all: readonly { readonly name: string; readonly active: boolean }[]): string {
  const names = all.filter(({ active }) => active).map(({ name }) => name);
  return names.length === 0 ? 'none' : names.join(', ');
}
