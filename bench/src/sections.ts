/** The sections there are, in the order they are run and shown. A section can see the rows of those before it. */
import type { SectionId } from './result.ts';
import type { Section } from './section.ts';

/** Loaded when it is asked for: what one section needs, another machine may not have. */
const loaders: Readonly<Record<SectionId, () => Promise<Section>>> = {
  records: async () => (await import('./sections/records.ts')).recordsSection,
  handshake: async () => (await import('./sections/handshake.ts')).handshakeSection,
  parts: async () => (await import('./sections/parts.ts')).partsSection,
  tunnel: async () => (await import('./sections/tunnel.ts')).tunnelSection,
  memory: async () => (await import('./sections/memory.ts')).memorySection,
  rekey: async () => (await import('./sections/rekey.ts')).rekeySection,
};

export async function loadSection(id: SectionId): Promise<Section> {
  return loaders[id]();
}
