// Metrics of the proxy in the Prometheus text format. Where the meaning is the same, they have kube-proxy's names.

import { Counter, Gauge, Histogram, Registry } from "./prometheus.ts";
import type { Meter } from "../engine/ports.ts";
import { type Gathered, type SyncReport } from "../engine/sync_report.ts";
import type { LedgerHead } from "../ledger/head.ts";
import type { LedgerFailure } from "../ledger/ledger.ts";
import type { KeptPast } from "../ledger/retention.ts";
import type { ResourceStatus } from "../ingest/source.ts";
import { addConnectionMetrics } from "./connection_metrics.ts";
import type { ConnectionSeries } from "./connection_tally.ts";
import { type ConditionGauged, type ConditionMetrics, conditionMetrics } from "./condition_metrics.ts";
import { addProcessMetrics, measureLoopDelay, type ProcessFacts } from "./process_metrics.ts";
import { type RestClientMetrics, restClientMetrics } from "./rest_client_metrics.ts";
import { type KubeProxyMetrics, kubeProxyMetrics } from "./kube_proxy_metrics.ts";

/** All metrics of the process. */
export interface Metrics extends Meter {
  /** Counts one sync. */
  noteSync(report: SyncReport): void;
  /** Publishes a head of the ledger, so that every scraper is a witness of it. */
  noteHead(head: LedgerHead): void;
  /** Counts connections that were ended because their endpoint was gone. */
  cut(count: number): void;
  /** The metrics with kube-proxy's names. */
  readonly kubeProxy: KubeProxyMetrics;
  /** The metrics about the program itself. */
  readonly condition: ConditionMetrics;
  /** The metrics about requests to the API server. */
  readonly rest: RestClientMetrics;
  /** Begins to measure how late timers run. Dispose of the result to stop. */
  measureLoopDelay(): Disposable;
  /** The text for a scraper. */
  text(): Promise<string>;
}

/** When the API server last sent a byte, by resource. */
export const LAST_BYTE_METRIC = "ledgerproxy_source_last_heard_timestamp_seconds";

/** kube-proxy's buckets of sync durations, 1 ms doubled, continued downwards: 16 us doubled 20 times. */
const SYNC_BUCKETS = Array.from({ length: 20 }, (_, i) => 0.000016 * 2 ** i);

/** Values that are read when a scraper reads the metrics. */
export interface Gauged extends ConditionGauged {
  /** The state of each watched resource; empty where the source is not an API server. */
  status(): readonly ResourceStatus[];
  /** Changes that wait for a commit. */
  gathered(): Pick<Gathered, "services" | "endpoints">;
  /** Why records wait in memory; undefined while the ledger can be written. */
  ledger(): LedgerFailure | undefined;
  /** How far back the ledger reaches; undefined where that is not known. */
  past?(): KeptPast | undefined;
  /** Connections by Service; undefined where they are not counted. */
  connections?(): Promise<ConnectionSeries | undefined>;
  /** What the kernel counts for the process; undefined where it cannot be read. */
  process(): ProcessFacts | undefined;
  /** Versions, as labels of the build info. */
  readonly build: Readonly<Record<string, string>>;
}

/** Makes the metrics. Gauges read their values from the given functions. */
export function newMetrics(
  { status, gathered, ledger, connections, process, build, ...gauged }: Gauged,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  addSourceMetrics(registry, status);
  addLedgerMetrics(registry, ledger, gauged.past);
  addConnectionMetrics(registry, connections);
  addProcessMetrics(registry, process, build);
  const kubeProxy = kubeProxyMetrics(registry, Date.now(), gathered);
  const condition = conditionMetrics(registry, gauged);
  const duration = new Histogram({
    name: "ledgerproxy_commit_duration_seconds",
    help: "Time of one commit in the kernel",
    buckets: SYNC_BUCKETS,
    registers,
  });
  const append = new Histogram({
    name: "ledgerproxy_append_duration_seconds",
    help: "Time to write the records of one batch to the ledger",
    buckets: SYNC_BUCKETS,
    registers,
  });
  const drift = new Counter({
    name: "ledgerproxy_drift_total",
    help: "Batches of other programs that changed our tables",
    labelNames: ["process"] as const,
    registers,
  });
  const operations = new Counter({
    name: "ledgerproxy_operations_total",
    help: "nftables operations committed",
    registers,
  });
  let last: SyncReport | undefined;
  addSyncMetrics(registry, () => last);
  const moved = new Counter({
    name: "ledgerproxy_frontends_moved_total",
    help: "Addresses and NodePorts in use that went to another Service",
    registers,
  });
  const cut = new Counter({
    name: "ledgerproxy_connections_cut_total",
    help: "Connections ended because their endpoint was gone",
    registers,
  });
  return {
    kubeProxy,
    condition,
    rest: restClientMetrics(registry),
    measureLoopDelay: () => measureLoopDelay(registry),
    cut: (count) => cut.inc(count),
    rejected: () => kubeProxy.rejected(),
    forgot: (...forgotten) => kubeProxy.forgot(...forgotten),
    drifted: (process) => drift.inc({ process }),
    appended: (microseconds) => append.observe(microseconds / 1e6),
    ...headMetric(registry),
    noteSync(report) {
      kubeProxy.noteSync(report);
      if (report.operations > 0) duration.observe(report.microseconds / 1e6);
      operations.inc(report.operations);
      if (report.moved.length > 0) moved.inc(report.moved.length);
      last = report;
    },
    text: () => registry.metrics(),
  };
}

/** Gauges of the state after the `last` sync, read when a scraper reads them: a label's text costs more than a sync's report. */
function addSyncMetrics(registry: Registry, last: () => SyncReport | undefined): void {
  const gauge = (name: string, help: string, value: (report: SyncReport) => number) =>
    new Gauge({
      name: `ledgerproxy_${name}`,
      help,
      registers: [registry],
      collect() {
        const report = last();
        if (report !== undefined) this.set(value(report));
      },
    });
  gauge("committed_offset", "Offset of the last record that the rules follow", ({ position }) => position);
  gauge(
    "services_set_aside",
    "Services that are not served because they are too large or their rules are refused, until they change",
    ({ aside }) => aside,
  );
  gauge(
    "services_unfinished",
    "Services whose rules are made in steps and not complete, as of the last sync",
    ({ unfinished }) => unfinished,
  );
  gauge(
    "frontends_contested",
    "Frontends that more than one Service claims; one of them has each",
    ({ contested }) => contested,
  );
  new Gauge({
    name: "ledgerproxy_endpoints_omitted",
    help: "Ready endpoints without a slot because their ServicePort has more than the largest slot class",
    labelNames: ["service_port"] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [name, count] of last()?.omitted ?? []) this.set({ service_port: name }, count);
    },
  });
}

/** The metric that `readHeads` reads (src/ledger/head.ts). */
function headMetric(registry: Registry): Pick<Metrics, "noteHead"> {
  const head = new Gauge({
    name: "ledgerproxy_ledger_head_info",
    help:
      "A place of the ledger and the hash chain there, for verify --witness; another one every 15 minutes",
    labelNames: ["ledger", "offset", "chain"] as const,
    registers: [registry],
  });
  return {
    noteHead({ ledger, next, chain }) {
      head.reset();
      head.set({ ledger, offset: String(next), chain }, 1);
    },
  };
}

/** Metrics about a ledger that cannot be written, and about how far back it reaches. */
function addLedgerMetrics(registry: Registry, ledger: Gauged["ledger"], past: Gauged["past"]): void {
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name: `ledgerproxy_ledger_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  gauge("failing", "1 while the ledger cannot be written, else 0", () => ledger() === undefined ? 0 : 1);
  gauge("unwritten_records", "Records that wait in memory", () => ledger()?.records ?? 0);
  gauge(
    "past_seconds",
    "How far back the ledger reached at its last snapshot, in its own days; 0 while that is not known",
    () => (past?.()?.milliseconds ?? 0) / 1000,
  );
}

/** Metrics about each watch: when its last byte was received, whether it is followed, how often it was listed. */
function addSourceMetrics(registry: Registry, status: Gauged["status"]): void {
  const gauge = (name: string, help: string, value: (status: ResourceStatus) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ["resource"] as const,
      registers: [registry],
      collect() {
        for (const one of status()) this.set({ resource: one.kind }, value(one));
      },
    });
  gauge(
    LAST_BYTE_METRIC,
    "When the API server last sent a byte",
    ({ receivedAt }) => receivedAt / 1000,
  );
  gauge(
    "ledgerproxy_source_followed",
    "1 while a watch is running, else 0",
    ({ problem, reason }) => problem === "" || reason === "unconfirmed" ? 1 : 0,
  );
  gauge(
    "ledgerproxy_source_unconfirmed",
    "1 while a list that would remove much waits for another one to confirm it, else 0",
    ({ reason }) => reason === "unconfirmed" ? 1 : 0,
  );
  gauge("ledgerproxy_source_lists", "Lists received since the start", ({ lists }) => lists);
}
