// A Grafana dashboard (schema 39) of the proxy. Panels are a table here; the layout follows from their order.

import { LAST_BYTE_METRIC } from "../serve/metrics.ts";

/** A panel: one question and the queries that answer it. */
interface Panel {
  readonly title: string;
  readonly description: string;
  /** Grafana's unit: `s`, `bytes`, `short`, `ops`. */
  readonly unit: string;
  /** PromQL by legend. `TARGET` stands for the matchers of job and instance. */
  readonly queries: Readonly<Record<string, string>>;
}

const WINDOW = "$__rate_interval";
const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{TARGET}[${WINDOW}])))`;
const rate = (metric: string, by: string) => `sum by (${by}) (rate(${metric}{TARGET}[${WINDOW}]))`;

/** The panels, what is wrong first. */
export const PANELS: readonly Panel[] = [
  {
    title: "Problems",
    description: "The reasons that /healthz names",
    unit: "short",
    queries: { "{{reason}}": "sum by (reason) (ledgerproxy_problem{TARGET}) > 0" },
  },
  {
    title: "Nodes up",
    description: "Targets that can be scraped",
    unit: "short",
    queries: { up: "sum(up{TARGET})" },
  },
  {
    title: "Not served, contested, moved",
    description:
      "Services set aside, frontends that several Services claim, frontends that went to another Service",
    unit: "short",
    queries: {
      "set aside": "max(ledgerproxy_services_set_aside{TARGET})",
      contested: "max(ledgerproxy_frontends_contested{TARGET})",
      moved: `sum(increase(ledgerproxy_frontends_moved_total{TARGET}[${WINDOW}]))`,
    },
  },
  {
    title: "Drift",
    description: "Changes of our tables by other programs",
    unit: "short",
    queries: { "{{process}}": `sum by (process) (increase(ledgerproxy_drift_total{TARGET}[${WINDOW}]))` },
  },
  {
    title: "From a change of an endpoint to its rules",
    description: "The network programming SLI",
    unit: "s",
    queries: {
      p50: quantile(0.5, "kubeproxy_network_programming_duration_seconds"),
      p99: quantile(0.99, "kubeproxy_network_programming_duration_seconds"),
    },
  },
  {
    title: "Commit in the kernel",
    description: "Time of one netlink batch",
    unit: "s",
    queries: {
      p50: quantile(0.5, "ledgerproxy_commit_duration_seconds"),
      p99: quantile(0.99, "ledgerproxy_commit_duration_seconds"),
    },
  },
  {
    title: "Syncs and changes",
    description: "Syncs, changes of Services and of endpoints, and nftables operations a second",
    unit: "ops",
    queries: {
      syncs: rate("kubeproxy_sync_proxy_rules_duration_seconds_count", "job"),
      "Service changes": rate("kubeproxy_sync_proxy_rules_service_changes_total", "job"),
      "endpoint changes": rate("kubeproxy_sync_proxy_rules_endpoint_changes_total", "job"),
      operations: rate("ledgerproxy_operations_total", "job"),
    },
  },
  {
    title: "Ledger",
    description: "Time to append a batch, and records that wait because the disk fails",
    unit: "short",
    queries: {
      "append p99, s": quantile(0.99, "ledgerproxy_append_duration_seconds"),
      "waiting records": "sum(ledgerproxy_ledger_unwritten_records{TARGET})",
    },
  },
  {
    title: "API server: age of the last byte",
    description: "By resource; a watch has bookmarks about once a minute",
    unit: "s",
    queries: {
      "{{resource}}": `time() - min by (resource) (${LAST_BYTE_METRIC}{TARGET})`,
    },
  },
  {
    title: "API server: requests",
    description: "Answers by code",
    unit: "ops",
    queries: { "{{code}}": rate("rest_client_requests_total", "code") },
  },
  {
    title: "CPU",
    description: "Of the process, in cores",
    unit: "short",
    queries: { "{{instance}}": rate("process_cpu_seconds_total", "instance") },
  },
  {
    title: "Memory",
    description: "Resident memory of the process, and the JavaScript heap in use",
    unit: "bytes",
    queries: {
      "{{instance}}": "process_resident_memory_bytes{TARGET}",
      "heap {{instance}}": "deno_heap_used_bytes{TARGET}",
    },
  },
  {
    title: "Event loop",
    description: "How late timers run: what blocks the loop delays every change",
    unit: "s",
    queries: { p99: quantile(0.99, "deno_event_loop_delay_seconds") },
  },
];

const TARGET = 'job=~"$job", instance=~"$instance"';
const COLUMNS = 2;
const SIZE = { w: 24 / COLUMNS, h: 7 };

/** The dashboard as JSON, for Grafana's import or a ConfigMap. */
export function dashboard(): unknown {
  return {
    title: "ledgerproxy",
    uid: "ledgerproxy",
    schemaVersion: 39,
    editable: true,
    time: { from: "now-3h", to: "now" },
    refresh: "30s",
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus" },
        variable("job", "ledgerproxy_build_info"),
        variable("instance", 'ledgerproxy_build_info{job=~"$job"}'),
      ],
    },
    panels: PANELS.map(({ title, description, unit, queries }, i) => ({
      id: i + 1,
      type: "timeseries",
      title,
      description,
      datasource: SOURCE,
      gridPos: { ...SIZE, x: (i % COLUMNS) * SIZE.w, y: Math.floor(i / COLUMNS) * SIZE.h },
      fieldConfig: { defaults: { unit }, overrides: [] },
      targets: Object.entries(queries).map(([legendFormat, query], at) => ({
        refId: String.fromCharCode(65 + at),
        datasource: SOURCE,
        expr: query.replaceAll("TARGET", TARGET),
        legendFormat,
      })),
    })),
  };
}

const SOURCE = { type: "prometheus", uid: "${datasource}" };

/** A variable with the values of a label. */
function variable(label: string, metric: string): unknown {
  return {
    name: label,
    type: "query",
    datasource: SOURCE,
    query: `label_values(${metric}, ${label})`,
    multi: true,
    includeAll: true,
    refresh: 2,
    sort: 1,
  };
}
