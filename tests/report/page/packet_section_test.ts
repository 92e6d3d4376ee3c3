/// <reference lib="dom" />
// The path of a packet in a report's page, where it may end at many endpoints.

import assert from "node:assert/strict";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { browserTest, text, texts, withReport } from "../../support/open_report.ts";
import { writeCommitted } from "../../support/past.ts";

const ENDPOINTS = 300;

browserTest(
  "of many outcomes and elements the first are shown, and the others where they are asked for",
  () =>
    withReport(
      (folder) => {
        const addresses = Array.from({ length: ENDPOINTS }, (_, i) => `10.244.${i >> 8}.${i & 255}`).join(
          " ",
        );
        const web = appears(service("shop/web 10.96.0.1 http:80/tcp"));
        writeCommitted(folderStorage(folder, true), [[
          web,
          appears(slice(`shop/web-a http:8080/tcp ${addresses}`)),
        ]]);
      },
      { hash: "#from=10.244.9.9&to=shop/web" },
      async ({ page, said }) => {
        assert.equal((await texts(page, ".outcomes li")).length, 8);
        assert.match(await text(page, "summary"), /and 292 more outcomes/);
        const elements = async () =>
          (await texts(page, ".found")).filter((one) => one.includes("@endpoints"));
        const shown = await elements();
        assert.ok(shown.length <= 24, `${shown.length} elements`);
        await page.$$eval("summary", (all) => {
          for (const one of all) if (/^and \d+ more/.test(one.textContent ?? "")) one.click();
        });
        await page.waitForFunction(
          (count) =>
            new Set(
              [...document.querySelectorAll("li")].map((one) => one.textContent)
                .filter((one) => /to 10\.244\.\d+\.\d+:8080$/.test(one ?? "")),
            ).size === count,
          {},
          ENDPOINTS,
        );
        assert.ok((await elements()).length >= ENDPOINTS);
        assert.deepEqual(said, []);
      },
    ),
);
