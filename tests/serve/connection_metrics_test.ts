// The text that a scraper gets about connections.

import assert from "node:assert/strict";
import { newMetrics } from "../../src/serve/metrics.ts";
import type { ConnectionSeries } from "../../src/serve/connection_tally.ts";
import { PROCESS } from "../support/process_gauged.ts";

/** The lines with connections in a scrape, and how often it asked for them. */
async function scraped(series: ConnectionSeries | undefined): Promise<{ lines: string[]; asked: number }> {
  let asked = 0;
  const metrics = newMetrics({
    status: () => [],
    gathered: () => ({ services: 0, endpoints: 0 }),
    ledger: () => undefined,
    problems: () => [],
    droppedLines: () => 0,
    connections() {
      asked++;
      return Promise.resolve(series);
    },
    ...PROCESS,
  });
  const lines = (await metrics.text()).split("\n");
  return { lines: lines.filter((line) => /^\w+(_connections_total|_uncounted_\w+)\b/.test(line)), asked };
}

Deno.test("a scrape asks once, and has a series for each of the busiest Services and outcomes, and one for the others", async () => {
  const { lines, asked } = await scraped({
    services: new Map([["shop/web", { served: 12, refused: 0 }], ["shop/none", { served: 0, refused: 4 }]]),
    others: { served: 7, refused: 1 },
    uncounted: 2,
  });
  const of = (name: string, outcome: string, count: number) =>
    `ledgerproxy_service_connections_total{namespace="shop",service="${name}",outcome="${outcome}"} ${count}`;
  assert.deepEqual(lines, [
    ...[of("web", "served", 12), of("web", "refused", 0), of("none", "served", 0), of("none", "refused", 4)],
    'ledgerproxy_other_services_connections_total{outcome="served"} 7',
    'ledgerproxy_other_services_connections_total{outcome="refused"} 1',
    "ledgerproxy_uncounted_elements_total 2",
  ]);
  assert.equal(asked, 1);
});

Deno.test("where nothing counts there are no series of connections", async () => {
  const { lines } = await scraped(undefined);
  assert.deepEqual(lines.filter((line) => !line.startsWith("ledgerproxy_uncounted_elements_total")), []);
});
