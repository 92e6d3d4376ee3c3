// Which record made an element what it is, and which commit brought that record to the kernel.

import { TRIGGER } from "../kube/objects.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord, LedgerRecord, Offset } from "../ledger/record.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { Lookup, PastState } from "./past.ts";
import { describeRecord } from "./record_words.ts";

/** A record that changed an element. */
export interface Cause {
  /** Offset of the record. */
  readonly offset: number;
  /** `EndpointSlice shop/web-a (deleted)`. */
  readonly what: string;
  /** When it arrived, RFC 3339; "" where the record is not kept any more. */
  readonly time: string;
  /** Version of the object, where the API server gave one. */
  readonly resourceVersion?: string;
  /** When the change of pods or Service began that led to an EndpointSlice, RFC 3339. */
  readonly triggered?: string;
}

/** A commit with its place. */
export interface PlacedCommit extends Placed {
  /** What was committed. */
  readonly record: CommitRecord;
}

/** Where a commit is, and which kernel generation it made. */
export interface CommitPlace {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  /** nf_tables generation. */
  readonly generation: number;
}

/** Which record made the element at `key` of `set` what it is; undefined where no record did. */
export function causeOf({ state, record }: PastState, set: SetPath, key: ElementKey): Cause | undefined {
  const offset = state.causes.get(set)?.get(key);
  return offset === undefined ? undefined : causeAt(record, offset);
}

/** The record at `offset` as a cause. */
export function causeAt(record: Lookup, offset: number): Cause {
  const found = record(offset);
  if (found === undefined) return { offset, what: "a record that is not kept any more", time: "" };
  const { version, triggered } = versionOf(found);
  return {
    offset,
    what: describeRecord(found),
    time: found.time,
    ...(version === "" ? {} : { resourceVersion: version }),
    ...(triggered === undefined ? {} : { triggered }),
  };
}

function versionOf(record: LedgerRecord): { version: string; triggered?: string | undefined } {
  if (record.kind !== "event") return { version: "" };
  return { version: record.resourceVersion, triggered: record.value?.metadata.annotations?.[TRIGGER] };
}

/** The commit that brought the record at `offset` to the kernel; undefined where none did. */
export function commitOf(record: Lookup, offset: number): PlacedCommit | undefined {
  for (let at = offset;; at++) {
    const found = record(at);
    if (found === undefined) return undefined;
    if (found.kind !== "commit" || found.outcome !== "committed") continue;
    if (found.from <= offset && offset <= found.through) return { offset: at as Offset, record: found };
  }
}

/** The place of `commit`. */
export function placeOf({ offset, record: { time, generation } }: PlacedCommit): CommitPlace {
  return { offset, time, generation };
}
