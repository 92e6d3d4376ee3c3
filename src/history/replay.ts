// Every commit of a ledger once more: folded and planned again, its digest compared with the one that was written. Equal
// digests prove that this program makes of these records what that one made.

import type { ClusterState } from "../fold/cluster_state.ts";
import { touch } from "../fold/fold_changes.ts";
import { foldRecord } from "../fold/fold.ts";
import { CONTAINERS } from "../fold/skeleton.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import type { ElementKey, SetPath, Table } from "../nft/ruleset.ts";
import { createTable, type Operation, type Transaction } from "../nft/transaction.ts";
import { applyDelta, type Delta, diff, type MutableElements } from "../plan/delta.ts";
import { advanceDigest, type Digest, digestText, rulesetDigest, tablesDigest } from "../plan/digest.ts";
import { elementOperations, isRetired, plan } from "../plan/plan.ts";

/** One commit as it is made again. */
export interface Replayed {
  /** Offset of the commit's record. */
  readonly offset: number;
  readonly record: CommitRecord;
  /** What it changes now. */
  readonly delta: Delta;
  /** The same as operations; deletes tables first where they are made anew. */
  readonly transaction: Transaction;
  /** Lower-case hex; equal to the record's, or something is different. */
  readonly digest: string;
}

/** A ledger being replayed; changed in place by {@link replayRecord} alone. */
export interface Replay {
  readonly state: ClusterState;
  committed: MutableElements;
  digest: Digest;
  /** Whether the next commit makes the tables, and whether there are some to delete before. */
  rebuild: "no" | "first" | "again";
  readonly touched: Map<SetPath, Map<ElementKey, number>>;
}

/** A replay from `state`: that of a snapshot, whose rules are taken as committed, or the empty one. */
export function newReplay(state: ClusterState): Replay {
  const begins = state.folded < 0;
  return {
    state,
    committed: begins ? new Map() : new Map([...state.desired].map(([path, set]) => [path, new Map(set)])),
    digest: begins ? tablesDigest(state.tables) : rulesetDigest(state.tables, state.desired),
    rebuild: "first",
    touched: new Map(),
  };
}

/** Takes in one record; returns what is made again, for a record of a commit that the kernel took. */
export function replayRecord(replay: Replay, offset: Offset, record: LedgerRecord): Replayed | undefined {
  const made = record.kind === "commit" && record.outcome === "committed"
    ? commitAgain(replay, offset, record)
    : undefined;
  const { tables } = replay.state;
  const { touched } = foldRecord(replay.state, offset, record);
  if (replay.state.tables !== tables && replay.rebuild === "no") replay.rebuild = "again";
  for (const [set, keys] of touched) {
    for (const [key, cause] of keys) touch(replay.touched, set, key, cause);
  }
  return made;
}

function commitAgain(replay: Replay, offset: number, record: CommitRecord): Replayed {
  const { state, rebuild, touched } = replay;
  const anew = rebuild !== "no";
  const delta = anew ? diff(new Map(), state.desired) : plan(replay.committed, state.desired, touched);
  const transaction = [
    ...(rebuild === "again" ? state.tables.map(deletion) : []),
    ...(anew ? state.tables.flatMap(createTable) : []),
    ...elementOperations(delta, CONTAINERS),
  ];
  let digest = advanceDigest(anew ? tablesDigest(state.tables) : replay.digest, delta);
  if (anew) replay.committed = new Map();
  applyDelta(replay.committed, delta);
  // Rules that were made anew after a drift have no chains that wait for their deletion.
  if (digestText(digest) !== record.digest) {
    const whole = rulesetDigest(state.tables, state.desired);
    if (digestText(whole) === record.digest) digest = whole;
  }
  replay.digest = digest;
  replay.rebuild = "no";
  touched.clear();
  for (const { set, key, after } of delta) {
    if (isRetired(set, after)) touch(touched, set, key, record.through);
  }
  return { offset, record, delta, transaction, digest: digestText(digest) };
}

function deletion({ family, name }: Table): Operation {
  return { verb: "delete", noun: "table", family, table: name };
}
