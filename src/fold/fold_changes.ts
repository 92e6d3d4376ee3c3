// What folding records changed. `foldRecord` adds to one value for as many records as its caller passes it to, so that
// an append of a thousand events makes one set of maps and copies nothing of the state.
//
// What a person is to read depends on the difference between the state before the first record and the state after the
// last: a conflict that begins and ends in between is not worth a line. So the maps of that kind keep what was there
// before, and `remarks` compares it with the state. They are made when they are needed: most records need none.

import type { ServiceName } from "../kube/service_name.ts";
import type { Offset } from "../ledger/record.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { ClusterState } from "./cluster_state.ts";
import type { UdpFrontend } from "./service_program.ts";
import type { Restoring } from "./restoring.ts";
import type { GuardedFrontend } from "./tightened.ts";

/** Changed in place by `foldRecord` alone. */
export interface FoldChanges {
  /** Whether `touched` is kept. A commit of every element needs no list of those that changed, and history commits none. */
  readonly notesTouched: boolean;
  /** Elements that changed, with their cause: the record that last changed each. */
  readonly touched: Map<SetPath, Map<ElementKey, Offset>>;
  /** UDP frontends whose flows may lead to an endpoint that no longer serves them, by claim, with those that serve now. */
  readonly staleFlows: Map<string, UdpFrontend>;
  /** Frontends whose guard lets fewer sources through than before, by claim. */
  readonly tightened: Map<string, GuardedFrontend>;
  /** Claims to frontends that became contested, or are no longer contested: whether each was contested before. */
  conflicts: Map<string, boolean> | undefined;
  /** ServicePorts with more endpoints than slots, now or before: how many got none before. */
  omissions: Map<string, number | undefined> | undefined;
  /** Services that were set aside, or are served again: whether each was set aside before. */
  setAside: Map<ServiceName, boolean> | undefined;
  /** Services of which parts are left out, now or before: which parts before. */
  leftOut: Map<ServiceName, readonly string[] | undefined> | undefined;
}

/** The record that is being folded: the state that it changes, its offset, and where its changes are noted. */
export interface Folding {
  readonly state: ClusterState;
  readonly offset: Offset;
  readonly changes: FoldChanges;
  /** Where the state is made from a snapshot. No commit follows from its elements, so they are not noted as touched. */
  readonly restores?: Restoring;
}

/** The value before any record; `notesTouched` is false where no elements need be noted. */
export function noChanges(notesTouched = true): FoldChanges {
  return {
    notesTouched,
    touched: new Map(),
    staleFlows: new Map(),
    tightened: new Map(),
    conflicts: undefined,
    omissions: undefined,
    setAside: undefined,
    leftOut: undefined,
  };
}

/** `map` with what `key` was before its first change; a later change leaves that as it is. */
export function noteBefore<Key, Value>(
  map: Map<Key, Value> | undefined,
  key: Key,
  before: Value,
): Map<Key, Value> {
  if (map === undefined) return new Map([[key, before]]);
  if (!map.has(key)) map.set(key, before);
  return map;
}

/** Enters that the record at `cause` changed the element at `key` of `path`. */
export function touch(
  touched: Map<SetPath, Map<ElementKey, number>>,
  path: SetPath,
  key: ElementKey,
  cause: number,
): void {
  const keys = touched.get(path);
  if (keys === undefined) touched.set(path, new Map([[key, cause]]));
  else keys.set(key, cause);
}
