/** What the bench reads of `pqtun show --json`: docs/operations.md. What was asked for is not always what there is. */

interface Shown {
  readonly interfaces?: readonly { readonly plane?: string; readonly aead?: { readonly name?: string } }[];
}

export function dataPathOf(text: string): { readonly plane: string; readonly aead: string } {
  const shown: unknown = JSON.parse(text);
  const [first] = (shown as Shown).interfaces ?? []; // documented; an older daemon lacks fields
  return { plane: first?.plane ?? 'unknown', aead: first?.aead?.name ?? 'unknown' };
}
