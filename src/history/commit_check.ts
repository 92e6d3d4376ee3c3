// Whether the record of a commit is what its records lead to. Everything in it that is derived is derived again: the range of
// records, and each change with its cause. What the kernel answered (time, generation, duration) cannot be derived.

import type { ClusterState } from "../fold/cluster_state.ts";
import type { CommitRecord, CommittedChange } from "../ledger/record.ts";
import { COMMIT_CHANGES_MAX } from "../limits/ledger.ts";
import { objectNoun } from "../nft/objects.ts";
import { canonicalKey, setPath, splitSetPath } from "../nft/ruleset.ts";
import { committedChanges, countCommittedChanges } from "../plan/committed_changes.ts";
import { type Delta, deltaFromNothing } from "../plan/delta.ts";
import { changeText } from "./record_words.ts";

/** What is known when a commit is made again. */
export interface CommitBasis {
  /** The state at the last record of the commit. */
  readonly state: ClusterState;
  /** The changes since the commit before; undefined where that commit is not known. */
  readonly planned: Delta | undefined;
  /** Last record of the commit before; -1 where there was none. */
  readonly previous: number;
  /** Whether the kernel may have held something else before, as after another program's change. Its record says so. */
  readonly unsure: boolean;
}

/** The result: `plain` where the commit follows from the one before it alone. */
export interface CheckedCommit {
  readonly plain: boolean;
  /** What does not follow from the records, as text. */
  readonly misfits: readonly string[];
}

/** Compares `record` with what its records lead to. */
export function checkCommit(record: CommitRecord, basis: CommitBasis): CheckedCommit {
  const { state, planned, previous } = basis;
  const range = rangeMisfits(record, basis);
  // A crash between a batch and its record loses the record: the kernel has the position, and the next commit begins there.
  const unsure = basis.unsure || record.from > previous + 1;
  if (planned !== undefined && (follows(record, planned) || follows(record, withoutEmptied(planned)))) {
    return { plain: true, misfits: range };
  }
  // The tables were made anew, with all elements.
  if (follows(record, deltaFromNothing(state.desired))) return { plain: false, misfits: range };
  // What the kernel held before is not known. Each change must lead to what the records want.
  const wrong = record.changes.filter((change) => !leadsTo(state, record, change));
  if (wrong.length === 0 && (unsure || repairs(record, planned))) return { plain: false, misfits: range };
  const [first] = wrong;
  const changes = first === undefined
    ? "its changes are not those that its records lead to"
    : `its records do not lead to the change ${changeText(first)}`;
  return { plain: false, misfits: [...range, changes] };
}

/**
 * Whether `record` has all of the `planned` changes, and others. Another program's change that no notification named is put back by
 * the next commit that lists the tables, and no record says so.
 */
function repairs({ changes, changesOmitted, through }: CommitRecord, planned: Delta | undefined): boolean {
  if (planned === undefined || changesOmitted > 0) return false;
  const place = (change: CommittedChange) =>
    JSON.stringify([change.verb, change.set, change.key, change.cause]);
  const recorded = new Set(changes.map(place));
  return committedChanges(withoutEmptied(planned), through).every((one) => recorded.has(place(one)));
}

/**
 * The changes where emptied chains are gone already: they are deleted by a commit of their own, whose record a crash may have
 * lost. A chain that is wanted again is then a new one.
 */
function withoutEmptied(delta: Delta): Delta {
  return delta.flatMap((change) => {
    const { set, before, after } = change;
    if (objectNoun(set) !== "chain" || before?.value !== "") return change;
    return after === undefined ? [] : { ...change, before: undefined };
  });
}

function rangeMisfits({ from, through }: CommitRecord, { previous, unsure }: CommitBasis): string[] {
  return (previous < from && from <= through + 1) || from === 0 || unsure
    ? []
    : [`it says that it is of @${from} to @${through}; the commit before it ended with @${previous}`];
}

/** Whether the recorded changes are those of `delta`. */
function follows(record: CommitRecord, delta: Delta): boolean {
  const { changes, changesOmitted, through } = record;
  if (changes.length + changesOmitted !== countCommittedChanges(delta)) return false;
  const first = committedChanges(delta.slice(0, COMMIT_CHANGES_MAX + 1), through).slice(
    0,
    COMMIT_CHANGES_MAX,
  );
  const whole = first.length === changes.length && first.every((one, i) => sameChange(one, changes[i]!));
  const made = whole ? first : listedChanges(record, delta);
  return made !== undefined && sameCauses(record, made);
}

/**
 * The changes of `delta` that `record` lists, where each other one is of a record before the commit: the commits of steps leave
 * out most of these, and a full list leaves out the rest. undefined where the record lists something else.
 */
function listedChanges(
  { changes, from, through }: CommitRecord,
  delta: Delta,
): readonly CommittedChange[] | undefined {
  const listed: CommittedChange[] = [];
  for (const one of committedChanges(delta, through)) {
    const next = changes[listed.length];
    if (next !== undefined && sameChange(one, next)) listed.push(one);
    else if (one.cause >= from && changes.length < COMMIT_CHANGES_MAX) return undefined;
  }
  return listed.length === changes.length ? listed : undefined;
}

function sameChange(a: CommittedChange, b: CommittedChange): boolean {
  return a.verb === b.verb && a.set === b.set && a.key === b.key && a.value === b.value &&
    a.comment === b.comment;
}

/**
 * Whether the recorded causes are those of `made`. A start that folds records which no commit has brought to the kernel takes the
 * last of them as the cause of everything that differs.
 */
function sameCauses({ changes, from, through }: CommitRecord, made: readonly CommittedChange[]): boolean {
  const others = new Set(
    changes.filter(({ cause }, i) => cause !== made[i]!.cause).map(({ cause }) => cause),
  );
  if (others.size === 0) return true;
  const [start] = others;
  return others.size === 1 && start! >= from - 1 && start! <= through;
}

/** Whether the rules after the commit have what `change` says. The bound of a list may cut off what was added in place of its last one. */
function leadsTo(
  { desired }: ClusterState,
  { through, changes, changesOmitted }: CommitRecord,
  change: CommittedChange,
): boolean {
  const { verb, set, key, cause } = change;
  if (cause > through) return false;
  const { family, table, name } = splitSetPath(set);
  const wanted = desired.get(setPath(family, table, name))?.get(canonicalKey(key));
  if (verb === "add") {
    return wanted === undefined
      ? change.value === "" // A chain is emptied before it is deleted.
      : wanted.value === change.value && wanted.comment === change.comment;
  }
  return wanted === undefined || (changesOmitted > 0 && change === changes.at(-1)) ||
    changes.some((other) => other.verb === "add" && other.set === set && other.key === key);
}
