// Metrics about syncs, with kube-proxy's names and labels and with ours, read as a scraper reads them.

import assert from "node:assert/strict";
import { METRICS_PAGE, metricsPage } from "../support/reference.ts";
import type { SyncReport } from "../../src/engine/sync_report.ts";
import { newMetrics } from "../../src/serve/metrics.ts";
import { serveMetrics } from "../../src/serve/metrics_server.ts";
import { idleMetrics, PROCESS } from "../support/process_gauged.ts";
import { resourceStatus } from "../support/resource_status.ts";

const REPORT: SyncReport = {
  position: 7,
  records: 3,
  operations: 4,
  bytes: 512,
  microseconds: 1500,
  services: ["shop/web:http"],
  rebuilt: false,
  withoutLocal: new Map([["external ip6", 8]]),
  omitted: new Map([["shop/big:http ip", 4]]),
  aside: 1,
  unfinished: 2,
  contested: 2,
  serviceChanges: 1,
  endpointChanges: 2,
  moved: [{ family: "ip", frontend: "203.0.113.80 . tcp . 80", from: "shop/young", to: "shop/old" }],
  triggers: [],
};

Deno.test("a sync is counted with kube-proxy's names, for both families, and with ours", async () => {
  const metrics = newMetrics({
    status: () => [resourceStatus({ receivedAt: 5000 })],
    gathered: () => ({ services: 5, endpoints: 6 }),
    ledger: () => ({ reason: "No space left on device", records: 12 }),
    past: () => ({ milliseconds: 90_500, isCut: true }),
    problems: () => ["ledger cannot be written"],
    droppedLines: () => 7,
    ...PROCESS,
  });
  metrics.appended(30);
  metrics.drifted("nft");
  metrics.forgot("ip6", 3, 2500);
  metrics.kubeProxy.noteQueued();
  metrics.noteSync({ ...REPORT, rebuilt: true });
  metrics.noteSync({
    ...REPORT,
    triggers: [
      { family: "ip", time: new Date(Date.now() + 10).toISOString() },
      { family: "ip", time: "2020-01-01T00:00:00Z" },
    ],
  });
  metrics.rejected();
  metrics.kubeProxy.noteHealth("healthz", 503);
  const text = await metrics.text();
  const lines = [
    'kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family="IPv4"} 2',
    'kubeproxy_sync_proxy_rules_duration_seconds_bucket{le="0.002",ip_family="IPv6"} 2',
    'kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv6"} 1',
    'kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family="IPv6"} 1',
    'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"} 1',
    "ledgerproxy_frontends_moved_total 2",
    "kubeproxy_sync_proxy_rules_service_changes_total 2",
    "kubeproxy_sync_proxy_rules_endpoint_changes_total 4",
    'kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family="IPv4"} 1',
    'kubeproxy_proxy_healthz_total{code="503"} 1',
    "kubeproxy_sync_proxy_rules_service_changes_pending 5",
    "kubeproxy_sync_proxy_rules_endpoint_changes_pending 6",
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external",ip_family="IPv6"} 8',
    'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="internal",ip_family="IPv4"} 0',
    'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv6"} 3',
    'kubeproxy_conntrack_reconciler_sync_duration_seconds_bucket{le="0.004",ip_family="IPv6"} 1',
    'ledgerproxy_append_duration_seconds_bucket{le="0.000032"} 1',
    'ledgerproxy_drift_total{process="nft"} 1',
    "ledgerproxy_ledger_failing 1",
    "ledgerproxy_ledger_unwritten_records 12",
    "ledgerproxy_ledger_past_seconds 90.5",
    "ledgerproxy_committed_offset 7",
    "ledgerproxy_operations_total 8",
    "ledgerproxy_services_set_aside 1",
    "ledgerproxy_services_unfinished 2",
    "ledgerproxy_frontends_contested 2",
    'ledgerproxy_endpoints_omitted{service_port="shop/big:http ip"} 4',
    'ledgerproxy_source_last_heard_timestamp_seconds{resource="Service"} 5',
    'ledgerproxy_source_followed{resource="Service"} 1',
    'ledgerproxy_problem{reason="ledger cannot be written"} 1',
    'ledgerproxy_problem{reason="own Node not found"} 0',
    "ledgerproxy_log_lines_dropped_total 7",
    'ledgerproxy_faults_total{kind="exception"} 0',
    "ledgerproxy_restarts_total 0",
    'ledgerproxy_http_connections_closed_total{server="health",reason="full"} 0',
    'ledgerproxy_http_accept_failures_total{server="metrics"} 0',
  ];
  assert.doesNotMatch(text, /network_programming_duration_seconds_count\{ip_family="IPv6"\} [1-9]/);
  for (const line of lines) assert.ok(text.split("\n").includes(line), `${line} in\n${text}`);
  assert.match(text, /kubeproxy_sync_proxy_rules_last_timestamp_seconds\{ip_family="IPv4"\} 1\d{9}/);
  assert.match(text, /kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds\{ip_family="IPv4"\} 1\d{9}/);
});

Deno.test("the metrics server answers kube-proxy's paths", async () => {
  const address = { hostname: "127.0.0.1", port: 20_249 };
  const metrics = idleMetrics();
  const pages = {
    config: { mode: "nftables" },
    details: () => ({ node: "Node a was deleted" }),
    about: {
      startedAt: 0,
      version: "1.2.3",
      runtime: "Deno 2",
      flags: { "v": "2", "master": "https://u:pw@api" },
    },
    checks: { healthz: () => false, livez: () => true },
  };
  await using _server = serveMetrics(metrics, pages, address);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`);
    return [response.status, (await response.text()).split("\n")[0]];
  };
  assert.deepEqual(await get("/proxyMode"), [200, "nftables"]);
  assert.deepEqual(await get("/healthz"), [200, "ok"]);
  assert.deepEqual(await get("/configz"), [200, '{"kubeproxy.config.k8s.io":{"mode":"nftables"}}']);
  assert.deepEqual(await get("/details"), [200, '{"node":"Node a was deleted"}']);
  assert.match((await get("/metrics"))[1] as string, /^# HELP /);
  assert.deepEqual((await get("/else"))[0], 404);
});

Deno.test("the page of metrics names every metric with its type and meaning", async () => {
  assert.equal(Deno.readTextFileSync(METRICS_PAGE), await metricsPage(), "run `deno task reference`");
});
