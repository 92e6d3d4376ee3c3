// kube-proxy's metrics (1.37, nftables mode) under their own names, so that dashboards and alerts go on working. Both
// families are committed in one batch, so what they measure is the same for both.

import { Counter, Gauge, Histogram, type Registry } from "./prometheus.ts";
import type { Meter } from "../engine/run_loop.ts";
import type { Gathered, SyncReport } from "../engine/sync_report.ts";

/** What kube-proxy's metrics are made of. */
export interface KubeProxyMetrics extends Pick<Meter, "rejected" | "forgot"> {
  /** Notes that changes have come that can be acted on. */
  noteQueued(): void;
  noteSync(report: SyncReport): void;
  /** Notes an answer of /healthz or /livez. */
  noteHealth(endpoint: "healthz" | "livez", code: number): void;
}

/** kube-proxy's names of the families. */
const IP_FAMILIES = { ip: "IPv4", ip6: "IPv6" } as const;
const FAMILIES = Object.values(IP_FAMILIES);
/** 1 ms doubled 15 times (pkg/proxy/metrics). */
const SYNC_BUCKETS = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i);
const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
/** kube-proxy's buckets of the network programming SLI: 0.25 s to 5 minutes. */
const PROGRAMMING_BUCKETS = [0.25, 0.5, ...range(1, 59, 1), ...range(60, 115, 5), ...range(120, 300, 30)];

/**
 * Adds the metrics to `registry`. Triggers before `startedAt` (milliseconds since 1970) say nothing about us. `gathered`:
 * changes that wait for a commit.
 */
export function kubeProxyMetrics(
  registry: Registry,
  startedAt: number,
  gathered: () => Pick<Gathered, "services" | "endpoints">,
): KubeProxyMetrics {
  const registers = [registry];
  const family = { labelNames: ["ip_family"] as const, registers };
  const sync = (kind: string) =>
    new Histogram({
      name: `kubeproxy_sync_${kind}proxy_rules_duration_seconds`,
      help: "Time of a sync, from changes that are read to rules in the kernel",
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
  const timestamp = (name: string, help: string) =>
    new Gauge({ name: `kubeproxy_sync_proxy_rules_${name}_seconds`, help, ...family });
  const last = timestamp("last_timestamp", "When rules were last synced");
  const queued = timestamp("last_queued_timestamp", "When changes last came");
  const withoutLocal = new Gauge({
    name: "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    help: "ServicePorts whose Local policy leaves them without endpoints, though there are some elsewhere",
    labelNames: ["traffic_policy", "ip_family"] as const,
    registers,
  });
  for (const what of ["service", "endpoint"] as const) {
    new Gauge({
      name: `kubeproxy_sync_proxy_rules_${what}_changes_pending`,
      help: `Changes of ${what}s that wait for a commit`,
      registers,
      collect() {
        this.set(gathered()[`${what}s`]);
      },
    });
  }
  const reconciled = new Histogram({
    name: "kubeproxy_conntrack_reconciler_sync_duration_seconds",
    help: "Time to find and forget stale UDP flows",
    buckets: SYNC_BUCKETS,
    ...family,
  });
  const forgotten = new Counter({
    name: "kubeproxy_conntrack_reconciler_deleted_entries_total",
    help: "Stale UDP flows forgotten",
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
  /** When the changes came that the next sync is about, as performance.now() counts; undefined while there are none. */
  let since: number | undefined;
  return {
    noteSync(report) {
      services.inc(report.serviceChanges);
      endpoints.inc(report.endpointChanges);
      const now = Date.now();
      const seconds = since === undefined ? report.microseconds / 1e6 : (performance.now() - since) / 1000;
      since = undefined;
      const triggered = report.triggers.map(({ family, time }) => ({ family, time: Date.parse(time) }))
        .filter(({ time }) => time >= startedAt);
      for (const ip_family of FAMILIES) {
        const labels = { ip_family };
        all.observe(labels, seconds);
        (report.rebuilt ? full : partial).observe(labels, seconds);
        last.set(labels, now / 1000);
        const family = ip_family === IP_FAMILIES.ip ? "ip" : "ip6";
        for (const traffic_policy of ["internal", "external"] as const) {
          const count = report.withoutLocal.get(`${traffic_policy} ${family}`) ?? 0;
          withoutLocal.set({ traffic_policy, ip_family }, count);
        }
        for (const trigger of triggered) {
          if (trigger.family === family) programming.observe(labels, (now - trigger.time) / 1000);
        }
      }
    },
    noteQueued() {
      since ??= performance.now();
      for (const ip_family of FAMILIES) queued.set({ ip_family }, Date.now() / 1000);
    },
    rejected() {
      for (const ip_family of FAMILIES) failures.inc({ ip_family });
    },
    forgot(family, flows, microseconds) {
      const labels = { ip_family: IP_FAMILIES[family] };
      reconciled.observe(labels, microseconds / 1e6);
      forgotten.inc(labels, flows);
    },
    noteHealth: (endpoint, code) => answers[endpoint].inc({ code: String(code) }),
  };
}
