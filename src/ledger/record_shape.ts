// The shapes of records and headers. A line whose CRC and chain are right may still hold what no version of this program
// wrote. It is reported as damage, with the name of the wrong field, so that the fold can trust the types of its records.

import { isJsonObject } from "../kube/json_value.ts";
import {
  and,
  byTag,
  COUNT,
  fields,
  fieldsOfType,
  FLAG,
  listOf,
  matching,
  misfitText,
  nullable,
  NUMBER,
  oneOf,
  TEXT,
  that,
  TIME,
  WHOLE,
} from "../kube/shape.ts";
import { BOUNDS, PLACE, STORED_CONFIG, STORED_EVENT } from "../kube/stored_shapes.ts";
import type {
  CommitRecord,
  CommittedChange,
  ConfigRecord,
  DriftRecord,
  GapRecord,
  LedgerRecord,
  SalvagedPast,
} from "./record.ts";

const HASH = matching("64 hex digits", /^[0-9a-f]{64}$/);

const CHANGE = fieldsOfType<CommittedChange>()(
  { verb: oneOf("add", "delete"), set: TEXT, key: TEXT, cause: PLACE },
  { value: TEXT, comment: TEXT },
);

const COMMIT = and(
  fieldsOfType<Omit<CommitRecord, "kind">>()({
    time: TIME,
    from: PLACE,
    through: PLACE,
    digest: HASH,
    outcome: oneOf("committed", "rejected"),
    changes: listOf(CHANGE),
    changesOmitted: COUNT,
    operations: COUNT,
    microseconds: NUMBER,
    generation: COUNT,
  }, {
    error: TEXT,
    fold: COUNT,
    setAside: matching("the name of a Service", /^[^/]+\/[^/]+$/),
    advances: oneOf(true),
    left: COUNT,
  }),
  that(
    "a commit of records in order",
    (value) =>
      isJsonObject(value) && typeof value["from"] === "number" && typeof value["through"] === "number" &&
      value["from"] <= value["through"] + 1,
  ),
);

const RECORD = byTag("kind", {
  event: and(fields({ time: TIME }), STORED_EVENT),
  config: fieldsOfType<Omit<ConfigRecord, "kind">>()({ time: TIME, version: TEXT, nodeName: TEXT }, {
    proxy: STORED_CONFIG,
    bounds: BOUNDS,
  }),
  commit: COMMIT,
  drift: fieldsOfType<Omit<DriftRecord, "kind">>()({
    ...{ time: TIME, process: TEXT, pid: WHOLE, changes: listOf(TEXT), response: TEXT },
  }, {}),
  gap: fieldsOfType<Omit<GapRecord, "kind">>()({ time: TIME, reason: TEXT, records: WHOLE }, {
    salvaged: fieldsOfType<SalvagedPast>()({
      ...{ snapshot: nullable(COUNT), records: COUNT, complete: FLAG, committed: FLAG },
    }, {}),
    checkpoint: TEXT,
  }),
});

const HEADER = fields({
  chain: HASH,
  first: COUNT,
  format: oneOf("ledgerproxy"),
  ledger: matching("16 hex digits", /^[0-9a-f]{16}$/),
  version: COUNT,
});

/** The first line of a segment. */
export interface SegmentHeader {
  /** Id of the ledger, 16 hex digits. */
  readonly ledger: string;
  /** Offset of the segment's first record. */
  readonly first: number;
  /** Hash chain before that record, 64 hex digits. */
  readonly chain: string;
}

/** `value` as the record at `offset`, or the reason why it is none. A commit can only be of records before it. */
export function checkedRecord(value: unknown, offset: number): LedgerRecord | string {
  const misfit = RECORD(value);
  if (misfit !== undefined) return `not a record: ${misfitText(misfit)}`;
  // The fields of RECORD are those of the types of records, which the compiler checks.
  const record = value as LedgerRecord;
  if (record.kind !== "commit" || record.through < offset) return record;
  return `not a record: .through: ${record.through} is not before the commit itself`;
}

/** `value` as a header, or the reason why it is none. */
export function checkedHeader(value: unknown): SegmentHeader | string {
  if (value === undefined) return "not a header: not JSON";
  const misfit = HEADER(value);
  return misfit === undefined ? value as SegmentHeader : `not a header: ${misfitText(misfit)}`;
}
