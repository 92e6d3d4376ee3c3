// A reader finds the tests of a file by its name: src/nft/text.ts has tests/nft/text_test.ts, or untested.json names the
// test that covers it and says why it has none of its own.

import { type Counts, type Finding, roomOf, type Sources } from "./sources.ts";

const LIST = "tests/support/tidy/untested.json";

/** By path: the test that covers a file, a colon, and why the file has no test of its own name. */
export type Covered = Readonly<Record<string, string>>;

/** `covered` with the entries of files that were moved under their new paths, where the file's name says which they are. */
export function afterMoves(sources: Sources, covered: Covered): Covered {
  const isSource = (path: string) => /^src\/.*\.ts$/.test(path);
  const unlisted = [...sources.keys()].filter((path) =>
    isSource(path) && covered[path] === undefined && !hasOwnTest(sources, path)
  );
  return Object.fromEntries(
    Object.entries(covered).map(([path, entry]) => {
      const name = path.slice(path.lastIndexOf("/"));
      const moved = sources.has(path) ? [] : unlisted.filter((other) => other.endsWith(name));
      return [moved.length === 1 ? moved[0]! : path, entry];
    }),
  );
}

/** Source files without a test of their own name that the list does not name, and entries that name no test. */
export function foundTests(sources: Sources): Finding[] {
  const covered: Covered = JSON.parse(sources.get(LIST) ?? "{}");
  return [...sources.keys()].filter((path) => /^src\/.*\.ts$/.test(path) && !hasOwnTest(sources, path))
    .flatMap((path) => {
      const entry = covered[path];
      if (entry === undefined) return [`${path}: no test of its name, and not in ${LIST}`];
      const [, test, reason] = /^(\S+): (.+)$/.exec(entry) ?? [];
      if (test === undefined || reason === undefined) return [`${path}: "${entry}" is not "TEST: REASON"`];
      return sources.has(test) ? [] : [`${path}: ${test} does not exist`];
    });
}

/** How many files the list names. */
export function listedFiles(sources: Sources): Counts {
  const covered: Covered = JSON.parse(sources.get(LIST) ?? "{}");
  return { src: Object.keys(covered).length };
}

/** Entries of the list that are not needed any more. */
export function needlessEntries(sources: Sources): string[] {
  const covered: Covered = JSON.parse(sources.get(LIST) ?? "{}");
  return Object.keys(covered).filter((path) => !sources.has(path) || hasOwnTest(sources, path));
}

function hasOwnTest(sources: Sources, path: string): boolean {
  const name = /([^/]+)\.ts$/.exec(path)![1]!;
  const folder = `tests/${roomOf(path) ?? ""}`;
  return [...sources.keys()].some((test) => test.startsWith(folder) && test.endsWith(`/${name}_test.ts`));
}
