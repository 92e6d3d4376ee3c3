// The log line of a sync.

import assert from "node:assert/strict";
import { syncLine, SyncLines } from "../../src/node/sync_line.ts";
import type { SyncReport } from "../../src/engine/sync_report.ts";

const reportOf = (fields: Partial<SyncReport>) => {
  const report = {
    position: 142,
    records: 12,
    operations: 8,
    microseconds: 214,
    services: [],
    rebuilt: false,
    ...fields,
  };
  return report as unknown as SyncReport;
};
const line = (fields: Partial<SyncReport>) => syncLine(reportOf(fields));

Deno.test("position, counts, the time in the kernel and the first ServicePorts", () => {
  assert.equal(
    line({ services: ["a/a:x", "a/b:x", "a/c:x", "a/d:x", "a/e:x"] }),
    "@142  12 records  8 operations  214 us  a/a:x, a/b:x, a/c:x and 2 more",
  );
  assert.equal(
    line({ records: 1, operations: 0, microseconds: 1234 }),
    "@142  1 record  0 operations  1,234 us  ",
  );
  assert.match(line({ microseconds: 21_234_567.4 }), / {2}21,234,567 us/);
  assert.match(line({ rebuilt: true, services: ["a/a:x"] }), / {2}skeleton written, a\/a:x$/);
});

Deno.test("a commit after a quiet second has its line at once; those that follow it share one, and none is lost", () => {
  const lines = new SyncLines(1000);
  const next = (position: number, now: number, fields: Partial<SyncReport> = {}) =>
    lines.next(
      reportOf({ position, records: 1, operations: 3, services: [`a/s${position}:x`], ...fields }),
      now,
    );
  assert.equal(next(1, 0), "@1  1 record  3 operations  214 us  a/s1:x");
  assert.equal(next(2, 30), undefined);
  assert.equal(lines.pause(30), 970);
  assert.equal(next(3, 60, { rebuilt: true }), undefined);
  for (let position = 4; position <= 6; position++) assert.equal(next(position, 30 * position), undefined);
  assert.equal(next(7, 999, { services: ["a/s2:x"] }), undefined, "a ServicePort is named once");
  assert.equal(
    lines.take(1000),
    "@7  6 commits  6 records  18 operations  1,284 us  skeleton written, a/s2:x, a/s3:x, a/s4:x and 2 more",
  );
  assert.equal(next(8, 1999), undefined);
  assert.equal(lines.pause(1999), 1);
  // Where the timer is late, a further commit does not go before the one that waits.
  assert.equal(next(9, 2500), undefined);
  assert.match(lines.take(2501), /^@9 {2}2 commits {2}2 records/);
  assert.match(next(10, 3501)!, /^@10 {2}1 record/);
});
