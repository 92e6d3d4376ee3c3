/// <reference lib="dom" />
// What the page of a report costs a browser: the time to the first paint, the time until the page is made, and the script
// of each jump of the slider, each step and each zoom. It is the time of the page's thread on the processor, so that other
// programs on the machine do not count.
//
//   deno task bench:page [RECORDS] [SERVICES]

import { existsSync } from "node:fs";
import type { CDPSession, Page } from "puppeteer-core";
import { FakeKernel } from "../../src/kernel/fake_kernel.ts";
import type { EventRecord } from "../../src/ledger/record.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { withPage } from "../support/browser.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { EngineProcess } from "../support/engine_process.ts";
import { CONFIG } from "../support/report_records.ts";
import { percentile } from "./percentile.ts";
import { table } from "./table.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Events that arrive while one commit runs. */
const EVENTS_A_SYNC = 4;
/** Endpoints of a Service, all of which a change can make not ready. */
const ENDPOINTS = 5;
/** How often each gesture is made. */
const TIMES = 200;

/** Measures the page of such a ledger in `folder`, which is made where it is not there. */
async function measure(records: number, services: number, folder: string): Promise<void> {
  const [ledger, file] = [`${folder}/ledger`, `${folder}/report.html`];
  if (!existsSync(ledger)) writeBusyLedger(ledger, records, services);
  await written(ledger, file, records);
  const { size } = await Deno.stat(file);
  console.log(`${records} records, ${services} Services: ${(size / 1024 / 1024).toFixed(1)} MB`);
  await withPage(file, { ready: "#notes", timeout: 300_000 }, async ({ page }) => {
    await describeOpening(page);
    await describeGestures(page);
  });
}

async function written(ledger: string, file: string, records: number): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "ledgerproxy", "report", ledger, "-o", file, "--records", String(records)],
    cwd: ROOT,
    stdout: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}

/** The first paint, and what the page holds once it is made. */
async function describeOpening(page: Page): Promise<void> {
  const [painted, made] = await page.evaluate(() => [
    performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
    performance.getEntriesByName("made")[0]?.startTime ?? performance.now(),
  ]);
  const { JSHeapUsedSize, Nodes } = await page.metrics();
  console.log(
    `first paint ${Math.round(painted!)} ms, made ${Math.round(made!)} ms, heap ${
      Math.round(JSHeapUsedSize! / 1024 / 1024)
    } MB, ${Nodes} nodes`,
  );
}

/** Milliseconds that script took on the processor, and all work of the page's thread. */
interface Spent {
  readonly script: number;
  readonly all: number;
}

async function describeGestures(page: Page): Promise<void> {
  const session = await page.createCDPSession();
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const rows: string[][] = [["gesture", "script p50", "p95", "most", "all work p95"]];
  for (const [name, gesture] of Object.entries(GESTURES)) {
    const spent: Spent[] = [];
    for (let i = 0; i < TIMES; i++) spent.push(await spentOn(page, session, () => gesture(page, i)));
    const at = (of: keyof Spent, share: number) => percentile(spent.map((one) => one[of]), share).toFixed(1);
    rows.push([name, at("script", 0.5), at("script", 0.95), at("script", 1), at("all", 0.95)]);
  }
  table("milliseconds a frame", rows);
}

/** What `gesture` costs until the frame after it is painted. */
async function spentOn(page: Page, session: CDPSession, gesture: () => Promise<void>): Promise<Spent> {
  const before = await totals(session);
  await gesture();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  const after = await totals(session);
  return { script: after.script - before.script, all: after.all - before.all };
}

async function totals(session: CDPSession): Promise<Spent> {
  const { metrics } = await session.send("Performance.getMetrics");
  const value = (name: string) => 1000 * (metrics.find((metric) => metric.name === name)?.value ?? NaN);
  return { script: value("ScriptDuration"), all: value("TaskDuration") };
}

/** The share of the window that jump `i` goes to: near and far, the same in every run. */
function shareOf(i: number): number {
  return (i * 7919 + 13) % 1009 / 1009;
}

const GESTURES: Readonly<Record<string, (page: Page, i: number) => Promise<void>>> = {
  "jump of the slider": (page, i) => slide(page, shareOf(i)),
  "drag of the slider": (page, i) => slide(page, 0.3 + i / TIMES / 4),
  "jump, Services that are not served": async (page, i) => {
    if (i === 0) await page.select("#services select", "not served");
    await slide(page, shareOf(i));
    if (i === TIMES - 1) await page.select("#services select", "all");
  },
  "jump, Services of a name": async (page, i) => {
    if (i === 0) await page.type("#filter", "team-1");
    await slide(page, shareOf(i));
  },
  "step by key": async (page) => {
    await page.focus("#slider");
    await page.keyboard.press("ArrowLeft");
  },
  "zoom by key": (page, i) => page.keyboard.press(i % 16 < 8 ? "+" : "-"),
};

function slide(page: Page, share: number): Promise<void> {
  return page.$eval("#slider", (slider, share) => {
    const input = slider as HTMLInputElement;
    input.value = String(Number(input.max) * share);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, share);
}

/** A ledger of about so many records: slices whose endpoints become ready and not ready, four events to a commit. */
export function writeBusyLedger(folder: string, records: number, services: number): void {
  using kernel = new FakeKernel();
  let now = Date.parse("2026-11-23T00:00:00Z");
  const storage = folderStorage(folder, true);
  using node = new EngineProcess(kernel, storage, {
    complete: true,
    now: () => new Date(now += 50).toISOString(),
  });
  const time = () => new Date(now += 500).toISOString();
  const at = (event: EventRecord): EventRecord => ({ ...event, time: time() });
  const all = Array.from({ length: services }, (_, i) => i);
  now -= 1000 * services;
  node.commit([
    CONFIG,
    ...all.map((i) =>
      at(
        appears(
          service(`team-${i % 20}/s${i} 10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255} http:80/tcp`),
        ),
      )
    ),
    ...all.map((i) => at(appears(busySlice(i, 0)))),
  ]);
  const syncs = Math.floor((records - 2 * services) / (EVENTS_A_SYNC + 1));
  for (let sync = 0; sync < syncs; sync++) {
    node.commit(Array.from({ length: EVENTS_A_SYNC }, (_, i) => {
      const event = sync * EVENTS_A_SYNC + i;
      return at(appears(busySlice(event * 7919 % services, event)));
    }));
  }
}

/** The slice of Service `i` after change `event`: each endpoint is ready or not. */
function busySlice(i: number, event: number): ReturnType<typeof slice> {
  const endpoints = Array.from({ length: ENDPOINTS }, (_, n) => {
    const ready = (event * 31 + n * 17) % 7 !== 0;
    return `${ready ? "" : "!"}10.${128 + (i >> 12)}.${(i >> 4) & 255}.${(i & 15) * 16 + n}@node-${n}`;
  });
  return slice(`team-${i % 20}/s${i}-a http:8080/tcp ${endpoints.join(" ")}`);
}

if (import.meta.main) {
  const [records = 100_000, services = 2000] = Deno.args.slice(0, 2).map(Number);
  const folder = Deno.args[2] ?? await Deno.makeTempDir();
  try {
    await measure(records, services, folder);
  } finally {
    if (Deno.args[2] === undefined) await Deno.remove(folder, { recursive: true });
  }
}
