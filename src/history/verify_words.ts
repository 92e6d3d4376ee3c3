// The text that `verify` prints: the verdict on a ledger, and how the elements of a kernel differ from those of the ledger.

import type { ElementDifference } from "./diff.ts";
import type { LedgerVerdict } from "./verify.ts";

/** Most differing elements that are printed. */
const SHOWN_MAX = 10;

/** Lines for the verdict on the ledger in folder `path`. */
export function verdictLines(
  path: string,
  { first, last, segments, snapshots, problems, notes }: LedgerVerdict,
): string[] {
  const what = `${path}: @${first} to @${last}, ${segments} segments, ${snapshots} snapshots`;
  return [
    `${what}: ${problems.length === 0 ? "whole" : "NOT whole"}`,
    ...problems.map((problem) => `  ${problem}`),
    ...notes.map((note) => `  note: ${note}`),
  ];
}

/** Problems for the differences between what the kernel holds (`before`) and what the ledger says (`after`). */
export function kernelProblems(differences: readonly ElementDifference[]): string[] {
  const shown = differences.slice(0, SHOWN_MAX).map(({ set, key, before, after }) => {
    const how = after === null ? "is too much" : before === null ? "is missing" : "differs";
    return `kernel: ${set} { ${key} } ${how}`;
  });
  const more = differences.length - SHOWN_MAX;
  return more > 0 ? [...shown, `kernel: and ${more} more elements`] : shown;
}
