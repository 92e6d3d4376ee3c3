// Finds the cause of an element, the record that made it what it is, and the commit that brought that record to the kernel.

import { TRIGGER } from "../kube/objects.ts";
import type { Placed } from "../ledger/reader.ts";
import type { CommitRecord, LedgerRecord } from "../ledger/record.ts";
import type { ApiWriter } from "../ledger/writers_file.ts";
import type { ElementKey, SetPath } from "../nft/ruleset.ts";
import type { Lookup, PastState } from "./past.ts";
import { describeRecord } from "./record_words.ts";

/** A record that changed an element. */
export interface Cause {
  /** Offset of the record. */
  readonly offset: number;
  /** `EndpointSlice shop/web-a (deleted)`. */
  readonly what: string;
  /** When it arrived, RFC 3339; "" where retention has removed the record. */
  readonly time: string;
  /** Version of the object, where the API server gave one. */
  readonly resourceVersion?: string;
  /** Of an EndpointSlice: when the change of pods or Service that led to it began, RFC 3339. */
  readonly triggered?: string;
  /** Who wrote the object, where an audit log of the API server was imported. */
  readonly writer?: ApiWriter;
}

/** The record of a commit with its offset. */
export interface PlacedCommit extends Placed {
  /** The record itself. */
  readonly record: CommitRecord;
}

/** Where a commit is in the ledger, and which kernel generation it made. */
export interface CommitPlace {
  /** Offset of the commit's record. */
  readonly offset: number;
  /** RFC 3339. */
  readonly time: string;
  /** nf_tables generation. */
  readonly generation: number;
}

/** The record that made the element at `key` of `set` what it is; undefined where no record did. */
export function causeOf(
  { state, recorded, lookup }: PastState,
  set: SetPath,
  key: ElementKey,
): Cause | undefined {
  const offset = (recorded ?? state).causes.get(set)?.get(key);
  return offset === undefined ? undefined : causeAt(lookup, offset);
}

/** The record at `offset` as a cause. Retention may have removed it: then its offset is all that is left. */
export function causeAt(lookup: Lookup, offset: number): Cause {
  const { record: found, writer } = lookup(offset) ?? {};
  if (found === undefined) return { offset, what: "a record that is not kept any more", time: "" };
  const { version, triggered } = versionOf(found);
  return {
    offset,
    what: describeRecord(found),
    time: found.time,
    ...(version === "" ? {} : { resourceVersion: version }),
    ...(triggered === undefined ? {} : { triggered }),
    ...(writer === undefined ? {} : { writer }),
  };
}

function versionOf(record: LedgerRecord): { version: string; triggered?: string | undefined } {
  if (record.kind !== "event") return { version: "" };
  return { version: record.resourceVersion, triggered: record.value?.metadata.annotations?.[TRIGGER] };
}

/** The commit that brought the record at `offset` to the kernel; undefined where none did. */
export function commitOf(lookup: Lookup, offset: number): PlacedCommit | undefined {
  for (let at = offset;; at++) {
    const found = lookup(at);
    if (found === undefined) return undefined;
    const { record } = found;
    if (record.kind !== "commit" || record.outcome !== "committed") continue;
    if (record.from <= offset && offset <= record.through) return { offset: found.offset, record };
  }
}

/** The place of `commit`. */
export function placeOf({ offset, record: { time, generation } }: PlacedCommit): CommitPlace {
  return { offset, time, generation };
}
