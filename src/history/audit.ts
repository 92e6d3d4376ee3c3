// The trail for an auditor: every record of a range in one form, in order: who did what to which object, when, and by which evidence.
// The hash chain is proven while it is read, so no row is made of a record that was altered.

import { countText } from "../count_text.ts";
import { restoredState } from "../fold/snapshot.ts";
import { describeKey } from "../kube/objects.ts";
import type { CommitRecord, LedgerRecord } from "../ledger/record.ts";
import type { TornTail } from "../ledger/segment.ts";
import type { ApiWriter } from "../ledger/writers_file.ts";
import type { Past } from "./past.ts";
import { foldedText } from "./record_words.ts";
import type { Span } from "./window.ts";

/** One row of the trail. */
export interface AuditEntry {
  /** Offset of the record. */
  readonly offset: number;
  /** When the record was made: an event arrived, the kernel answered. RFC 3339, UTC. */
  readonly time: string;
  /** `API server`: a change that it reported. `proxy`: what this program did. `other program`: a change of our tables. */
  readonly source: "API server" | "proxy" | "other program";
  /** Who: the last manager of the object, a process with its id, or this program with its version; "" where it is not recorded. */
  readonly who: string;
  /** The user of the API that wrote the object, where an audit log was imported; else null. The ledger did not sign this. */
  readonly writer: ApiWriter | null;
  /** What was done. `written`: the ledger does not have the past that would show whether the object was new. */
  readonly what: AuditedAction;
  /** `Service shop/web`, `rules`, `ledger`. */
  readonly object: string;
  /** More about it, in words; "" for none. */
  readonly detail: string;
  /** What shows it. */
  readonly evidence: AuditEvidence;
}

/** What may be done. */
export type AuditedAction =
  | ("created" | "changed" | "deleted" | "written")
  | ("configured" | "committed" | "rejected" | "altered" | "signed" | "lost");

/** What shows that a record is what was written, and that it had an effect. */
export interface AuditEvidence {
  /** The hash chain after the record, 64 hex digits. */
  readonly chain: string;
  /** Version of the object, where the API server gave one; else "". */
  readonly resourceVersion: string;
  /** Identity of the object, where it is known; else "". */
  readonly uid: string;
  /** The commit that brought its rules into the kernel; null for none, and for other records than events and configurations. */
  readonly commit: number | null;
  /** The first checkpoint that signs the record; null where none does yet. */
  readonly checkpoint: number | null;
}

/** The offsets of the commits and checkpoints behind a place, found before the trail is made. */
interface Landmarks {
  /** Ascending. */
  readonly checkpoints: readonly number[];
  /** Accepted commits: the last record that each is of, and its own offset; ascending. */
  readonly commits: readonly (readonly [through: number, offset: number])[];
}

/**
 * The rows of the records in `span`. Returns a tail that is not whole, where it ends there: a crash leaves one, and so does a change of
 * the last record. Throws LedgerDamage where the hash chain cannot be proven, behind the rows before it.
 */
export function* auditTrail(
  past: Past,
  { from, through }: Span,
): Generator<AuditEntry, TornTail | undefined> {
  const landmarks = landmarksBehind(past, from);
  const snapshot = past.snapshotBefore(from);
  const begin = snapshot !== undefined && snapshot.next >= past.first() ? snapshot : undefined;
  const known = new Set<string>();
  if (begin !== undefined) {
    for (const { kind, metadata: { namespace = "", name } } of restoredState(begin.lines).objects.values()) {
      known.add(describeKey({ kind, namespace, name }));
    }
  }
  const writers = past.writers();
  const isComplete = begin !== undefined || past.first() === 0;
  const proof = past.prove(begin);
  let step = proof.next();
  let read = -1;
  for (; !step.done && step.value.offset <= through; step = proof.next()) {
    const { offset, record, chain } = step.value;
    read = offset;
    const row = rowOf(record, known, isComplete);
    if (offset < from) continue;
    const writer = writers.get(offset) ?? null;
    yield {
      offset,
      time: record.time,
      ...row,
      writer,
      evidence: evidenceOf(landmarks, offset, record, chain),
    };
  }
  const end = step.done ? step.value : undefined;
  if (end?.kind === "damaged" && read < through) throw end.damage;
  return end?.kind === "torn" ? end.torn : undefined;
}

/** A row without its place and its evidence. Notes in `known` which objects there are. */
function rowOf(
  record: LedgerRecord,
  known: Set<string>,
  isComplete: boolean,
): Omit<AuditEntry, "offset" | "time" | "writer" | "evidence"> {
  switch (record.kind) {
    case "event": {
      const object = describeKey(record.key);
      const wasThere = known.has(object);
      if (record.value === null) known.delete(object);
      else known.add(object);
      const [writer] = record.value?.metadata.managedFields ?? [];
      const written = wasThere ? "changed" : isComplete ? "created" : "written";
      const what = record.value === null ? "deleted" : written;
      return { source: "API server", who: writer?.manager ?? "", what, object, detail: "" };
    }
    case "config":
      return {
        ...{ source: "proxy", who: `ledgerproxy ${record.version}`, what: "configured" },
        ...{ object: `Node ${record.nodeName}`, detail: JSON.stringify(record.proxy ?? {}) },
      };
    case "commit":
      return { source: "proxy", who: "ledgerproxy", object: "rules", ...commitWords(record) };
    case "drift": {
      const { process, pid, changes, response } = record;
      const detail = `${changes.join(", ")}; ${response}`;
      if (pid === 0) return { source: "API server", who: "", what: "altered", object: "list", detail };
      return {
        ...{ source: "other program", who: `${process || "an unknown program"} (process ${pid})` },
        ...{ what: "altered", object: "rules", detail },
      };
    }
    case "gap": {
      const what = record.checkpoint === undefined ? "lost" : "signed";
      return { source: "proxy", who: "ledgerproxy", what, object: "ledger", detail: record.reason };
    }
  }
}

function commitWords(record: CommitRecord): Pick<AuditEntry, "what" | "detail"> {
  const { outcome, changes, changesOmitted, error, digest } = record;
  const count = changes.length + changesOmitted;
  const because = `${countText(count, "changed element")} for ${foldedText(record)}`;
  if (outcome === "rejected") return { what: outcome, detail: `${because}: ${error ?? ""}` };
  return { what: outcome, detail: `${because}; digest ${digest}` };
}

function landmarksBehind(past: Past, from: number): Landmarks {
  const checkpoints: number[] = [];
  const commits: [number, number][] = [];
  const counted = past.progress("records read for the trail");
  // The proof that follows finds the damage too, behind the rows before it.
  past.damageIn(() => {
    for (const { offset, record } of past.records(from)) {
      if (record.kind === "gap" && record.checkpoint !== undefined) checkpoints.push(offset);
      if (record.kind === "commit" && record.outcome === "committed") commits.push([record.through, offset]);
      counted(offset + 1);
    }
  });
  return { checkpoints, commits };
}

function evidenceOf(
  { checkpoints, commits }: Landmarks,
  offset: number,
  record: LedgerRecord,
  chain: string,
): AuditEvidence {
  const isInput = record.kind === "event" || record.kind === "config";
  const commit = isInput ? commits[firstAtLeast(commits, offset, ([through]) => through)]?.[1] : undefined;
  const checkpoint = checkpoints[firstAtLeast(checkpoints, offset + 1, (at) => at)];
  const event = record.kind === "event" ? record : undefined;
  return {
    chain,
    resourceVersion: event?.resourceVersion ?? "",
    uid: event?.value?.metadata.uid ?? "",
    commit: commit ?? null,
    checkpoint: checkpoint ?? null,
  };
}

/** Index of the first of `sorted` whose number is at least `least`; its length where there is none. */
function firstAtLeast<T>(sorted: readonly T[], least: number, of: (one: T) => number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (of(sorted[middle]!) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
