/// <reference lib="dom" />
// The address of a report's page is that of what it shows: a copied link opens the same view.

import assert from "node:assert/strict";
import { browserTest, shownAt, text, texts, withReport } from "../../support/open_report.ts";
import { writeEvening } from "../../support/report_ledger.ts";

browserTest(
  "an address with a moment, a Service and a packet by name opens the page so",
  () =>
    withReport(
      writeEvening,
      { hash: "#@200&service=shop/cart&from=10.244.9.9&to=shop/cart" },
      async ({ page, said }) => {
        const at = await shownAt(page);
        assert.ok(at >= 199 && at < 210, `@${at}`);
        const names = await texts(page, ".port .name");
        assert.ok(names.length > 0 && names.every((name) => name.startsWith("shop/cart:")), names.join());
        assert.ok((await texts(page, ".port[open] table")).length > 0, "the Service is open");
        assert.deepEqual(await texts(page, ".lane-name"), ["shop/cart"], "its lane alone");
        assert.match(await text(page, ".outcomes"), /10\.244\./);
        const lines = await page.$$eval(".now", (all) => all.map((one) => one.getBoundingClientRect().x));
        assert.equal(lines.length, 6);
        assert.ok(Math.max(...lines) - Math.min(...lines) < 2, `all lines are at the moment: ${lines}`);
        assert.deepEqual(said, []);
      },
    ),
);

browserTest(
  "what the reader chooses is in the address, which opens the same view in another page",
  () =>
    withReport(writeEvening, {}, async ({ page, said }) => {
      assert.equal(await page.evaluate(() => location.hash), "", "nothing was chosen");
      await page.type("#filter", "payments/fraud");
      await page.type("#go-to", "@210\n");
      await page.keyboard.press("Tab");
      await page.$eval("#filter", (field) => (field as HTMLElement).blur());
      await page.keyboard.press("+");
      await page.waitForFunction(
        () => /^#@\d+&service=payments\/fraud&range=\d+-\d+$/.test(location.hash),
      );
      const shown = () =>
        page.evaluate(() => ({
          hash: location.hash,
          moment: document.querySelector("#moment")!.textContent,
          ports: document.querySelector(".services")!.textContent,
          times: document.querySelector<HTMLInputElement>("#slider")!.max,
        }));
      const before = await shown();
      await page.reload();
      await page.waitForSelector("#notes");
      const after = await shown();
      assert.deepEqual({ ...after, times: "" }, { ...before, times: "" });
      // An address has whole milliseconds.
      assert.ok(Math.abs(Number(after.times) - Number(before.times)) <= 1);
      assert.deepEqual(said, []);
    }),
);
