// What the program that serves a report answers. How a page uses it is in tests/report/page/live_test.ts.

import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { folderStorage } from "../../src/ledger/storage.ts";
import { openPast } from "../../src/library/open_ledger.ts";
import { AskedLedger } from "../support/asked_program.ts";
import { writeCommitted } from "../support/past.ts";
import { ServedReport } from "../support/served_report.ts";
import { WEB_BATCHES } from "../support/web_history.ts";

Deno.test("a served report has a page and the records after an offset, at a secret path alone", async () => {
  const folder = await Deno.makeTempDir();
  try {
    writeCommitted(folderStorage(folder, true), WEB_BATCHES);
    await using served = new ServedReport(folder);
    const url = new URL(await served.url());
    assert.match(url.pathname, /^\/[0-9a-f-]{36}\/$/);
    const page = await fetch(url);
    assert.match(await page.text(), /^<!doctype html>/);
    assert.equal(page.headers.get("cache-control"), "no-store");
    const ledger = openPast(folder).id();
    const records = await fetch(new URL(`records?ledger=${ledger}&after=10`, url));
    const reader = records.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value } = await reader.read();
    const [growth] = value!.split("\n").map((line) => line === "" ? undefined : JSON.parse(line));
    assert.equal(growth.records.length, 3);
    assert.deepEqual(growth.outages.map(({ service }: { service: string }) => service), [
      "shop/web",
      "shop/cart",
    ]);
    await reader.cancel();
    for (const gone of [`ledger=${ledger}&after=1000000`, "ledger=0123456789abcdef&after=10", "after=10"]) {
      const answer = await fetch(new URL(`records?${gone}`, url));
      assert.equal(
        answer.status,
        410,
        `${gone}: a page of another ledger, or of records that are gone, is loaded again`,
      );
      await answer.body?.cancel();
    }
    for (
      const path of [
        "/",
        "/records?after=0",
        "records",
        "records?after=-1",
        "records?after=x",
        `${url.pathname}x`,
      ]
    ) {
      const answer = await fetch(new URL(path, url));
      assert.equal(answer.status, 404, path);
      assert.equal(await answer.text(), "not found\n");
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a page that is opened later is of the ledger as it is then", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const storage = folderStorage(folder, true);
    writeCommitted(storage, WEB_BATCHES.slice(0, 2));
    await using served = new ServedReport(folder);
    const url = new URL(await served.url());
    const records = async () => {
      const html = await (await fetch(url)).text();
      const [, data] = /id="data">([^<]*)</.exec(html)!;
      return JSON.parse(new TextDecoder().decode(gunzipSync(Uint8Array.fromBase64(data!)))).records.length;
    };
    const before = await records();
    writeCommitted(folderStorage(folder, true), WEB_BATCHES.slice(2, 3));
    assert.ok(await records() > before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a report is written or served, and a served one has no end", async () => {
  using ledger = new AskedLedger();
  const [nowhere, ends] = await Promise.all([
    ledger.ask("report"),
    ledger.ask("report", "--serve", "0", "--until", "@4"),
  ]);
  assert.deepEqual([nowhere.code, ends.code], [2, 2]);
  assert.match(nowhere.stderr, /give -o FILE or --serve PORT/);
  assert.match(ends.stderr, /--serve 0 and --until: the page goes on with the ledger; leave out one of them/);
});

Deno.test("where another ledger comes to the folder, the records that a page receives end", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const storage = folderStorage(folder, true);
    writeCommitted(storage, WEB_BATCHES.slice(0, 1));
    await using served = new ServedReport(folder);
    const ledger = openPast(folder).id();
    const records = await fetch(new URL(`records?ledger=${ledger}&after=0`, await served.url()));
    const reader = records.body!.getReader();
    assert.equal((await reader.read()).done, false);
    await Deno.mkdir(`${folder}/before`);
    for (const name of storage.names()) await Deno.rename(`${folder}/${name}`, `${folder}/before/${name}`);
    writeCommitted(storage, WEB_BATCHES);
    assert.equal((await reader.read()).done, true, "records of another ledger are not of this page");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
