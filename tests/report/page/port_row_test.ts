/// <reference lib="dom" />
// The row of a port in a report's page, whose objects have the longest names that Kubernetes allows.

import assert from "node:assert/strict";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { browserTest, text, withReport } from "../../support/open_report.ts";
import { writeCommitted } from "../../support/past.ts";

const LABEL = "n".repeat(63);
const NODE = "m".repeat(253);
/** Two Services claim one address, so the row of the second names the first. */
const CLAIMANTS = [`${LABEL}/${"a".repeat(63)}`, `${LABEL}/${"b".repeat(63)}`];

browserTest(
  "names of any length stay in their column, and are shown whole",
  () =>
    withReport(
      (folder) =>
        writeCommitted(
          folderStorage(folder, true),
          [CLAIMANTS.flatMap((name) => [
            appears(service(`${name} 10.96.0.1 ${LABEL}:80/tcp`)),
            appears(slice(`${name}-a ${LABEL}:8080/tcp 10.244.0.1@${NODE}`)),
          ])],
        ),
      {},
      async ({ page, said }) => {
        await page.$$eval("details", (all) => {
          for (const one of all) one.open = true;
        });
        await page.waitForSelector(".port[open] table");
        assert.ok((await text(page, ".port[open] table")).includes(NODE));
        assert.match(await text(page, ".port[open] table"), new RegExp(`held by ${CLAIMANTS[0]}`));
        const widths = await page.evaluate(() => {
          const { scrollWidth, clientWidth } = document.documentElement;
          const column = document.querySelector(".port")!.getBoundingClientRect().right;
          const tables = [...document.querySelectorAll(".port table")];
          return {
            scrollWidth,
            clientWidth,
            out: tables.filter((one) => one.getBoundingClientRect().right > column + 1).length,
          };
        });
        assert.deepEqual(widths, { ...widths, scrollWidth: widths.clientWidth, out: 0 });
        assert.deepEqual(said, []);
      },
    ),
);
