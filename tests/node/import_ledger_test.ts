// A ledger that is made of recordings, and the writers that audit logs add to it.

import assert from "node:assert/strict";
import { readRecording } from "../../src/ingest/recording_forms.ts";
import { auditedWrites } from "../../src/ingest/audit_log.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { joinAudit, makeLedger, type RecordingFile } from "../../src/node/import_ledger.ts";

const AUDIT = Deno.readTextFileSync(new URL("../../fixtures/imports/audit.ndjson", import.meta.url));
const recording = (text: string): RecordingFile => ({ path: "audit.ndjson", ...readRecording(text) });

Deno.test("a ledger has the events and times of its recordings; a folder with a ledger is refused, and so is no event", () => {
  const folder = Deno.makeTempDirSync();
  const { events, commits, times } = makeLedger(folder, [recording(AUDIT)], "node-a");
  assert.ok(events > 0 && commits > 0 && times[0] < times[1], `${events} events, ${commits} commits`);
  const records = [...openPast(folder).records()].filter(({ record }) => record.kind === "event");
  assert.deepEqual([records.length, records.at(-1)?.record.time], [events, times[1]]);
  assert.throws(
    () => makeLedger(folder, [recording(AUDIT)], ""),
    /it has a ledger already; give a folder that is new or empty/,
  );
  const none = { path: "none", form: "", events: [], problems: [], notes: [] };
  assert.throws(() => makeLedger(folder, [none], ""), /none: no event of a kind that decides rules/);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("an audit log adds the writers of events, and none that are known are lost", () => {
  const folder = Deno.makeTempDirSync();
  const { events } = makeLedger(folder, [recording(AUDIT)], "");
  const past = openPast(folder);
  const writes = [...auditedWrites(AUDIT, () => {})];
  const joined = joinAudit(folder, past, writes);
  assert.equal(joined.events, events);
  assert.ok(joined.known > 0);
  assert.equal(openPast(folder).writers().size, joined.known);
  assert.deepEqual(joinAudit(folder, openPast(folder), []), joined);
  Deno.removeSync(folder, { recursive: true });
});
