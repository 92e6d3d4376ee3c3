// The log line of a sync.

import assert from "node:assert/strict";
import { syncLine } from "../../src/node/sync_line.ts";
import type { SyncReport } from "../../src/engine/sync_report.ts";

const line = (fields: Partial<SyncReport>) => {
  const report = {
    position: 142,
    records: 12,
    operations: 8,
    microseconds: 214,
    services: [],
    rebuilt: false,
    ...fields,
  };
  return syncLine(report as unknown as SyncReport);
};

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
