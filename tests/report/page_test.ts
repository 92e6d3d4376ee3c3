/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The page of a report in a real browser, opened from the disk: it sends no request, shows the state of the fold at
// each moment, traces packets as `why` does, and treats names in the ledger as text.

import assert from "node:assert/strict";
import type { Page } from "puppeteer-core";
import { emptyState } from "../../src/fold/cluster_state.ts";
import type { ServiceName } from "../../src/kube/service_name.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { outcomeText, readPacket } from "../../src/history/packet_words.ts";
import type { Outcome, Packet } from "../../src/history/trace.ts";
import { readLedger } from "../../src/ledger/reader.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { keptOf } from "../support/kept_records.ts";
import { browserTest, ledgerproxy, shownAt, text, texts, withReport } from "../support/open_report.ts";
import { writeCommitted } from "../support/past.ts";
import { WEB_BATCHES } from "../support/web_history.ts";
import { HOSTILE_TEXT, writeHostileLedger } from "../support/hostile_ledger.ts";
import { PAGE_FILE, pageSource } from "../support/report_page.ts";
import { writeEvening } from "../support/report_ledger.ts";

/** Control and format characters, which can move the cursor or change the direction of text. */
const MISLEADING = /[^\P{C}\n\t]|[\u2028\u2029]/u;
const MARKUP = "</script><img src=x onerror=alert(1)>";

/** How many endpoints get traffic of each cluster IP, by ServicePort, from the elements of a fold up to `through`. */
function slotsAt(ledger: string, through: number): Map<string, number> {
  const state = emptyState();
  for (const { offset, record } of readLedger(folderStorage(ledger, false))) {
    if (offset <= through) foldRecord(state, offset, record);
  }
  const clusterIPs = (service: string) => state.services.get(service as ServiceName)?.spec.clusterIPs ?? [];
  const slots = new Map<string, number>();
  const found = (port: string, address: string | undefined) => {
    const [service] = port.split(":");
    if (address === undefined || !clusterIPs(service!).includes(address)) return;
    slots.set(`${port} ${address}`, (slots.get(`${port} ${address}`) ?? 0) + 1);
  };
  for (const [path, set] of state.desired) {
    for (const { key, comment } of set.values()) {
      if (/ (single-|affinity-)?endpoints$/.test(path)) found(comment!, key.split(" . ")[0]);
    }
  }
  return slots;
}

/** The same as the page shows it, without ServicePorts that have no traffic. */
async function shownSlots(page: Page): Promise<Map<string, number>> {
  const rows = await page.$$eval(
    ".port > summary",
    (found) =>
      found.map((row) =>
        [".name", ".address", ".served"].map((part) => row.querySelector(part)!.textContent!)
      ),
  );
  return new Map(
    rows.map(([name, address, served]): [string, number] => [
      `${name} ${address!.replace(/^\[?(.*?)\]?:\d+\/.*$/, "$1")}`,
      Number(served!.split("/")[0]),
    ]).filter(([, count]) => count > 0),
  );
}

const byName = (slots: Map<string, number>) => [...slots].sort(([a], [b]) => a < b ? -1 : 1);

Deno.test("the committed page is the output of `deno task report-page`", async () => {
  const made = await pageSource();
  assert.ok(await Deno.readTextFile(PAGE_FILE) === made, "run deno task report-page");
  assert.doesNotMatch(made, /["']node:|zod/, "it needs no more than a browser");
  assert.doesNotMatch(
    made,
    /innerHTML|insertAdjacentHTML|document\.write|\beval\(/,
    "text is inserted as text",
  );
});

browserTest(
  "a report opens from the disk, sends no request and writes nothing to the console",
  () =>
    withReport(writeEvening, {}, async ({ page, requests, said }, ledger) => {
      const records = [...readLedger(folderStorage(ledger, false))];
      assert.match(
        await text(page, ".window"),
        new RegExp(`${records.length} records, @0 to @${records.length - 1}$`),
      );
      assert.equal(await text(page, "h1"), "node-a");
      const policy = await page.$eval("meta[http-equiv]", (meta) => meta.getAttribute("content")!);
      assert.match(policy, /default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+';/);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal((await page.$$("figure canvas")).length, 5, "a chart each");
      assert.deepEqual(said, []);
      // The policy is applied: a script that is injected does not run.
      const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        try {
          script.textContent = "globalThis.smuggled = true";
        } catch { /* Trusted Types refuse it earlier. */ }
        document.body.append(script);
        return "smuggled" in globalThis;
      });
      assert.equal(ran, false);
      assert.deepEqual(requests, []);
    }),
);

browserTest(
  "outages are first: how long, where in the window, from and to which commit, because of which record",
  () =>
    withReport(
      (folder) => writeCommitted(folderStorage(folder, true), WEB_BATCHES),
      {},
      async ({ page }) => {
        assert.equal(await page.$("#loading"), null, "what was shown while the records were read is gone");
        assert.equal(await page.$eval("main > :first-child", (one) => one.id), "outages");
        const [lasting, row] = await page.$$eval(
          "#outages tbody tr",
          (rows) =>
            rows.map((row) => [...row.querySelectorAll("td, th")].map((cell) => cell.textContent ?? "")),
        );
        assert.deepEqual(lasting!.slice(0, 5), ["shop/cart:http", "", "lasts", "@13", ""]);
        assert.deepEqual(row!.slice(0, 5), ["shop/web:http", "", "1 s", "@6", "@8"]);
        assert.match(row![5]!, /^@5 EndpointSlice shop\/web-a /);
        // Of five seconds the third.
        const bar = await page.$eval(
          "#outages tbody tr:nth-child(2) rect",
          (one) => [one.getAttribute("x"), one.getAttribute("width")],
        );
        assert.deepEqual(bar, ["40", "20"]);
        await page.click('#outages a[href="#@6"]');
        assert.equal(await shownAt(page), 5);
      },
    ),
);

browserTest(
  "slider and arrow keys go from commit to commit, and every moment shows the state of the fold",
  () =>
    withReport(writeEvening, {}, async ({ page, said }, ledger) => {
      const commits = keptOf(ledger, "commit").map(({ through }) => through);
      assert.equal(await shownAt(page), commits.at(-1), "a report opens at its end");
      await page.focus("#slider");
      for (const back of [1, 2]) {
        await page.keyboard.press("ArrowLeft");
        if (back === 1) continue;
        assert.ok(await shownAt(page) <= commits.at(-2)!);
      }
      const seen = new Set<string>();
      for (const share of [0, 0.1, 0.3, 0.55, 0.8, 1]) {
        await page.$eval("#slider", (slider, share) => {
          const input = slider as HTMLInputElement;
          input.value = String(Number(input.max) * share);
          input.dispatchEvent(new Event("input", { bubbles: true }));
        }, share);
        const at = await shownAt(page);
        const shown = byName(await shownSlots(page));
        assert.deepEqual(shown, byName(slotsAt(ledger, at)), `at @${at}`);
        seen.add(JSON.stringify(shown));
      }
      assert.ok(seen.size >= 4, "moments differ");
      await page.keyboard.press("Home");
      const stops = [await shownAt(page)];
      for (let i = 0; i < 30; i++) {
        await page.keyboard.press("ArrowRight");
        stops.push(await shownAt(page));
      }
      assert.deepEqual(stops, [-1, ...commits.slice(0, 30)], "every commit, in order");
      assert.match(
        await page.$eval("#slider", (slider) => slider.getAttribute("aria-valuetext")!),
        /position @\d+$/,
      );
      assert.deepEqual(said, []);
    }),
);

browserTest(
  "a step makes only the rows of Services that it changed anew, and moves the line of the charts",
  () =>
    withReport(writeEvening, {}, async ({ page }) => {
      const line = () => page.$eval("figure .now", (one) => one.getBoundingClientRect().x);
      const lines = new Set<number>();
      let kept = 0;
      for (let i = 0; i < 20; i++) {
        const changed = await texts(page, ".port.changed .name");
        await page.$$eval(".port", (rows) => rows.forEach((row) => row.setAttribute("data-kept", "")));
        await page.keyboard.press("ArrowLeft");
        const made = await texts(page, ".port:not([data-kept]) .name");
        assert.deepEqual(made.filter((name) => !changed.includes(name)), [], "rows of other Services");
        kept += (await page.$$(".port[data-kept]")).length;
        lines.add(await line());
      }
      assert.ok(kept > 100, `${kept} rows`);
      assert.ok(lines.size > 3, "the line follows the moment");
    }),
);

browserTest(
  "the page goes to a position in its address, in a link, or in the field for it",
  () =>
    withReport(writeEvening, { hash: "#@200" }, async ({ page }) => {
      const first = await shownAt(page);
      assert.ok(first >= 199 && first < 210, `@${first}: folded by the commit there, or the next one`);
      await page.type("#go-to", "@120\n");
      const second = await shownAt(page);
      assert.ok(second >= 120 && second < 130, `@${second}`);
      const link = await page.$("#churn tbody a");
      const offset = Number((await link!.evaluate((one) => one.textContent!)).slice(1));
      await link!.evaluate((one) => (one as HTMLElement).click());
      assert.ok(await shownAt(page) < offset, "the records that this commit folded");
      await page.evaluate(() => scrollTo(0, 0));
      await page.$eval("#go-to", (field) => (field as HTMLInputElement).value = "");
      await page.type("#go-to", "yesterday\n");
      assert.equal(await page.$eval("#go-to", (field) => (field as HTMLInputElement).validity.valid), false);
    }),
);

browserTest(
  "the packet section gives the outcomes that `why` gives at the same position",
  () =>
    withReport(writeEvening, {}, async ({ page }, ledger) => {
      const packets = [
        ["10.244.9.9", "10.96.159.117:80/tcp"],
        ["203.0.113.9", "198.51.100.10:443/tcp"],
        ["fd00:10:244::9", "[fd00:96::9:de82]:53/udp"],
        ["10.244.9.9", "10.96.77.77:80/tcp"],
      ] as const;
      const seen = new Set<string>();
      for (const goTo of ["@90", "@250", "@320"]) {
        await page.$eval("#go-to", (field) => (field as HTMLInputElement).value = "");
        await page.type("#go-to", `${goTo}\n`);
        const at = `@${await shownAt(page)}`;
        for (const [source, target] of packets) {
          await fillIn(page, source, target);
          const answer = JSON.parse(
            await ledgerproxy("why", source, target, "--at", at, "--ledger", ledger, "--json"),
          );
          const packet = readPacket(source, target) as Packet;
          const expected = answer.outcomes.map((outcome: Outcome) => outcomeText(packet, outcome));
          assert.deepEqual(await texts(page, ".outcomes li"), expected, `${target} at ${at}`);
          const rules = answer.steps.map(({ rule }: { rule: string }) => rule);
          assert.deepEqual(await texts(page, ".path > li > code"), rules, "the same path");
          const causes = answer.steps.flatMap(({ found }: { found: { cause?: { offset: number } }[] }) =>
            found.flatMap(({ cause }) => cause === undefined ? [] : [`@${cause.offset}`])
          );
          assert.deepEqual(await texts(page, ".found .cause > :first-child"), causes, "the same causes");
          seen.add(expected.join());
        }
      }
      assert.ok(seen.size >= 5, "outcomes differ");
      await fillIn(page, "10.244.9.9", "nonsense");
      assert.match(await text(page, "#answer"), /nonsense: no Service, node, pod or zone has/);
    }),
);

async function fillIn(page: Page, source: string, target: string): Promise<void> {
  for (const [id, value] of [["#source", source], ["#target", target]] as const) {
    await page.$eval(id, (field, value) => (field as HTMLInputElement).value = value, value);
  }
  await page.focus("#target");
  await page.keyboard.press("Enter");
}

browserTest(
  "hostile names in a ledger are text: no markup, no dialog, no request, no control characters",
  async () => {
    const ledgers = [
      writeHostileLedger,
      (folder: string) => writeEvening(folder, `${MARKUP}\u202e\u001b[31m`),
    ];
    for (const write of ledgers) {
      await withReport(write, { hash: "#@4" }, async ({ page, requests, said }) => {
        for (let i = 0; i < 12; i++) {
          await page.$$eval(
            "details:not([open]) > summary",
            (all) => all.forEach((one) => (one as HTMLElement).click()),
          );
          const all = await page.evaluate(() => [
            document.title,
            document.body.innerText,
            ...[...document.querySelectorAll("*")].flatMap((one) =>
              [...one.attributes].map(({ value }) => value)
            ),
          ]);
          for (const one of all) assert.doesNotMatch(one, MISLEADING, one.slice(0, 200));
          assert.equal(await page.$("img"), null);
          await page.keyboard.press(i < 6 ? "ArrowLeft" : "ArrowRight");
        }
        assert.match(
          await page.evaluate(() => document.body.innerText),
          /<img src=x onerror=alert\(1\)>/,
          "the name is shown",
        );
        assert.deepEqual([...requests, ...said], []);
      });
    }
  },
);

Deno.test("all text of the ledger in the file is compressed", async () => {
  const folder = await Deno.makeTempDir();
  writeHostileLedger(`${folder}/ledger`);
  await ledgerproxy("report", `${folder}/ledger`, "-o", `${folder}/report.html`);
  const html = await Deno.readTextFile(`${folder}/report.html`);
  for (const hostile of [...Object.values(HOSTILE_TEXT), "shop/web"]) {
    assert.ok(!html.includes(hostile), JSON.stringify(hostile));
  }
  assert.equal(html.match(/<\/script/g)!.length, 2);
  const { mode } = await Deno.stat(`${folder}/report.html`);
  assert.equal(mode! & 0o777, 0o600, "no other user can read a report");
  await Deno.remove(folder, { recursive: true });
});

browserTest(
  "the page has the system's theme or the chosen one; print is light",
  () =>
    withReport(writeEvening, { dark: true }, async ({ page }) => {
      const brightness = () =>
        page.evaluate(() => {
          const [red = 0, green = 0, blue = 0] = getComputedStyle(document.body).backgroundColor.match(
            /\d+/g,
          )!.map(Number);
          return (red + green + blue) / 3;
        });
      assert.ok(await brightness() < 60);
      await page.select(".switches select", "light");
      assert.ok(await brightness() > 200);
      await page.select(".switches select", "auto");
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
      assert.ok(await brightness() > 200);
      await page.select(".switches select", "dark");
      assert.ok(await brightness() < 60);
      await page.emulateMediaType("print");
      assert.ok(await brightness() > 200);
      const hidden = await page.$eval("#slider", (slider) => slider.checkVisibility());
      assert.equal(hidden, false, "paper has no slider");
      const named = await page.$$eval(".lane-name", (names) => names.map((name) => name.checkVisibility()));
      assert.ok(named.length > 5 && named.every(Boolean), "a lane on paper has its name");
    }),
);

browserTest(
  "on a phone a section that scrolls sideways can be reached by keyboard",
  () =>
    withReport(writeEvening, {}, async ({ page }) => {
      const focusable = () =>
        page.$$eval("section", (all) =>
          all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.tabIndex));
      await page.setViewport({ width: 240, height: 800 });
      await page.waitForFunction(() =>
        document.querySelector("section[tabindex]")
      );
      const narrow = await focusable();
      assert.ok(narrow.length > 0 && narrow.every((index) => index === 0), narrow.join());
      await page.setViewport({ width: 1280, height: 900 });
      await page.waitForFunction(() => !document.querySelector("section[tabindex]"));
    }),
);

browserTest(
  "every control can be reached and used by keyboard, and has a name and a visible focus",
  () =>
    withReport(writeEvening, {}, async ({ page }) => {
      const reached: string[] = [];
      // Before the slider are the links of the outages.
      for (let i = 0; i < 120; i++) {
        await page.keyboard.press("Tab");
        const { tag, id, name, outline } = await page.evaluate(() => {
          const one = document.activeElement as HTMLInputElement;
          const label = one.labels?.[0]?.textContent ?? one.getAttribute("aria-label") ?? one.textContent;
          return {
            tag: one.tagName,
            id: one.id,
            name: label?.trim(),
            outline: getComputedStyle(one).outlineStyle,
          };
        });
        assert.notEqual(name ?? "", "", `${tag} ${id} has a name`);
        assert.notEqual(outline, "none", `${tag} ${id} shows that it has the focus`);
        reached.push(id || tag);
        if (tag === "SUMMARY") break;
      }
      for (const id of ["slider", "go-to", "filter", "SELECT", "SUMMARY"]) {
        assert.ok(reached.includes(id), id);
      }
      await page.keyboard.press("Enter");
      await page.waitForSelector(".port[open] table");
      await page.focus("#filter");
      await page.keyboard.type("10.244.0.33");
      const names = await texts(page, ".port .name");
      assert.ok(
        names.length > 0 && names.every((name) => name.startsWith("shop/")),
        names.join(),
      );
      const before = await shownAt(page);
      await page.keyboard.press("ArrowLeft");
      assert.equal(await shownAt(page), before, "arrow keys in a field move its cursor");
      const nested = await page.$$eval("summary :is(a, button, input, select)", (found) => found.length);
      assert.equal(nested, 0, "no control is in another one");
      const empty = (await texts(page, "th")).filter((head) => head === "");
      assert.deepEqual(empty, [], "a head has a text");
      const misnamed = await page.$$eval("button[aria-label]", (found) =>
        found.map((one) =>
          [one.textContent!, one.getAttribute("aria-label")!] as const
        )
          .filter(([text, label]) => /[a-z]/.test(text) && !label.includes(text)));
      assert.deepEqual(misnamed, [], "a name has the text that is seen");
    }),
);

browserTest(
  "the page of a window names the records left out, and begins with the state before it",
  () =>
    withReport(
      writeEvening,
      { flags: ["--since", "@150", "--until", "@300", "--records", "100"] },
      async ({ page, said }, ledger) => {
        assert.match(await text(page, ".window"), /100 records, @201 to @300$/);
        assert.match(await text(page, ".left-out"), /Left out: 201 older records .*; \d+ newer records/);
        await page.focus("#slider");
        await page.keyboard.press("Home");
        assert.equal(await shownAt(page), 200);
        assert.deepEqual(byName(await shownSlots(page)), byName(slotsAt(ledger, 200)));
        await page.$$eval("details > summary", (all) => all.forEach((one) => (one as HTMLElement).click()));
        await page.waitForSelector(".port[open] .cause");
        const causes = await texts(page, ".port[open] .cause");
        assert.ok(causes.some((cause) => /^@\d+ EndpointSlice \S+ \d\d:/.test(cause)), causes.join());
        assert.deepEqual(said, []);
      },
    ),
);
