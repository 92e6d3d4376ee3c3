// Verifies that a ledger is what was written: follows the hash chain over every record, and compares every snapshot with the
// state that the records before it make.

import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { foldRecord } from "../fold/fold.ts";
import { isSnapshotOf, restoredState } from "../fold/snapshot.ts";
import type { ProofEnd } from "../ledger/ledger_view.ts";
import type { LedgerDamage, TornTail } from "../ledger/segment.ts";
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
  /** What a crash left; the next start repairs it. */
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
  const whole = typeof begin === "object" ? begin : undefined;
  const state = whole === undefined ? emptyState() : restoredState(whole.lines);
  const counted = past.progress("records verified");
  const proof = past.prove(whole);
  let step = proof.next();
  for (; !step.done; step = proof.next()) {
    const { offset, record, chain } = step.value;
    foldRecord(state, offset, record);
    const next = offset + 1;
    if (next !== first && snapshots.some((at) => at === next)) {
      problems.push(...snapshotProblems(past, state, next, chain));
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
    notes: notesOf(end),
  };
  return end.kind === "damaged" ? { verdict, state, damage: end.damage } : { verdict, state };
}

function snapshotProblems(past: Past, state: ClusterState, next: number, chain: string): string[] {
  const name = past.snapshotName(next);
  const snapshot = past.snapshot(next);
  if (typeof snapshot === "string") return [`${name}: ${snapshot}; it will not be used`];
  if (snapshot.chain !== chain) return [`${name}: its hash chain is not that of the records before it`];
  if (isSnapshotOf(state, snapshot.lines)) return [];
  return [`${name}: it is not the state that the records before it make`];
}

function notesOf(end: ProofEnd): string[] {
  return end.kind === "torn" ? [tornText(end.torn)] : [];
}

function tornText({ file, keep, lostBytes, reason }: TornTail): string {
  return `${file} (byte ${keep}): ${lostBytes} bytes of an unfinished write (${reason}); the next start cuts them off`;
}
