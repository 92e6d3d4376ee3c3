// From what the kernel holds at a start, after a rejection or after another program's change, to what the engine plans
// from. The kernel is not read on the steady path: the engine knows what it committed.

import { assert } from "../invariant.ts";
import { ElementMap } from "../fold/element_map.ts";
import { touch } from "../fold/fold_changes.ts";
import { separated } from "../nft/objects.ts";
import type { TableName } from "../kernel/kernel.ts";
import { type Elements, type Ruleset, sameElement } from "../nft/ruleset.ts";
import { applyDelta, copyOf, type Delta, diff, type MutableElements } from "../plan/delta.ts";
import { advanceDigest, digestText, rulesetDigest, tablesDigest } from "../plan/digest.ts";
import { type Position, POSITION_PATH, positionElement, positionOf } from "../plan/position.ts";
import {
  disagreement,
  disagreementRecord,
  disagreementText,
  isUnknownPast,
  type ListedRules,
} from "../plan/disagreement.ts";
import { noteAllFlows } from "./appended.ts";
import { type Effect, warning } from "./effect.ts";
import type { EngineState } from "./engine_state.ts";
import type { Input } from "./input.ts";
import { toBeRebuilt } from "./kernel_tables.ts";

/** Adopts a listing of our tables. `startedAt` is given at a start: a disagreement with the ledger is recorded then. */
export function adoptListing(
  state: EngineState,
  ruleset: Ruleset,
  startedAt: string | undefined,
): Effect[] {
  const { tables, elements } = separated(ruleset);
  const listed = { tables, elements, digest: rulesetDigest(tables, elements) };
  const effects = startedAt === undefined ? [] : recordDisagreement(state, listed, startedAt);
  adopt(state, listed);
  return effects;
}

/** Adopts elements that the kernel holds otherwise than was committed. */
export function adoptFound(state: EngineState, delta: Delta): Effect[] {
  const { tables, cluster, touched } = state;
  assert(tables.kind === "in place", "elements were found of tables that are not in place");
  applyDelta(tables.elements, delta);
  const digest = advanceDigest(tables.digest, delta);
  const positioned = tables.positioned && delta.every(({ set }) => set !== POSITION_PATH);
  // Other elements may be different too.
  state.tables = { ...tables, listed: false, digest, positioned };
  for (const { set, key } of delta) if (set !== POSITION_PATH) touch(touched, set, key, cluster.folded);
  noteAllFlows(state);
  return [];
}

/**
 * Adopts what the last commit put into the kernel, without a listing: it is what the ledger wants. If the ledger wants
 * something else by now, because of records after that commit or another version of this program, the kernel is listed.
 */
export function adoptUntouched(state: EngineState, position: Position): Effect[] {
  const { tables, desired } = state.cluster;
  const digest = rulesetDigest(tables, desired);
  if (position.ledger !== state.ledger || position.digest !== digestText(digest)) return [{ kind: "list" }];
  const element = positionElement(position);
  const elements = copyOf(desired);
  elements.set(POSITION_PATH, new ElementMap([element]));
  state.tables = { kind: "in place", listed: false, elements, digest, positioned: true };
  state.plannedOffset = state.committedOffset = position.offset;
  return [];
}

/**
 * Our tables hold what this program never writes: they are to be rebuilt. Where this ledger never led to rules, they follow another
 * one, perhaps that of a later version. Then they stay until a source has sent a list.
 */
export function adoptUnreadable(state: EngineState, tables: readonly TableName[]): Effect[] {
  state.tables = toBeRebuilt(state.tables, tables, true);
  if (tables.length > 0 && state.cluster.committed === undefined) awaitList(state);
  return [];
}

/** What the kernel holds is not known: no commit can be planned. It counts as a rejected one, so it is retried and reported. */
export function noteUnlisted(
  state: EngineState,
  { error, at }: Input & { readonly kind: "unlisted" },
): Effect[] {
  state.unlisted = true;
  state.rejections++;
  state.rejectedSince ??= at;
  return [warning(`${error}. The rules stay as they were until that succeeds`)];
}

/** The rules in the kernel follow records that are not in the ledger. */
function awaitList(state: EngineState): void {
  state.unknownPast = true;
  state.synced = false;
}

function recordDisagreement(state: EngineState, listed: ListedRules, time: string): Effect[] {
  const { cluster, ledger, appendedOffset } = state;
  const recorded = { ledger, end: appendedOffset, committed: cluster.committed, gap: cluster.gap };
  const kind = disagreement(recorded, listed);
  if (kind === undefined) return [];
  if (isUnknownPast(kind, recorded)) awaitList(state);
  return [
    warning(disagreementText(kind)),
    { kind: "append", records: [disagreementRecord(kind, recorded, listed, time)] },
  ];
}

/** Adopts the elements where the skeleton is the desired one. Other tables are rebuilt: they have other sets. */
function adopt(state: EngineState, listed: ListedRules): void {
  const { cluster, ledger } = state;
  if (digestText(tablesDigest(listed.tables)) !== digestText(tablesDigest(cluster.tables))) {
    state.tables = toBeRebuilt(state.tables, listed.tables, true, listed.elements);
    return;
  }
  const elements = sharing(listed.elements, cluster.desired);
  const position = positionOf(elements);
  // A position of records that were lost says nothing of those that have their offsets now: the next commit replaces it.
  const ours = position?.ledger === ledger && position.offset <= cluster.folded &&
    position.offset < (cluster.gap ?? Infinity);
  const positioned = ours && position.digest === digestText(listed.digest);
  state.tables = { kind: "in place", listed: true, elements, digest: listed.digest, positioned };
  if (ours) state.plannedOffset = state.committedOffset = position.offset;
  const differing = diff(elements, cluster.desired).filter(({ set }) => set !== POSITION_PATH);
  for (const { set, key } of differing) touch(state.touched, set, key, cluster.folded);
  if (differing.length > 0) noteAllFlows(state);
}

/** A copy of `elements` that shares each element equal to a desired one: two copies of a cluster are one too many. */
function sharing(elements: Elements, desired: Elements): MutableElements {
  return new Map([...elements].map(([path, set]) => {
    const wanted = desired.get(path);
    const shared = [...set.values()].map((element) => {
      const same = wanted?.get(element.key);
      return same !== undefined && sameElement(same, element) ? same : element;
    });
    return [path, new ElementMap(shared)];
  }));
}
