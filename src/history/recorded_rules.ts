// The rules of a position that another version of the fold made. This version may make other rules of the same records, so they
// are taken from the changes that the commits recorded: from the commit that made the tables, or from the oldest one that is
// kept. The digests of the commits show whether these changes are all.

import type { ClusterState, Rules } from "../fold/cluster_state.ts";
import { FOLD_VERSION } from "../fold/fold_version.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
import type { CommitRecord, CommittedChange } from "../ledger/record.ts";
import { objectNoun, operationsOfObject } from "../nft/objects.ts";
import {
  canonicalKey,
  type Element,
  type ElementKey,
  type SetPath,
  setPath,
  splitSetPath,
} from "../nft/ruleset.ts";
import type { Delta, ElementChange } from "../plan/delta.ts";
import {
  advanceDigest,
  type Digest,
  digestText,
  readDigest,
  rulesetDigest,
  tablesDigest,
} from "../plan/digest.ts";
import { commitOf, foldAround, isDamage, type PlacedCommit } from "./cause.ts";
import { stateToRead } from "./journal_reading.ts";
import { type Lookup, NotRecorded, type Past, type PastState, type RecordedRules, stateAt } from "./past.ts";

/** The state after the record at `through`, which may be `known`, with the recorded rules where another version made other ones of it. */
export function pastAt(past: Past, through: number, known?: PastState): PastState {
  return withRecorded(past, through, known ?? stateAt(past, through));
}

/** As {@link pastAt}, for readers that do not change the state, and that read the journal too (see {@link stateToRead}). */
export function pastToRead(past: Past, through: number): PastState {
  return withRecorded(past, through, { state: stateToRead(past, through), lookup: past.lookup() });
}

function withRecorded(past: Past, through: number, now: PastState): PastState {
  const commit = commitAbout(now.lookup, through);
  if (isDamage(commit)) {
    // What another version committed cannot be put together without it.
    const around = foldAround(now.lookup, through);
    if (around !== undefined && around.fold !== FOLD_VERSION) throw commit;
    return now;
  }
  if (commit === undefined || commit.record.fold === FOLD_VERSION) return now;
  const { state } = commit.record.through === through ? now : stateAt(past, commit.record.through);
  const same = digestText(rulesetDigest(state.tables, state.desired)) === commit.record.digest;
  return same ? now : { ...now, recorded: recordedRules(past, state, commit) };
}

/** The commit whose rules are those at `offset`: the record itself, or the commit that folded it. */
function commitAbout(lookup: Lookup, offset: number): PlacedCommit | LedgerDamage | undefined {
  const record = lookup(offset)?.record;
  return record?.kind === "commit" && record.outcome === "committed"
    ? { offset: lookup(offset)!.offset, record }
    : commitOf(lookup, offset);
}

/** The changes of all commits up to `commit`, put together. `state` is what this version makes of the same records. */
function recordedRules(past: Past, { tables, desired }: ClusterState, commit: PlacedCommit): RecordedRules {
  const commits = commitsOfTables(past, commit.offset);
  const rules = { elements: noElements(), causes: new Map<SetPath, Map<ElementKey, number>>() };
  const [first] = commits;
  let incomplete = whyNoBeginning(past, first);
  let skeleton: Digest | undefined;
  let digest: Digest | undefined;
  for (const { offset, record } of commits) {
    const delta = applyChanges(rules, record.changes);
    incomplete ??= whyNotAll(offset, record);
    digest = digest === undefined ? readDigest(record.digest) : advanceDigest(digest, delta);
    skeleton ??= advanceDigest(digest, delta.map(undone));
    if (digestText(digest) !== record.digest) {
      incomplete ??= `the changes that @${offset} records do not lead to its digest`;
    }
  }
  const known = incomplete === undefined && digestText(skeleton!) === digestText(tablesDigest(tables));
  if (known) incomplete = defineObjects(rules.elements, desired);
  return { ...rules, commit, incomplete, tables: known ? tables : undefined };
}

/** The commits up to the one at `through`, from the newest one that made the tables; all that are kept where none did. */
function commitsOfTables(past: Past, through: number): PlacedCommit[] {
  let found: PlacedCommit[] = [];
  let end = through + 1;
  for (const first of past.segments().filter((first) => first <= through).reverse()) {
    const commits = [...commitsBetween(past, first, end)];
    const made = commits.findLastIndex(({ record }) => makesTables(record));
    found = [...commits.slice(Math.max(made, 0)), ...found];
    if (made >= 0) return found;
    end = first;
  }
  return found;
}

function* commitsBetween(past: Past, from: number, end: number): Generator<PlacedCommit> {
  for (const { offset, record } of past.records(from, end - 1)) {
    if (record.kind === "commit" && record.outcome === "committed") yield { offset, record };
  }
}

/** A batch that makes the tables has hundreds of operations more than its changes need; a takeover and a position four. */
const OTHER_OPERATIONS_MAX = 16;

function makesTables({ changes, changesOmitted, operations }: CommitRecord): boolean {
  const needed = changes.reduce((sum, change) => sum + operationsOf(change), 0);
  return changesOmitted === 0 && operations > needed + OTHER_OPERATIONS_MAX;
}

/** Most operations that a change can need: an object that is made anew is deleted first. */
function operationsOf(change: CommittedChange): number {
  const { value = "" } = change;
  return objectNoun(setOf(change)) === undefined ? 1 : 1 + operationsOfObject(value);
}

function noElements(): RecordedRules["elements"] {
  return new Map();
}

/** The set of a recorded change. */
function setOf({ set }: CommittedChange): SetPath {
  const { family, table, name } = splitSetPath(set);
  return setPath(family, table, name);
}

function whyNoBeginning(past: Past, first: PlacedCommit | undefined): string | undefined {
  if (first !== undefined && makesTables(first.record)) return undefined;
  return `no commit that is kept, from @${past.first()} on, recorded all elements of its tables`;
}

function whyNotAll(offset: number, { changesOmitted }: CommitRecord): string | undefined {
  return changesOmitted === 0 ? undefined : `@${offset} leaves out ${changesOmitted} of its changes`;
}

/** Applies recorded changes, and returns them as a delta. */
function applyChanges(
  { elements, causes }: Pick<RecordedRules, "elements" | "causes">,
  changes: readonly CommittedChange[],
): Delta {
  return changes.map((change): ElementChange => {
    const [set, key] = [setOf(change), canonicalKey(change.key)];
    const { value, comment } = change;
    const element: Element = {
      key,
      ...(value === undefined ? {} : { value }),
      ...(comment === undefined ? {} : { comment }),
    };
    if (!elements.has(set)) elements.set(set, new Map());
    if (!causes.has(set)) causes.set(set, new Map());
    if (change.verb === "delete") {
      elements.get(set)!.delete(key);
      causes.get(set)!.delete(key);
      return { set, key, before: element, after: undefined };
    }
    elements.get(set)!.set(key, element);
    causes.get(set)!.set(key, change.cause);
    return { set, key, before: undefined, after: element };
  });
}

function undone({ set, key, before, after }: ElementChange): ElementChange {
  return { set, key, before: after, after: before };
}

/** Chains and sets of Services are recorded as text. Gives them the definitions that have this text in this version. */
function defineObjects(
  elements: RecordedRules["elements"],
  desired: ClusterState["desired"],
): string | undefined {
  for (const [set, keyed] of elements) {
    if (objectNoun(set) === undefined) continue;
    for (const [key, { value }] of keyed) {
      const now = desired.get(set)?.get(key);
      if (now?.value !== value) return `${objectNoun(set)} ${key} is recorded as text alone`;
      keyed.set(key, now!);
    }
  }
  return undefined;
}

/** Tables and elements that a packet can be traced through. Throws {@link NotRecorded} where not all of them are known. */
export function wholeRules({ state, recorded }: PastState): Rules {
  if (recorded === undefined) return state;
  const { tables, incomplete, elements } = recorded;
  if (tables !== undefined && incomplete === undefined) return { tables, desired: elements };
  throw new NotRecorded(
    `${madeByAnother(recorded)}, and ${
      incomplete ?? "its chains are not recorded"
    }: where its rules led cannot be said. ${OTHER_QUESTIONS}`,
  );
}

/** What can be asked where no packet can be traced. */
const OTHER_QUESTIONS =
  "`services` and `endpoints` print the endpoints of that time, `blame` the recorded elements, `log` what changed";

/** Why elements of `recorded` may be missing, for people. */
export function incompleteText(recorded: RecordedRules): string {
  return `${madeByAnother(recorded)}; ${recorded.incomplete}, so elements may be missing here`;
}

/** `another version of the program (fold 1) made the rules of @47`. */
export function madeByAnother({ commit: { offset, record: { fold } } }: RecordedRules): string {
  const version = fold === undefined ? "up to 0.6.0" : `fold ${fold}`;
  return `another version of the program (${version}) made the rules of @${offset}`;
}
