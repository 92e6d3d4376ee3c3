// Finds the cause of an element, the record that made it what it is, and the commit that brought that record to the kernel.

import { TRIGGER } from "../kube/objects.ts";
import type { LedgerDamage } from "../ledger/damage.ts";
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

/** The record at `offset` as a cause. Retention may have removed it, or it is damaged: then its offset is all that is left. */
export function causeAt(lookup: Lookup, offset: number): Cause {
  const read = readAt(lookup, offset);
  if (isDamage(read)) {
    return { offset, what: `a record that cannot be read: ${read.message}`, time: "" };
  }
  const { record: found, writer } = read ?? {};
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

/**
 * The commit that brought the record at `offset` to the kernel; undefined where none did, and the damage where the record is damaged that
 * may be this commit.
 */
export function commitOf(lookup: Lookup, offset: number): PlacedCommit | LedgerDamage | undefined {
  let damage: LedgerDamage | undefined;
  for (let at = offset;; at++) {
    const found = readAt(lookup, at);
    if (found === undefined) return damage;
    if (isDamage(found)) {
      // More than one record: perhaps the whole rest of the segment.
      if (damage !== undefined) return damage;
      damage = found;
      continue;
    }
    const commit = committed(found);
    if (commit === undefined) continue;
    const { from, through } = commit.record;
    if (from <= offset && offset <= through) return commit;
    if (from > offset && damage !== undefined) return damage;
  }
}

/** The last commit before `offset` that the kernel accepted; undefined where it is not kept, or cannot be read. */
export function commitBefore(lookup: Lookup, offset: number): PlacedCommit | undefined {
  for (let at = offset - 1;; at--) {
    const found = readAt(lookup, at);
    if (found === undefined || isDamage(found)) return undefined;
    const commit = committed(found);
    if (commit !== undefined) return commit;
  }
}

/** The version of the fold that made the next commit that can be read, from `offset` on, or else the one before it; undefined without one. */
export function foldAround(
  lookup: Lookup,
  offset: number,
): { readonly fold: number | undefined } | undefined {
  for (const step of [1, -1]) {
    for (let [at, damages] = [offset, 0]; damages < 2; at += step) {
      const found = readAt(lookup, at);
      if (found === undefined) break;
      if (isDamage(found)) damages++;
      else {
        const commit = committed(found);
        if (commit !== undefined) return { fold: commit.record.fold };
      }
    }
  }
  return undefined;
}

/** Whether `thrown` is damage of the ledger. It is known by its name: this room has no code of the ledger's. */
export function isDamage(thrown: unknown): thrown is LedgerDamage {
  return thrown instanceof Error && thrown.name === "LedgerDamage";
}

/** The record at `offset`, or the damage for which it cannot be read. */
function readAt(lookup: Lookup, offset: number): Placed | LedgerDamage | undefined {
  try {
    return lookup(offset);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return error;
  }
}

/** `placed` as a commit that the kernel accepted; undefined where it is none. */
function committed({ offset, record }: Placed): PlacedCommit | undefined {
  return record.kind === "commit" && record.outcome === "committed" ? { offset, record } : undefined;
}

/** The place of `commit`. */
export function placeOf({ offset, record: { time, generation } }: PlacedCommit): CommitPlace {
  return { offset, time, generation };
}
