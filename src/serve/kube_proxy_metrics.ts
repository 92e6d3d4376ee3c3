// kube-proxy's metrics (1.37, nftables mode) under their own names, so that dashboards and alerts go on working. One batch
// commits both families, so each value is the same for both.

import { Counter, Gauge, Histogram, type Registry } from "./prometheus.ts";
import type { Family } from "../nft/data_type.ts";
import type { Meter } from "../engine/ports.ts";
import type { Gathered, SyncReport } from "../engine/sync_report.ts";

/** Receives what kube-proxy's metrics count. */
export interface KubeProxyMetrics extends Pick<Meter, "rejected" | "forgot"> {
  /** Notes that changes were received that a sync must apply. */
  noteQueued(): void;
  /** Notes that what was received had no change in it, and nothing waits for a sync. */
  noteUnchanged(): void;
  noteSync(report: SyncReport): void;
  /** Counts an answer of /healthz or /livez. */
  noteHealth(endpoint: "healthz" | "livez", code: number): void;
  /** Sets how many NodePorts are served on loopback. */
  noteLocalhostPorts(family: Family, count: number): void;
  /** Counts a NodePort that cannot be served on loopback. */
  noteLocalhostFailure(family: Family): void;
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

/** Name and help of a metric. */
interface Described {
  readonly name: string;
  readonly help: string;
}

/**
 * Adds the metrics to `registry`. Changes that began before `startedAt` (milliseconds since 1970) are not measured: their
 * delay is not this program's. `gathered`: changes that wait for a commit.
 */
export function kubeProxyMetrics(
  registry: Registry,
  startedAt: number,
  gathered: () => Pick<Gathered, "services" | "endpoints">,
): KubeProxyMetrics {
  addPending(registry, gathered);
  const parts = [
    durations(registry),
    programming(registry, startedAt),
    withoutLocal(registry),
    changes(registry),
  ];
  let queuedAt: number | undefined;
  addPerFamily(
    registry,
    timestamp("last_queued_timestamp", "When changes were last received"),
    () => queuedAt,
  );
  const failures = new Counter({
    name: "kubeproxy_sync_proxy_rules_nftables_sync_failures_total",
    help: "Batches that the kernel refused",
    ...family(registry),
  });
  for (const ip_family of FAMILIES) failures.inc({ ip_family }, 0);
  /** When the first change came that the next sync applies, as performance.now() counts; undefined while there is none. */
  let since: number | undefined;
  return {
    noteSync(report) {
      const seconds = since === undefined ? report.microseconds / 1e6 : (performance.now() - since) / 1000;
      since = undefined;
      for (const note of parts) note(report, seconds);
    },
    noteQueued() {
      since ??= performance.now();
      queuedAt = Date.now() / 1000;
    },
    noteUnchanged() {
      since = undefined;
    },
    rejected() {
      for (const ip_family of FAMILIES) failures.inc({ ip_family });
    },
    ...conntrack(registry),
    ...healthAnswers(registry),
    ...localhostPorts(registry),
  };
}

/** Counts one sync, which took `seconds` from the first change that was received. */
type SyncNote = (report: SyncReport, seconds: number) => void;

/** The label and the registry of a metric that has a value for each family. */
function family(registry: Registry) {
  return { labelNames: ["ip_family"] as const, registers: [registry] };
}

/** Name and help of a metric that is a time. */
function timestamp(name: string, help: string): Described {
  return { name: `kubeproxy_sync_proxy_rules_${name}_seconds`, help };
}

/** A gauge that has the same value for both families, read when a scraper reads it; absent while it is undefined. */
function addPerFamily(registry: Registry, described: Described, value: () => number | undefined): void {
  new Gauge({
    ...described,
    ...family(registry),
    collect() {
      const now = value();
      if (now !== undefined) { for (const ip_family of FAMILIES) this.set({ ip_family }, now); }
    },
  });
}

/** How long syncs take: all of them, and by whether the skeleton was written too. */
function durations(registry: Registry): SyncNote {
  const sync = (kind: string, which: string) =>
    new Histogram({
      name: `kubeproxy_sync_${kind}proxy_rules_duration_seconds`,
      help: `Time of a sync${which}, from changes that are read to rules in the kernel`,
      buckets: SYNC_BUCKETS,
      ...family(registry),
    });
  const [all, full, partial] = [
    sync("", ""),
    sync("full_", " that makes the tables anew"),
    sync("partial_", " that changes elements alone"),
  ];
  for (const ip_family of FAMILIES) {
    for (const histogram of [all, full, partial]) histogram.zero({ ip_family });
  }
  let syncedAt: number | undefined;
  addPerFamily(registry, timestamp("last_timestamp", "When rules were last synced"), () => syncedAt);
  return ({ rebuilt }, seconds) => {
    syncedAt = Date.now() / 1000;
    for (const ip_family of FAMILIES) {
      all.observe(seconds, { ip_family });
      (rebuilt ? full : partial).observe(seconds, { ip_family });
    }
  };
}

/** The network programming SLI: from the change of pods or Service to the rules in the kernel. */
function programming(registry: Registry, startedAt: number): SyncNote {
  const histogram = new Histogram({
    name: "kubeproxy_network_programming_duration_seconds",
    help: "Time from the change of an endpoint to its rules",
    buckets: PROGRAMMING_BUCKETS,
    ...family(registry),
  });
  for (const ip_family of FAMILIES) histogram.zero({ ip_family });
  return ({ triggers }) => {
    const now = Date.now();
    for (const { family, time } of triggers) {
      const began = Date.parse(time);
      if (began >= startedAt) histogram.observe((now - began) / 1000, { ip_family: IP_FAMILIES[family] });
    }
  };
}

/** ServicePorts that a Local policy leaves without endpoints on this node. */
function withoutLocal(registry: Registry): SyncNote {
  let last: SyncReport | undefined;
  new Gauge({
    name: "kubeproxy_sync_proxy_rules_no_local_endpoints_total",
    help: "ServicePorts whose Local policy leaves them without endpoints, though there are some elsewhere",
    labelNames: ["traffic_policy", "ip_family"] as const,
    registers: [registry],
    collect() {
      if (last === undefined) return;
      for (const traffic_policy of ["internal", "external"] as const) {
        for (const family of ["ip", "ip6"] as const) {
          const count = last.withoutLocal.get(`${traffic_policy} ${family}`) ?? 0;
          this.set({ traffic_policy, ip_family: IP_FAMILIES[family] }, count);
        }
      }
    },
  });
  return (report) => last = report;
}

/** What the names of metrics call these objects, as help calls them. */
const NOUNS = { service: "Services", endpoint: "endpoints" } as const;

/** How many Services and slices changed. */
function changes(registry: Registry): SyncNote {
  const counter = (what: keyof typeof NOUNS) =>
    new Counter({
      name: `kubeproxy_sync_proxy_rules_${what}_changes_total`,
      help: `Changes of ${NOUNS[what]}`,
      registers: [registry],
    });
  const [services, endpoints] = [counter("service"), counter("endpoint")];
  return ({ serviceChanges, endpointChanges }) => {
    services.inc(serviceChanges);
    endpoints.inc(endpointChanges);
  };
}

/** Changes that wait for a commit, read when a scraper reads them. */
function addPending(registry: Registry, gathered: () => Pick<Gathered, "services" | "endpoints">): void {
  for (const what of ["service", "endpoint"] as const) {
    new Gauge({
      name: `kubeproxy_sync_proxy_rules_${what}_changes_pending`,
      help: `Changes of ${NOUNS[what]} that wait for a commit`,
      registers: [registry],
      collect() {
        this.set(gathered()[`${what}s`]);
      },
    });
  }
}

/** Metrics of the deletion of stale UDP flows. */
function conntrack(registry: Registry): Pick<KubeProxyMetrics, "forgot"> {
  const reconciled = new Histogram({
    name: "kubeproxy_conntrack_reconciler_sync_duration_seconds",
    help: "Time to find and delete stale UDP flows in connection tracking",
    buckets: SYNC_BUCKETS,
    ...family(registry),
  });
  const forgotten = new Counter({
    name: "kubeproxy_conntrack_reconciler_deleted_entries_total",
    help: "Stale UDP flows deleted from connection tracking",
    ...family(registry),
  });
  for (const ip_family of FAMILIES) {
    reconciled.zero({ ip_family });
    forgotten.inc({ ip_family }, 0);
  }
  return {
    forgot(family, flows, microseconds) {
      const labels = { ip_family: IP_FAMILIES[family] };
      reconciled.observe(microseconds / 1e6, labels);
      forgotten.inc(labels, flows);
    },
  };
}

/** Counts the answers of the health endpoints. */
function healthAnswers(registry: Registry): Pick<KubeProxyMetrics, "noteHealth"> {
  const counter = (endpoint: string) =>
    new Counter({
      name: `kubeproxy_proxy_${endpoint}_total`,
      help: `Answers of /${endpoint} by code`,
      labelNames: ["code"] as const,
      registers: [registry],
    });
  const answers = { healthz: counter("healthz"), livez: counter("livez") };
  for (const answer of Object.values(answers)) for (const code of ["200", "503"]) answer.inc({ code }, 0);
  return { noteHealth: (endpoint, code) => answers[endpoint].inc({ code: String(code) }) };
}

/** NodePorts that are served on loopback. */
function localhostPorts(
  registry: Registry,
): Pick<KubeProxyMetrics, "noteLocalhostPorts" | "noteLocalhostFailure"> {
  const listeners = new Gauge({
    name: "kubeproxy_nftables_localhost_nodeport_listeners",
    help: "NodePorts that are served on loopback",
    ...family(registry),
  });
  const failures = new Counter({
    name: "kubeproxy_nftables_localhost_nodeport_listener_creation_failures_total",
    help: "NodePorts that could not be served on loopback",
    ...family(registry),
  });
  for (const ip_family of FAMILIES) {
    listeners.set({ ip_family }, 0);
    failures.inc({ ip_family }, 0);
  }
  return {
    noteLocalhostPorts: (family, count) => listeners.set({ ip_family: IP_FAMILIES[family] }, count),
    noteLocalhostFailure: (family) => failures.inc({ ip_family: IP_FAMILIES[family] }),
  };
}
