/// <reference lib="dom" />
// The lanes of Services in a report's page.

import assert from "node:assert/strict";
import { browserTest, text, texts, withReport } from "../../support/open_report.ts";
import { writeEvening } from "../../support/report_ledger.ts";

browserTest(
  "lanes are of Services with outages first; a name shows that Service alone",
  () =>
    withReport(writeEvening, {}, async ({ page, said }) => {
      const lanes = await texts(page, ".lane-name");
      assert.deepEqual(lanes.slice(0, 3), ["shop/cart", "payments/fraud", "monitoring/prometheus"]);
      const painted = await page.$$eval(".lanes canvas", (all) =>
        all.map((one) => {
          const { width, height } = one;
          const { data } = one.getContext("2d")!.getImageData(0, 0, width, height);
          return data.some((value) => value !== 0);
        }));
      assert.ok(painted.every(Boolean));
      await page.click(".lanes li:nth-child(2) .lane-name");
      assert.deepEqual(await texts(page, ".lane-name"), ["payments/fraud"]);
      const names = await texts(page, ".port .name");
      assert.ok(names.length > 0 && names.every((name) => name.startsWith("payments/fraud:")), names.join());
      const seen = new Set<string>();
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("ArrowLeft");
        seen.add(await text(page, ".lane-now"));
      }
      assert.ok(seen.size >= 3, [...seen].join());
      await page.click(".lane-name");
      assert.deepEqual(await texts(page, ".lane-name"), lanes);
      assert.deepEqual(said, []);
    }),
);
