/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The list of a large cluster's Services: in pages, with a filter that finds each, and with rows that stay short.

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { FakeKernel } from "../../../src/kernel/fake_kernel.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { EngineProcess } from "../../support/engine_process.ts";
import { browserTest, shownAt, text, texts, withReport } from "../../support/open_report.ts";
import { CONFIG } from "../../support/report_records.ts";

const SERVICES = 250;
const ENDPOINTS = 300;
const three = (i: number) => String(i).padStart(3, "0");

/** Services s000 to s249 without endpoints, but for s007, which has 300; then s008 gets one. */
function writeManyServices(folder: string): void {
  using kernel = new FakeKernel();
  let milliseconds = Date.parse("2026-11-23T03:00:00Z");
  const now = () => new Date(milliseconds += 1000).toISOString();
  using node = new EngineProcess(kernel, folderStorage(folder, true), { complete: true, now });
  const many = Array.from({ length: ENDPOINTS }, (_, i) => `10.244.${i >> 8}.${i & 255}@node-${i % 3}`);
  const services = Array.from(
    { length: SERVICES },
    (_, i) => appears(service(`shop/s${three(i)} 10.96.0.${i} http:80/tcp`)),
  );
  node.commit([CONFIG, ...services, appears(slice(`shop/s007-a http:8080/tcp ${many.join(" ")}`))]);
  node.commit([appears(slice("shop/s008-a http:8080/tcp 10.244.9.9"))]);
}

const status = (page: Page) => text(page, "#services [role=status]");
const names = (page: Page) => texts(page, ".port .name");

async function filter(page: Page, sought: string): Promise<void> {
  await page.$eval("#filter", (field, sought) => {
    const input = field as HTMLInputElement;
    input.value = sought;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, sought);
}

async function turn(page: Page, label: string): Promise<void> {
  const buttons = await page.$$("#services .pages button:not([hidden])");
  for (const button of buttons) {
    if ((await button.evaluate((one) => one.textContent!)).includes(label)) return await button.click();
  }
  assert.fail(`no button ${label}`);
}

browserTest(
  "all Services of a large cluster are reached page by page, and each by the filter",
  () =>
    withReport(writeManyServices, {}, async ({ page, said }) => {
      assert.equal(await status(page), "ServicePorts 1 to 100 of 250; the filter finds one");
      await turn(page, "next");
      assert.deepEqual((await names(page))[0], "shop/s100:http");
      await turn(page, "next");
      assert.equal(await status(page), "ServicePorts 201 to 250 of 250; the filter finds one");
      assert.equal((await names(page)).length, 50);
      await page.focus("#slider");
      await page.keyboard.press("ArrowLeft");
      assert.deepEqual((await names(page))[0], "shop/s200:http", "another moment shows the same page");
      await page.keyboard.press("End");
      await turn(page, "before");
      assert.deepEqual((await names(page))[0], "shop/s100:http");
      await filter(page, "s24");
      assert.deepEqual([await status(page), (await names(page)).length], ["10 ServicePorts", 10]);
      await filter(page, "10.96.0.123");
      assert.deepEqual(await names(page), ["shop/s123:http"]);
      await filter(page, "");
      await page.select("#services select", "not served");
      assert.equal(await status(page), "ServicePorts 1 to 100 of 248; the filter finds one");
      await page.select("#services select", "changed here");
      assert.deepEqual(await names(page), ["shop/s008:http"]);
      assert.equal((await texts(page, ".lane-name")).length, 16);
      assert.deepEqual(said, []);
    }),
);

browserTest(
  "a row with very many endpoints shows the first, and those that the filter names",
  () =>
    withReport(writeManyServices, {}, async ({ page, said }) => {
      await filter(page, "shop/s007:http");
      assert.equal((await page.$$(".port[open] .many tbody tr")).length, 100);
      assert.match(await text(page, ".port[open] .many"), /and 200 endpoints more\./);
      await filter(page, "10.244.1.17:8080");
      const [first] = await texts(page, ".port[open] .many tbody td:first-child");
      assert.equal(first, "10.244.1.17:8080");
      assert.equal((await shownAt(page)) > 250, true);
      assert.deepEqual(said, []);
    }),
);
