// The window of a ledger that a report shows, and the state at its beginning.

import assert from "node:assert/strict";
import { atOnce } from "../../src/ledger/disk_work.ts";
import { asFolder, type Storage } from "../../src/ledger/storage.ts";
import { snapshotMisfit } from "../../src/fold/snapshot_shape.ts";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { restoredState, type SnapshotLine, snapshotLines } from "../../src/fold/snapshot.ts";
import { parsePosition, type PositionExpression } from "../../src/history/position_expression.ts";
import { windowOf } from "../../src/history/window.ts";
import { ledgerView } from "../../src/ledger/ledger_view.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { retain } from "../../src/ledger/retention.ts";
import { writeSnapshot } from "../../src/ledger/snapshot_writer.ts";
import { LedgerWriter } from "../../src/ledger/writer.ts";
import { REPORT_BYTES_MAX, REPORT_RECORDS } from "../../src/limits/questions.ts";
import { reportData } from "../../src/report/report_data.ts";
import { timelineOf } from "../../src/report/timeline.ts";
import { appears, lines, service, slice } from "../support/cluster_notation.ts";
import { memoryStorage } from "../support/memory_storage.ts";

const RECORDS = 40;
const KEEP_ALL = { bytes: Infinity, milliseconds: Infinity };

/** A record a second from midnight on: a Service, then its slice with another endpoint each time. */
function record(i: number): LedgerRecord {
  const time = new Date(Date.parse("2026-11-23T00:00:00Z") + i * 1000).toISOString();
  if (i === 0) return { kind: "config", time, version: "0", nodeName: "node-a" };
  if (i === 1) return { ...appears(service("shop/web 10.96.0.1 http:80/tcp")), time };
  return { ...appears(slice(`shop/web-a http:8080/tcp 10.244.0.${i}`)), time };
}

/** A ledger of {@link RECORDS} records; with `keep`, what was before that offset is removed. */
function ledger(keep = 0): Storage {
  const storage = memoryStorage();
  using writer = new LedgerWriter(storage, { policy: "never" });
  const state = emptyState();
  for (let i = 0; i < RECORDS; i++) {
    if (keep > 0 && i === keep) {
      writeSnapshot(writer, snapshotLines(state), KEEP_ALL);
    }
    writer.append([record(i)]);
    foldRecord(state, i as Offset, record(i));
  }
  if (keep > 0) atOnce(retain(asFolder(storage), { bytes: 0, milliseconds: Infinity }, { milliseconds: 0 }));
  return storage;
}

function position(text: string): PositionExpression {
  const parsed = parsePosition(text);
  assert.ok(typeof parsed === "object", text);
  return parsed;
}

function window(
  storage: Storage,
  flags: { since?: string; until?: string; records?: number },
  bytes = REPORT_BYTES_MAX,
) {
  const { since, until, records = REPORT_RECORDS } = flags;
  const past = ledgerView<SnapshotLine>(storage, snapshotMisfit);
  const window = windowOf(past, {
    ...(since === undefined ? {} : { since: position(since) }),
    ...(until === undefined ? {} : { until: position(until) }),
    records,
    bytes,
  });
  assert.ok(window !== undefined, "no record");
  const data = reportData(window, past.id(), "0");
  const { first, leftOut: { before, after } } = data;
  return {
    data,
    shown: `@${first} to @${first + data.records.length - 1}, ${before} before, ${after} after`,
  };
}

Deno.test("a report shows the whole ledger, a window by position or time, or the newest records of that", () => {
  const storage = ledger();
  for (
    const [flags, shown] of [
      [{}, "@0 to @39, 0 before, 0 after"],
      [{ since: "@9" }, "@10 to @39, 10 before, 0 after"],
      [
        { since: "2026-11-23T00:00:09.500Z", until: "2026-11-23T00:00:20Z" },
        "@10 to @20, 10 before, 19 after",
      ],
      [{ since: "2020-01-01T00:00:00Z", until: "@3" }, "@0 to @3, 0 before, 36 after"],
      [{ records: 5 }, "@35 to @39, 35 before, 0 after"],
      [{ since: "@9", until: "@20", records: 3.5 }, "@17 to @20, 17 before, 19 after"],
    ] as const
  ) assert.equal(window(storage, flags).shown, shown, JSON.stringify(flags));
});

Deno.test("a window begins with the state there, and has the causes of that state", () => {
  const { data } = window(ledger(), { since: "@9" });
  const state = emptyState();
  for (let i = 0; i < 10; i++) foldRecord(state, i as Offset, record(i));
  assert.deepEqual(lines(restoredState(data.snapshot).desired), lines(state.desired));
  assert.deepEqual(data.causes.map(({ offset, what }) => `@${offset} ${what}`), [
    "@1 Service shop/web",
    // It brought a second endpoint, with which the first one moved from single-endpoints to a slot.
    "@9 EndpointSlice shop/web-a",
  ]);
  assert.equal(data.node, "node-a", "from the configuration before the window");
  const whole = timelineOf(window(ledger(), {}).data);
  assert.deepEqual(
    lines(timelineOf(data).view.elements),
    lines(whole.view.elements),
    "and ends as the whole does",
  );
});

Deno.test("a ledger whose past was removed is shown from the snapshot on", () => {
  const storage = ledger(25);
  assert.equal([...readLedger(storage)][0]!.offset, 25);
  const { data, shown } = window(storage, {});
  assert.equal(shown, "@25 to @39, 0 before, 0 after");
  assert.deepEqual(
    lines(timelineOf(data).view.elements),
    lines(timelineOf(window(ledger(), {}).data).view.elements),
  );
  assert.ok(data.causes.some(({ what }) => what === "a record that is not kept any more"));
});

Deno.test("records beyond what a page can hold are left out, the oldest first", () => {
  const size = JSON.stringify(record(30)).length;
  assert.equal(window(ledger(), {}, 10.5 * size).shown, "@30 to @39, 30 before, 0 after");
  assert.equal(window(ledger(), {}, 1).shown, "@39 to @39, 39 before, 0 after", "never none");
});

Deno.test("no record may be between two positions; one behind the end is wrong", () => {
  assert.throws(() => window(ledger(), { since: "@20", until: "@20" }), /no record/);
  assert.throws(() => window(ledger(), { since: "@20", until: "@10" }), /no record/);
  assert.throws(() => window(ledger(), { until: "@40" }), /the ledger ends at @39/);
});
