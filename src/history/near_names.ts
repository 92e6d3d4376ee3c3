// Finds names that are near a wrong one, so that a message about a typing error can name what was meant.

/** Most names that are suggested. */
const SUGGESTED_MAX = 5;
/** Names are compared up to this length: a longer text is no name of Kubernetes. */
const CHARACTERS_MAX = 253;

/** The `names` nearest to `wrong`, the nearest first: those within a third of its length in edits, and those that begin with it. */
export function nearNames(wrong: string, names: Iterable<string>): string[] {
  const text = wrong.toLowerCase().slice(0, CHARACTERS_MAX);
  const most = Math.max(1, Math.floor(text.length / 3));
  const found: { readonly name: string; readonly edits: number }[] = [];
  for (const name of new Set(names)) {
    const edits = text.length >= 2 && name.startsWith(text)
      ? (name === text ? 0 : most)
      : editsBetween(text, name, most);
    if (edits !== undefined) found.push({ name, edits });
  }
  found.sort((a, b) => a.edits - b.edits || (a.name < b.name ? -1 : 1));
  return found.slice(0, SUGGESTED_MAX).map(({ name }) => name);
}

/**
 * How many characters must be inserted, removed, replaced or swapped with their neighbour to make `b` of `a` (optimal string
 * alignment); undefined where that is more than `most`.
 */
export function editsBetween(a: string, b: string, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most) return undefined;
  let [older, before]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = before[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? older[j - 2]! + 1
        : Infinity;
      row.push(Math.min(before[j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    if (Math.min(...row) > most) return undefined;
    [older, before] = [before, row];
  }
  const edits = before[b.length]!;
  return edits <= most ? edits : undefined;
}
