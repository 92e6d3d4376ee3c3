// Verifies that a ledger is what was written: follows the hash chain over every record, makes every commit again, and compares
// every file beside the records with what they say.

import { countText } from "../count_text.ts";
import { type ClusterState, emptyState } from "../fold/cluster_state.ts";
import { compareSnapshot, restoredState, type SnapshotLine } from "../fold/snapshot.ts";
import type { CheckpointChain, CheckpointSummary } from "../ledger/checkpoint_chain.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import type { LedgerHead } from "../ledger/head.ts";
import type { ProofEnd } from "../ledger/ledger_view.ts";
import type { LedgerRecord, Offset } from "../ledger/record.ts";
import type { TornTail } from "../ledger/segment.ts";
import type { Snapshot } from "../ledger/snapshot.ts";
import type { Elements, Table } from "../nft/ruleset.ts";
import { JournalProof } from "./journal_proof.ts";
import type { Past } from "./past.ts";
import { continuedFrom, newReplay, type Replay } from "./replay.ts";
import { snapshotFindings } from "./signed_snapshots.ts";
import { WitnessCheck, type WitnessSummary } from "./witness.ts";
import { tryReplay } from "./replay_part.ts";

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
  /** Signed places. */
  readonly checkpoints: CheckpointSummary;
  /** What a witness confirms; absent where none was given. */
  readonly witness?: WitnessSummary;
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
  /** The rules at the position that was asked for, if the ledger has it. */
  readonly rules?: RulesAt;
  /** In a damaged ledger: where reading ended, and why. */
  readonly damage?: LedgerDamage;
}

/** Most commits that do not follow from the ledger which are named one by one. */
const COMMITS_NAMED = 5;

/** What else to verify. */
export interface Verifiable {
  /** The position whose rules are returned too. */
  readonly at?: number;
  /** An auditor's key: the checkpoints must follow from it. */
  readonly key?: string;
  /** Heads that a witness saw: the ledger must have them. */
  readonly heads?: readonly LedgerHead[];
}

/** Rules at a position, for a comparison with a kernel that holds that position. */
export interface RulesAt {
  /** The last record that they follow. */
  readonly offset: number;
  readonly tables: readonly Table[];
  readonly elements: Elements;
}

/** A verification under way. */
interface Verifying {
  readonly past: Past;
  readonly problems: string[];
  readonly notes: string[];
  readonly journals: JournalProof;
  readonly checkpoints: CheckpointChain;
  readonly witness: WitnessCheck;
  /** Undefined from a snapshot that is not whole to the next whole one: what was before the records is unknown. */
  run: Replay | undefined;
  /** How many commits do not follow from the ledger. */
  wrong: number;
  /** Offset of the last record that was read. */
  last: number;
  /** The rules at the position that was asked for, once it is reached. */
  rules: RulesAt | undefined;
}

/** Reads, verifies and replays all of `past`. */
export function verifyPast(past: Past, kept: Verifiable = {}): Verification {
  const { key, heads = [] } = kept;
  const first = past.first();
  const snapshots = new Set<number>(past.snapshots());
  const begin = first === 0 ? undefined : past.snapshot(first);
  const verifying = newVerifying(past, kept, { first, begin });
  const { problems, notes, checkpoints, witness } = verifying;
  const end = verifyRecords(verifying, kept, typeof begin === "object" ? begin : undefined, snapshots);
  // What retention removed meanwhile is no damage.
  if (end.kind === "damaged" && past.first() !== first) throw past.overtaken();
  const { last, run, rules } = verifying;
  problems.push(...lastProblems(verifying, end), ...checkpoints.problems(first));
  problems.push(...witness.problems(first, last));
  const signed = snapshotFindings(past, checkpoints, first);
  problems.push(...signed.problems);
  // Of a damaged ledger the checkpoint that signs it may not have been read; without checkpoints nothing is signed.
  const isAudited = end.kind !== "damaged" && checkpoints.summary.count > 0;
  if (signed.unsigned !== undefined && isAudited) {
    (key === undefined ? notes : problems).push(signed.unsigned);
  }
  const verdict: LedgerVerdict = {
    ledger: end.kind === "damaged" ? "" : end.ledger,
    first,
    last,
    segments: past.segments().length,
    snapshots: snapshots.size,
    checkpoints: checkpoints.summary,
    ...(heads.length === 0 ? {} : { witness: witness.summary }),
    problems,
    notes: [...notes, ...checkpoints.notes(), ...leftOver(past, snapshots, first), ...notesOf(end)],
  };
  const { state } = run ?? newReplay(emptyState());
  return {
    verdict,
    state,
    ...(rules === undefined ? {} : { rules }),
    ...(end.kind === "damaged" ? { damage: end.damage } : {}),
  };
}

/**
 * `first`: offset of the first record; asked for once, because retention may remove it meanwhile. `begin`: the snapshot before it; a text
 * says why it is not whole, undefined that the records are all there are.
 */
function newVerifying(
  past: Past,
  { at, key, heads = [] }: Verifiable,
  { first, begin }: { readonly first: number; readonly begin: Snapshot<SnapshotLine> | string | undefined },
): Verifying {
  const verifying: Verifying = {
    past,
    problems: [],
    notes: [],
    journals: new JournalProof(past),
    checkpoints: past.checkpoints(key),
    witness: new WitnessCheck(heads, past.id()),
    run: undefined,
    wrong: 0,
    last: first - 1,
    rules: undefined,
  };
  if (typeof begin === "string") {
    verifying.problems.push(`${past.snapshotName(first)}: ${begin}; what was before @${first} is unknown`);
  } else verifying.run = newReplay(begin === undefined ? emptyState() : restoredState(begin.lines));
  if (typeof begin === "object") verifying.witness.note(first, begin.chain);
  verifying.rules = rulesAt(verifying, at);
  return verifying;
}

/** Reads every record behind `begin`, and replays it; returns how the ledger ends. */
function verifyRecords(
  verifying: Verifying,
  { at }: Verifiable,
  begin: Snapshot<SnapshotLine> | undefined,
  snapshots: ReadonlySet<number>,
): ProofEnd {
  const { past, problems, checkpoints, witness } = verifying;
  const first = verifying.last + 1;
  const counted = past.progress("records verified");
  let before = begin?.chain;
  const proof = past.prove(begin);
  let step = proof.next();
  for (; !step.done; step = proof.next()) {
    const { offset, record, chain } = step.value;
    if (offset !== verifying.last + 1) throw past.overtaken();
    verifying.last = offset;
    problems.push(...checkpoints.note(offset, record, before));
    before = chain;
    witness.note(offset + 1, chain);
    verifyRecord(verifying, offset, record);
    if (snapshots.has(offset + 1) && offset + 1 !== first) verifySnapshot(verifying, offset + 1, chain);
    verifying.rules ??= rulesAt(verifying, at);
    counted(offset);
  }
  return step.value;
}

/** The rules at `at`, once the verification is there. */
function rulesAt({ run }: Verifying, at: number | undefined): RulesAt | undefined {
  if (run === undefined || at === undefined || run.state.folded !== at) return undefined;
  const { tables, desired } = run.state;
  return { offset: at, tables, elements: new Map([...desired].map(([set, keyed]) => [set, new Map(keyed)])) };
}

/** Replays one record, and notes what of a commit does not follow from the records before it. */
function verifyRecord(verifying: Verifying, offset: Offset, record: LedgerRecord): void {
  const { run, problems, journals } = verifying;
  if (run === undefined) return;
  const made = tryReplay(run, offset, record, journals.fold);
  if (typeof made === "string") {
    problems.push(made);
    verifying.run = undefined;
    return;
  }
  if (made === undefined || made.otherVersion) return;
  const digest = made.digest === made.record.digest
    ? []
    : ["its digest is not that of the rules that its records lead to"];
  const wrong = [...digest, ...made.misfits];
  if (wrong.length === 0) return;
  if (++verifying.wrong <= COMMITS_NAMED) problems.push(`the commit @${offset}: ${wrong.join("; ")}`);
}

/** Compares a snapshot with the state; where that is unknown, goes on from the snapshot. */
function verifySnapshot(verifying: Verifying, next: number, chain: string): void {
  const { past, run, problems, notes } = verifying;
  const name = past.snapshotName(next);
  const snapshot = past.snapshot(next);
  // Retention may have removed it meanwhile.
  if (typeof snapshot === "string" && !past.snapshots().some((at) => at === next)) return;
  const fault = typeof snapshot === "string"
    ? `${snapshot}; it will not be used`
    : snapshot.chain === chain
    ? undefined
    : "its hash chain is not that of the records before it";
  if (fault !== undefined || typeof snapshot === "string") return void problems.push(`${name}: ${fault}`);
  if (run === undefined) return void (verifying.run = newReplay(restoredState(snapshot.lines)));
  switch (compareSnapshot(run.state, snapshot.lines)) {
    case "same":
      return;
    case "different":
      return void problems.push(`${name}: it is not the state that the records before it make`);
    case "another version":
      verifying.run = continuedFrom(run, restoredState(snapshot.lines));
      return void notes.push(`${name}: another version of the program made it; it is not compared`);
  }
}

/** Problems that show at the end: damage, a cut tail, wrong terms, and how many more commits are wrong. */
function lastProblems({ past, wrong, journals, last }: Verifying, end: ProofEnd): string[] {
  const cut = end.kind === "damaged" ? undefined : past.cut();
  return [
    ...(wrong > COMMITS_NAMED ? [`and ${countText(wrong - COMMITS_NAMED, "more commit")}`] : []),
    ...(end.kind === "damaged" ? [`${end.damage.message}; ${wholeText(past.first(), last)}`] : []),
    ...(cut === undefined ? [] : [cut.text]),
    ...past.termsFaults(),
    ...journals.problems(),
    ...writersFaults(past),
  ];
}

/** How far a damaged ledger can be trusted. */
function wholeText(first: number, last: number): string {
  return last < first ? `no record from @${first} on can be trusted` : `whole up to @${last}`;
}

/** What is wrong with what an audit log said of the writers. */
function writersFaults(past: Past): string[] {
  const damage = past.damageIn(() => void past.writers());
  return damage === undefined ? [] : [damage.message];
}

/** Snapshots of what is not kept any more: a crash in the middle of retention leaves them, and nothing uses them. */
function leftOver(past: Past, snapshots: ReadonlySet<number>, first: number): string[] {
  return [...snapshots].filter((next) => next < first).map((next) =>
    `${past.snapshotName(next)}: what was before @${first} is not kept; it will not be used`
  );
}

function notesOf(end: ProofEnd): string[] {
  return end.kind === "torn" ? [tornText(end.torn)] : [];
}

/** A torn tail in words. */
export function tornText({ file, keep, lostBytes, reason }: TornTail): string {
  return `${file} (byte ${keep}): ${lostBytes} bytes of an unfinished write (${reason}); the next start cuts them off`;
}
