// The text that `verify` prints: the verdict on a ledger, and how the elements of a kernel differ from those of the ledger.

import { countText } from "../count_text.ts";
import type { CheckpointSummary } from "../ledger/checkpoint_chain.ts";
import { disagreementText } from "../plan/disagreement.ts";
import type { KernelComparison } from "./kernel_comparison.ts";
import { rangeText } from "./table_words.ts";
import type { LedgerVerdict } from "./verify.ts";
import type { WitnessSummary } from "./witness.ts";

/** Most differing elements that are printed. */
const SHOWN_MAX = 10;

/** Lines for the verdict on the ledger in folder `path`. */
export function verdictLines(
  path: string,
  { first, last, segments, snapshots, checkpoints, witness, problems, notes }: LedgerVerdict,
): string[] {
  const what = `${path}: ${rangeText(first, last)}, ${countText(segments, "segment")}, ${
    countText(snapshots, "snapshot")
  }`;
  return [
    `${what}: ${problems.length === 0 ? "whole" : "NOT whole"}`,
    ...problems.map((problem) => `  ${problem}`),
    ...signedLines(checkpoints, last),
    ...(witness === undefined ? [] : [witnessLine(witness)]),
    ...notes.map((note) => `  note: ${note}`),
  ];
}

/** What is signed, and the key that an auditor keeps for the next time. */
function signedLines({ count, through, key }: CheckpointSummary, last: number): string[] {
  if (count === 0 || through === null) return [];
  const unsigned = last > through ? `; @${through + 1} to @${last} are not` : "";
  return [
    `  ${countText(count, "checkpoint")}; the records before @${through} are signed${unsigned}`,
    `  key for the next audit: ${key}`,
  ];
}

function witnessLine({ count, through }: WitnessSummary): string {
  const until = through === null ? "" : `; the last is of the records before @${through}`;
  return `  heads of the witness that the ledger has: ${count}${until}`;
}

/** Problems for the ways in which the kernel differs from a ledger. */
export function kernelProblems({ disagreement, elements }: KernelComparison): string[] {
  const tables = disagreement === undefined
    ? []
    : [`kernel: ${disagreement}: ${disagreementText(disagreement)}`];
  const shown = elements.slice(0, SHOWN_MAX).map(({ set, key, before, after }) => {
    const how = after === null ? "is too much" : before === null ? "is missing" : "differs";
    return `kernel: ${set} { ${key} } ${how}`;
  });
  const more = elements.length - SHOWN_MAX;
  return [...tables, ...shown, ...(more > 0 ? [`kernel: and ${countText(more, "more element")}`] : [])];
}
