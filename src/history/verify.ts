// Verifies that a ledger is what was written: follows the hash chain over every record, and compares every snapshot with the
// state that the records before it make.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { noChanges } from "../fold/fold_changes.ts";
import { compareSnapshot, restoredState } from "../fold/snapshot.ts";
import type { ProofEnd } from "../ledger/ledger_view.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import type { TornTail } from "../ledger/segment.ts";
import type { Past } from "./past.ts";

/** The result for a user. */
export interface LedgerVerdict {
  /** Id of the ledger; "" where it is damaged or empty. */
  readonly ledger: string;
  /** Offset of the first record that is kept. */
  readonly first: number;
  /** Offset of the last record that can be trusted. */
  readonly last: number;
  /** Files of records that are kept. */
  readonly segments: number;
  /** Snapshots that are kept. */
  readonly snapshots: number;
  /** Everything that is wrong; empty when nothing is. */
  readonly problems: readonly string[];
  /** What a crash left, or another version of the program made. */
  readonly notes: readonly string[];
}

/** A verdict, with the state that was folded. */
export interface Verification {
  readonly verdict: LedgerVerdict;
  /** The state after the last record that can be trusted. */
  readonly state: ClusterState;
  /** In a damaged ledger: where reading ended, and why. */
  readonly damage?: LedgerDamage;
}

/** Reads, verifies and folds all of `past`. */
export function verifyPast(past: Past): Verification {
  const first = past.first();
  const snapshots = past.snapshots();
  const begin = first === 0 ? undefined : past.snapshot(first);
  const problems = typeof begin === "string"
    ? [`${past.snapshotName(first)}: ${begin}; what was before @${first} is unknown`]
    : [];
  const notes: string[] = [];
  const whole = typeof begin === "object" ? begin : undefined;
  const state = whole === undefined ? emptyState() : restoredState(whole.lines);
  const counted = past.progress("records verified");
  const proof = past.prove(whole);
  const ignored = noChanges();
  let step = proof.next();
  for (; !step.done; step = proof.next()) {
    const { offset, record, chain } = step.value;
    foldRecord(state, offset, record, ignored);
    const next = offset + 1;
    if (next !== first && snapshots.some((at) => at === next)) {
      const found = checkSnapshot(past, state, next, chain);
      problems.push(...found.problems);
      notes.push(...found.notes);
    }
    counted(offset);
  }
  const end = step.value;
  if (end.kind === "damaged") problems.push(`${end.damage.message}; whole up to @${state.folded}`);
  const verdict: LedgerVerdict = {
    ledger: end.kind === "damaged" ? "" : end.ledger,
    first,
    last: state.folded,
    segments: past.segments().length,
    snapshots: snapshots.length,
    problems,
    notes: [...notes, ...notesOf(end)],
  };
  return end.kind === "damaged" ? { verdict, state, damage: end.damage } : { verdict, state };
}

/** Compares the snapshot before record `next` with the state that the records before it make. */
function checkSnapshot(
  past: Past,
  state: ClusterState,
  next: number,
  chain: string,
): Pick<LedgerVerdict, "problems" | "notes"> {
  const name = past.snapshotName(next);
  const problem = (text: string) => ({ problems: [`${name}: ${text}`], notes: [] });
  const snapshot = past.snapshot(next);
  if (typeof snapshot === "string") return problem(`${snapshot}; it will not be used`);
  if (snapshot.chain !== chain) return problem("its hash chain is not that of the records before it");
  switch (compareSnapshot(state, snapshot.lines)) {
    case "same":
      return { problems: [], notes: [] };
    case "different":
      return problem("it is not the state that the records before it make");
    case "another version":
      return { problems: [], notes: [`${name}: another version of the program made it; it is not compared`] };
  }
}

function notesOf(end: ProofEnd): string[] {
  return end.kind === "torn" ? [tornText(end.torn)] : [];
}

function tornText({ file, keep, lostBytes, reason }: TornTail): string {
  return `${file} (byte ${keep}): ${lostBytes} bytes of an unfinished write (${reason}); the next start cuts them off`;
}
