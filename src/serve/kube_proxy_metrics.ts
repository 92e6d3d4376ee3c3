// kube-proxy's metrics (1.37, nftables mode) under their own names, so that dashboards and alerts go on working. Both
// families are committed in one batch, so what they measure is the same for both.

import { Counter, Gauge, Histogram, type Registry } from "./prometheus.ts";
import type { SyncReport } from "../engine/sync_report.ts";

/** What kube-proxy's metrics are made of. */
export interface KubeProxyMetrics {
  noteSync(report: SyncReport): void;
  /** Notes a batch that the kernel refused. */
  noteFailure(): void;
  /** Notes an answer of /healthz or /livez. */
  noteHealth(endpoint: "healthz" | "livez", code: number): void;
}

const FAMILIES = ["IPv4", "IPv6"] as const;
/** 1 ms doubled 15 times (pkg/proxy/metrics). */
const SYNC_BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
/** kube-proxy's buckets of the network programming SLI: 0.25 s to 5 minutes. */
const PROGRAMMING_BUCKETS = [0.25, 0.5, ...range(1, 59, 1), ...range(60, 115, 5), ...range(120, 300, 30)];

/** Adds the metrics to `registry`. Triggers before `startedAt` (milliseconds since 1970) say nothing about us. */
export function kubeProxyMetrics(registry: Registry, startedAt: number): KubeProxyMetrics {
  const registers = [registry];
  const family = { labelNames: ["ip_family"] as const, registers };
  const sync = (kind: string) =>
    new Histogram({
      name: `kubeproxy_sync_${kind}proxy_rules_duration_seconds`,
      help: "Time of a sync",
      buckets: SYNC_BUCKETS,
      ...family,
    });
  const [all, full, partial] = [sync(""), sync("full_"), sync("partial_")];
  const programming = new Histogram({
    name: "kubeproxy_network_programming_duration_seconds",
    help: "Time from the change of an endpoint to its rules",
    buckets: PROGRAMMING_BUCKETS,
    ...family,
  });
  const last = new Gauge({
    name: "kubeproxy_sync_proxy_rules_last_timestamp_seconds",
    help: "When rules were last synced",
    ...family,
  });
  const changes = (what: string) =>
    new Counter({
      name: `kubeproxy_sync_proxy_rules_${what}_changes_total`,
      help: `Changes of ${what}s`,
      registers,
    });
  const [services, endpoints] = [changes("service"), changes("endpoint")];
  const failures = new Counter({
    name: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    help: "Batches that the kernel refused",
    ...family,
  });
  const health = (endpoint: string) =>
    new Counter({
      name: `kubeproxy_proxy_${endpoint}_total`,
      help: `Answers of /${endpoint} by code`,
      labelNames: ["code"] as const,
      registers,
    });
  const answers = { healthz: health("healthz"), livez: health("livez") };
  return {
    noteSync(report) {
      services.inc(report.serviceChanges);
      endpoints.inc(report.endpointChanges);
      const now = Date.now();
      const triggered = report.triggers.map((time) => Date.parse(time)).filter((time) => time >= startedAt);
      for (const ip_family of FAMILIES) {
        const labels = { ip_family };
        all.observe(labels, report.microseconds / 1e6);
        (report.rebuilt ? full : partial).observe(labels, report.microseconds / 1e6);
        last.set(labels, now / 1000);
        for (const time of triggered) programming.observe(labels, (now - time) / 1000);
      }
    },
    noteFailure() {
      for (const ip_family of FAMILIES) failures.inc({ ip_family });
    },
    noteHealth: (endpoint, code) => answers[endpoint].inc({ code: String(code) }),
  };
}
