// Metrics about the process and its event loop, and counters that are there before anything was counted.

import assert from "node:assert/strict";
import { secondAfter } from "../../src/second.ts";
import { idleMetrics } from "../support/process_gauged.ts";
import { until } from "../support/until.ts";

Deno.test("the process and the runtime have the names that dashboards use", async () => {
  const metrics = idleMetrics();
  const lines = new Set((await metrics.text()).split("\n"));
  for (
    const line of [
      "process_cpu_seconds_total 1.5",
      "process_resident_memory_bytes 4096",
      "process_start_time_seconds 100.25",
      "process_open_fds 12",
      "process_max_fds 1024",
      'ledgerproxy_build_info{version="1.2.3"} 1',
      'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv6"} 0',
      'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 0',
      'kubeproxy_proxy_livez_total{code="503"} 0',
    ]
  ) assert.ok(lines.has(line), line);
  assert.equal([...lines].filter((line) => /^deno_heap_used_bytes \d+$/.test(line)).length, 1);
});

Deno.test("a timer that runs late is measured", async () => {
  const metrics = idleMetrics();
  using _measuring = metrics.measureLoopDelay();
  /** Timers that were measured, and those that were no more than so late. */
  const counts = async () => {
    const text = await metrics.text();
    const value = (series: RegExp) =>
      Number(new RegExp(`^${series.source} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
    return [
      value(/deno_event_loop_delay_seconds_count/),
      value(/deno_event_loop_delay_seconds_bucket\{le="0.25"\}/),
    ] as const;
  };
  // Blocks the loop until the timer, which is due half a second to one and a half from now, is later than that.
  const end = secondAfter(performance.now()) + 300;
  while (performance.now() < end);
  await until("the late timer has run, and counts as late", async () => {
    const [all, early] = await counts();
    assert.ok(all === 0 || all > early, `${all} timers, ${early} of them in time`);
    return all > 0;
  });
});
