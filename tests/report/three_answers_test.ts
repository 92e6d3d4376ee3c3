// The command line, a report's page and the library give the same answer to the same question. What the page shows is worked out in the
// browser, from the records of its window, by code of its own: so each question is asked of the whole ledger and of windows of it.

import assert from "node:assert/strict";
import { outagesIn } from "../../src/history/outages.ts";
import { ascending, percentile } from "../../src/history/percentile.ts";
import type { FrontendState, ServiceState } from "../../src/history/services.ts";
import type { StageLatency } from "../../src/history/change_latency.ts";
import { windowOf } from "../../src/history/window.ts";
import { openLedger, openPast } from "../../src/library/open_ledger.ts";
import { folderStorage } from "../../src/ledger/storage.ts";
import { figuresOf } from "../../src/report/figures.ts";
import { reportData } from "../../src/report/report_data.ts";
import { type PortView, portViews, serviceNames } from "../../src/report/service_view.ts";
import { measuredRecords, timelineOf } from "../../src/report/timeline.ts";
import { ledgerproxy } from "../support/open_report.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { writeCommitted } from "../support/past.ts";
import { writeEvening } from "../support/report_ledger.ts";
import { WEB_BATCHES } from "../support/web_history.ts";

/** The beginnings of the windows: the whole ledger, and parts of it. */
const SINCE = [undefined, 40, 250] as const;

/** The evening, in which a Service of a Local policy has endpoints on other nodes alone, and what was recorded in each way. */
async function withEvening(look: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    writeEvening(folder);
    await look(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What a page of the window after `since` has. */
function pageOf(folder: string, since: number | undefined) {
  const past = openPast(folder);
  const window = windowOf(past, {
    ...(since === undefined ? {} : { since: { kind: "offset", offset: since } }),
    records: 20_000,
    bytes: Infinity,
  })!;
  const through = window.first + window.records.length - 1;
  const outages = outagesIn(past, { from: window.first, through });
  const data = reportData(window, past.id(), "0", outages);
  return { data, through, timeline: timelineOf(data) };
}

/** `--since` as the command line has it, and the library. */
const asked = (since: number | undefined) => since === undefined ? [] : ["--since", `@${since}`];
const range = (since: number | undefined) => since === undefined ? {} : { since: `@${since}` };

/** The figures that all three give of a stage. */
const numbers = (sorted: readonly number[]) => [
  sorted.length,
  ...[0.5, 0.99, 1].map((rank) => percentile(sorted, rank) ?? null),
];

Deno.test("latencies are the same on the command line, on the page and in the library", () =>
  withEvening(async (folder) => {
    for (const since of SINCE) {
      const { timeline } = pageOf(folder, since);
      const { triggerToArrival, syncs } = figuresOf(measuredRecords(timeline));
      const page = [
        triggerToArrival,
        syncs.flatMap(({ fromArrival }) => fromArrival),
        syncs.flatMap(({ fromTrigger }) => fromTrigger),
      ].map((stage) => numbers(ascending(stage)));
      const answerOf = ({ stages }: { readonly stages: readonly StageLatency[] }) =>
        stages.map(({ count, p50, p99, worst }) => [count, p50, p99, worst?.milliseconds ?? null]);
      const library = answerOf(openLedger(folder).latency(range(since)));
      const command = answerOf(
        JSON.parse(await ledgerproxy("latency", ...asked(since), "--ledger", folder, "--json")),
      );
      assert.deepEqual(page, library, `page, after ${since}`);
      assert.deepEqual(command, library, `command line, after ${since}`);
      assert.ok(library.every(([count]) => count! > 10), "there is something to compare");
    }
  }));

Deno.test("outages are the same on the command line, on the page and in the library", () =>
  withEvening(async (folder) => {
    for (const since of SINCE) {
      const library = openLedger(folder).outages(range(since));
      const lines = (await ledgerproxy("outages", ...asked(since), "--ledger", folder, "--json")).trim()
        .split("\n");
      const command = lines.map((line) => JSON.parse(line)).map(({ schema: _, ...outage }) => outage);
      assert.deepEqual(pageOf(folder, since).data.outages, library, `page, after ${since}`);
      assert.deepEqual(command, library, `command line, after ${since}`);
      assert.ok(library.length > 0);
    }
  }));

/** A frontend in the words of the page, which names a holder beside what a frontend leads to. */
const frontendText = ({ kind, text, leads, holder }: FrontendState) =>
  `${kind} ${text.slice(0, text.lastIndexOf("/"))} ${leads === "held" ? `held by ${holder}` : leads}`;

/** What both say of a Service: where frontends lead, which traffic endpoints get, settings, whether it is set aside. */
function ofLibrary({ service, type, frontends, endpoints, policies, aside }: ServiceState) {
  return {
    service,
    type: frontends.length === 0 ? "" : type,
    frontends: frontends.map(frontendText).sort(),
    endpoints: endpoints.map((one) => `${one.endpoint} ${one.node} ${one.condition} ${one.traffic}`).sort(),
    policies: frontends.length === 0 ? [] : policies.toSorted(),
    aside: frontends.length === 0 ? "" : aside,
  };
}

function ofPage(service: string, ports: readonly PortView[]) {
  const holder = (name: string | undefined) => name?.replace(/:[^:]*$/, "");
  return {
    service,
    type: ports[0]?.type ?? "",
    frontends: ports.flatMap(({ frontends }) =>
      frontends.map((one) =>
        `${one.kind} ${one.text} ${one.holder === undefined ? one.leads : `held by ${holder(one.holder)}`}`
      )
    ).sort(),
    endpoints: ports.flatMap(({ endpoints }) =>
      endpoints.map((one) => `${one.text} ${one.node} ${one.condition} ${one.traffic}`)
    ).sort(),
    policies: [...new Set(ports.flatMap(({ policies }) => policies))].sort(),
    aside: ports[0]?.aside ?? "",
  };
}

/** Compares all Services at every `step`-th position; returns what frontends led to. */
async function compareServices(
  folder: string,
  step: number,
  windows: readonly (number | undefined)[],
): Promise<Set<string>> {
  const seen = new Set<string>();
  const history = openLedger(folder);
  for (const since of windows) {
    const { data, through, timeline } = pageOf(folder, since);
    for (let at = data.first; at <= through; at += step) {
      timeline.moveTo(at);
      const library = history.services(undefined, `@${at}`).map(ofLibrary);
      const page = serviceNames(timeline.view).map((name) => ofPage(name, portViews(timeline.view, name)));
      assert.deepEqual(page, library, `at @${at} of the window after ${since}`);
      for (const { frontends } of library) for (const one of frontends) seen.add(one.replace(/^.*\d /, ""));
    }
    const lines = (await ledgerproxy("services", "--at", `@${through}`, "--ledger", folder, "--json")).trim()
      .split("\n");
    assert.deepEqual(
      lines.map((line) => ofLibrary(JSON.parse(line))),
      history.services(undefined, `@${through}`).map(ofLibrary),
      "command line",
    );
  }
  return seen;
}

Deno.test("Services are the same on the command line, on the page and in the library", async () => {
  await withEvening(async (folder) => {
    assert.deepEqual([...await compareServices(folder, 23, SINCE)].sort(), [
      "dropped",
      "endpoints",
      "refused",
    ]);
  });
  const folder = await Deno.makeTempDir();
  const external = { externalIPs: ["192.0.2.9"] };
  writeCommitted(folderStorage(folder, true), [
    ...WEB_BATCHES,
    [
      appears(service("a/old 10.96.0.71 http:80/tcp", "2026-01-01T00:00:00Z", external)),
      appears(service("b/young 10.96.0.72 http:80/tcp", "2026-02-01T00:00:00Z", external)),
      appears(slice("b/young-a http:8080/tcp 10.244.0.71@node-b")),
    ],
  ]);
  const seen = await compareServices(folder, 1, [undefined, 9]);
  assert.ok(seen.has("held by a/old"), [...seen].join());
  await Deno.remove(folder, { recursive: true });
});
