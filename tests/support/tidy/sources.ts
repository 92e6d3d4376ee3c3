// Source files as the TypeScript parser sees them, and the two forms in which a rule answers.

import ts from "typescript";

/** Texts by path from the repository's root: `src/nft/text.ts`, `README.md`. */
export type Sources = ReadonlyMap<string, string>;

/** A sentence about one place: `src/nft/text.ts:12: f has 80 lines`. */
export type Finding = string;

/** How often a rule that does not hold everywhere yet is broken, by what it counts: a file, a room, a name. */
export type Counts = Readonly<Record<string, number>>;

/** A file parsed, by its text: most rules read the same files. */
const PARSED = new Map<string, ts.SourceFile>();

/** The TypeScript files among `sources` whose path begins with one of `folders`. */
export function* parsed(
  sources: Sources,
  ...folders: readonly string[]
): Generator<readonly [path: string, file: ts.SourceFile]> {
  for (const [path, text] of sources) {
    if (!path.endsWith(".ts") || !folders.some((folder) => path.startsWith(folder))) continue;
    const file = PARSED.get(text) ?? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    PARSED.set(text, file);
    yield [path, file];
  }
}

/** `node` and all below it. */
export function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* nodes(child);
}

/** The line of a position in a file, from 1. */
export function lineOf(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}

/** The room of a file of src: `nft` of `src/nft/text.ts`. */
export function roomOf(path: string): string | undefined {
  return /^src\/(\w+)\//.exec(path)?.[1];
}

/** Findings as counts, by what stands before the first colon and space; a line number is no part of it. */
export function counted(found: readonly Finding[]): Counts {
  const counts: Record<string, number> = {};
  for (const finding of found) {
    const key = finding.split(": ")[0]!.replace(/:\d+$/, "");
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** One finding for each key for which `find` says something. */
export function findings(
  counts: Counts,
  find: (key: string, count: number) => string | undefined,
): Finding[] {
  return Object.entries(counts).flatMap(([key, count]) => {
    const found = find(key, count);
    return found === undefined ? [] : [`${key}: ${found}`];
  });
}
