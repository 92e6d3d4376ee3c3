// The engine: stepEngine(state, input) -> effects. It decides what is appended, when to commit and what a rejection means,
// and executes nothing itself. This file dispatches; `batch.ts` and `appended.ts` take records in, `commit.ts` commits,
// `listing.ts` adopts what the kernel holds.

import { assert, unreachable } from "../invariant.ts";
import { foldAppended, noteAllFlows } from "./appended.ts";
import { admitBatch, takePortion } from "./batch.ts";
import { noteCommitted, noteRejected, planCommit } from "./commit.ts";
import { type Effect, warning } from "./effect.ts";
import type { EngineState } from "./engine_state.ts";
import { programText } from "./healer.ts";
import type { Input } from "./input.ts";
import { adoptFound, adoptListing, adoptUnreadable, adoptUntouched, noteUnlisted } from "./listing.ts";
import { nothingGathered } from "./sync_report.ts";

export type { Effect } from "./effect.ts";
export { type EngineState, newEngine } from "./engine_state.ts";
export type { Input } from "./input.ts";

/**
 * Applies one input to `state` and returns what must be done. Throws only InvariantError. Positions are promises:
 * appended >= folded >= planned >= committed, and appended >= durable, asserted after every step. Durable is beside the others:
 * rules do not wait for a disk.
 */
export function stepEngine(state: EngineState, input: Input): Effect[] {
  const effects = dispatch(state, input);
  const { appendedOffset, durableOffset, plannedOffset, committedOffset, cluster } = state;
  assert(
    appendedOffset >= durableOffset,
    () => `positions out of order: appended ${appendedOffset}, durable ${durableOffset}`,
  );
  assert(
    appendedOffset >= cluster.folded && cluster.folded >= plannedOffset && plannedOffset >= committedOffset,
    () =>
      `positions out of order: appended ${appendedOffset}, folded ${cluster.folded}, planned ${plannedOffset}, committed ${committedOffset}`,
  );
  return effects;
}

function dispatch(state: EngineState, input: Input): Effect[] {
  switch (input.kind) {
    case "opened":
      return beginAppending(state, input);
    case "listed":
      state.unlisted = false;
      state.foreignAtListing = input.foreign;
      return adoptListing(state, input.ruleset, input.startedAt);
    case "untouched":
      return adoptUntouched(state, input.position);
    case "unlisted":
      return noteUnlisted(state, input);
    case "unreadable":
      state.unlisted = false;
      return adoptUnreadable(state, input.tables);
    case "found":
      return adoptFound(state, input.delta);
    case "drift":
      return recordDrift(input);
    case "takeover":
      state.takeover = input.tables;
      return [];
    case "batch":
      return admitBatch(state, input.batch);
    case "untaken":
      return takePortion(state, input.all);
    case "appended":
      return foldAppended(state, input.first, input.records);
    case "durable":
      state.durableOffset = input.offset;
      return [];
    case "sync":
      return planCommit(state, input.advances);
    case "committed":
      return noteCommitted(state, input.receipt, input.time);
    case "rejected":
      return noteRejected(state, input);
    default:
      return unreachable(input);
  }
}

/** The ledger was read and folded. Its counts are those of the process that wrote it. */
function beginAppending(
  state: EngineState,
  { ledger, flags, complete, othersServe, gap }: Input & { readonly kind: "opened" },
): Effect[] {
  state.ledger = ledger;
  state.tableFlags = flags ?? [];
  // A ledger that was committed from holds a whole cluster, so it is served while no API server can be reached. Rules of a proxy that
  // ran meanwhile are newer.
  state.synced = othersServe !== true && (complete === true || state.cluster.committed !== undefined);
  // Those that old records were about are of no use: their frontends may be gone for long.
  state.staleFlows.clear();
  state.tightened.clear();
  noteAllFlows(state);
  state.gathered = nothingGathered();
  if (gap === undefined) return [];
  if (gap.committed) {
    state.unknownPast = true;
    state.synced = false;
  }
  const { time, reason, records } = gap;
  return [{ kind: "append", records: [{ kind: "gap", time, reason, records }] }];
}

function recordDrift(
  { process, pid, changes, response, time }: Input & { readonly kind: "drift" },
): Effect[] {
  return [
    warning(`${programText({ process, pid })} changed our tables: ${changes.join(", ")}; ${response}`),
    { kind: "append", records: [{ kind: "drift", time, process, pid, changes, response }] },
  ];
}
