/// <reference lib="dom" />
// A page that is served shows what is written to the ledger while it is open.

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { FakeKernel } from "../../../src/kernel/fake_kernel.ts";
import { folderStorage } from "../../../src/ledger/storage.ts";
import { withPage } from "../../support/browser.ts";
import { appears, service, slice } from "../../support/cluster_notation.ts";
import { EngineProcess } from "../../support/engine_process.ts";
import { browserTest, shownAt, texts } from "../../support/open_report.ts";
import { CONFIG } from "../../support/report_records.ts";
import { ServedReport } from "../../support/served_report.ts";
import { SilentRelay } from "../../support/silent_relay.ts";

/** Waits until the page shows that so many endpoints of shop/web serve. */
async function serves(page: Page, endpoints: string): Promise<void> {
  await page.waitForFunction(
    (endpoints) => document.querySelector(".port .served")?.textContent === endpoints,
    {},
    endpoints,
  );
}

browserTest("commits appear by themselves; a reader who looks at an older moment stays there", async () => {
  const folder = await Deno.makeTempDir();
  try {
    let seconds = Date.parse("2026-11-23T03:12:00Z");
    const now = () => new Date(seconds += 1000).toISOString();
    using kernel = new FakeKernel();
    using node = new EngineProcess(kernel, folderStorage(folder, true), { complete: true, now });
    const web = slice("shop/web-a http:8080/tcp 10.244.0.1");
    node.commit([CONFIG, appears(service("shop/web 10.96.0.1 http:80/tcp")), appears(web)]);
    await using serving = new ServedReport(folder);
    await withPage(await serving.url(), { ready: "#notes" }, async ({ page, requests, said }) => {
      await serves(page, "1/1");
      const first = await shownAt(page);
      node.commit([appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2"))]);
      await serves(page, "2/2");
      assert.ok(await shownAt(page) > first);
      await page.keyboard.press("ArrowLeft");
      await serves(page, "1/1");
      node.commit([appears(slice("shop/web-a http:8080/tcp !10.244.0.1 !10.244.0.2"))]);
      await page.waitForSelector("#outages");
      assert.equal(await shownAt(page), first);
      await page.focus("#slider");
      await page.keyboard.press("End");
      await serves(page, "0/2");
      assert.deepEqual(await texts(page, ".lane-name"), ["shop/web"]);
      assert.deepEqual(said, []);
      const policy = await page.$eval("meta[http-equiv]", (meta) => meta.getAttribute("content")!);
      assert.match(policy, /default-src 'none'; .*connect-src 'self'/);
      const path = new URL(page.url()).pathname;
      assert.ok(requests.every((url) => new URL(url).pathname === `${path}records`), requests.join());
      const elsewhere = await fetch(new URL("/records?after=0", page.url()));
      assert.equal(elsewhere.status, 404, "without the secret nothing is sent");
      await elsewhere.body?.cancel();
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

browserTest("a page that lost the program says so, and catches up once it answers again", async () => {
  const folder = await Deno.makeTempDir();
  try {
    using kernel = new FakeKernel();
    using node = new EngineProcess(kernel, folderStorage(folder, true), { complete: true });
    node.commit([
      CONFIG,
      appears(service("shop/web 10.96.0.1 http:80/tcp")),
      appears(slice("shop/web-a http:8080/tcp 10.244.0.1")),
    ]);
    await using serving = new ServedReport(folder);
    const url = new URL(await serving.url());
    await using relay = new SilentRelay(Number(url.port));
    url.port = String(relay.address.port);
    await withPage(url.href, { ready: "#notes" }, async ({ page }) => {
      await serves(page, "1/1");
      await says(page, "live: new commits appear by themselves");
      relay.mute = true;
      relay.cut();
      await says(page, "does not answer: the page shows what it received");
      node.commit([appears(slice("shop/web-a http:8080/tcp 10.244.0.1 10.244.0.2"))]);
      relay.mute = false;
      relay.cut();
      await serves(page, "2/2");
      await says(page, "live: new commits appear by themselves");
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Waits until the line about the connection has this text. */
async function says(page: Page, words: string): Promise<void> {
  await page.waitForFunction(
    (words) => document.querySelector(".masthead [role=status]")?.textContent?.includes(words),
    {},
    words,
  );
}
