// The shape of records: a line with the right CRC and chain may still hold what no version of this program wrote. It is
// damage with the name of its field, never an error in the middle of the fold.

import {
  and,
  byTag,
  COUNT,
  fields,
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
import { PLACE, STORED_CONFIG, STORED_EVENT } from "../kube/stored_shapes.ts";
import type { CommitRecord, LedgerRecord } from "./record.ts";

const HASH = matching("64 hex digits", /^[0-9a-f]{64}$/);

const CHANGE = fields(
  { verb: oneOf("add", "delete"), set: TEXT, key: TEXT, cause: PLACE },
  { value: TEXT, comment: TEXT },
);

const commit = and(
  fields({
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
  }, { error: TEXT, fold: COUNT, setAside: matching("the name of a Service", /^[^/]+\/[^/]+$/) }),
  that(
    "a commit of records in order",
    (value) => (value as CommitRecord).from <= (value as CommitRecord).through + 1,
  ),
);

const RECORD = byTag("kind", {
  event: and(fields({ time: TIME }), STORED_EVENT),
  config: fields({ time: TIME, version: TEXT, nodeName: TEXT }, { proxy: STORED_CONFIG }),
  commit,
  drift: fields({ time: TIME, process: TEXT, pid: WHOLE, changes: listOf(TEXT), response: TEXT }),
  gap: fields({ time: TIME, reason: TEXT, records: WHOLE }, {
    salvaged: fields({ snapshot: nullable(COUNT), records: COUNT, complete: FLAG, committed: FLAG }),
  }),
});

const HEADER = fields({
  chain: HASH,
  first: COUNT,
  format: oneOf("ledgerproxy"),
  ledger: matching("16 hex digits", /^[0-9a-f]{16}$/),
  version: COUNT,
});

/** What is wrong with the record that a line holds, or with a commit's relation to its place; undefined when nothing is. */
export function recordMisfit(record: LedgerRecord, offset: number): string | undefined {
  const misfit = RECORD(record);
  if (misfit !== undefined) return `not a record: ${misfitText(misfit)}`;
  if (record.kind !== "commit" || record.through < offset) return undefined;
  return `not a record: .through: ${record.through} is not before the commit itself`;
}

/** What is wrong with a header; undefined when nothing is. */
export function headerMisfit(header: unknown): string | undefined {
  const misfit = HEADER(header);
  return misfit === undefined ? undefined : `not a header: ${misfitText(misfit)}`;
}
