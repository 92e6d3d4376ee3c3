// The count of records while a page is made.

import assert from "node:assert/strict";
import { foldedInParts } from "../../../src/report/page/loading.ts";
import type { ReportData } from "../../../src/report/report_data.ts";
import { timelineOf } from "../../../src/report/timeline.ts";
import { arrived, commit, CONFIG } from "../../support/report_records.ts";

const RECORDS = [CONFIG, arrived(1), commit(1, [1, 1], [1]), arrived(2), commit(2, [3, 3], [3])];
const DATA: ReportData = {
  ...{ version: "0", node: "node-a", ledger: "0123456789abcdef" },
  leftOut: { before: 0, after: 0, oldest: "", newest: "" },
  ...{ first: 0, snapshot: [], causes: [], records: RECORDS, outages: [] },
};

Deno.test("records are folded in parts, and after each part the count is shown", async () => {
  let now = 0;
  const shown: string[] = [];
  const timeline = await foldedInParts(DATA, {
    // Each look at the clock takes 60 of its milliseconds, each count 1000.
    now: () => now += 60,
    show: (done, of) => {
      now += 1000;
      shown.push(`${done} of ${of}`);
      return Promise.resolve();
    },
  });
  assert.deepEqual(shown, ["2 of 5", "4 of 5"]);
  assert.deepEqual(timeline.moments, timelineOf(DATA).moments);
  assert.equal(timeline.view.at, RECORDS.length - 1);
});
