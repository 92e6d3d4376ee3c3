// Alerts about the proxy, as a PrometheusRule (monitoring.coreos.com/v1). Each names the command that shows the cause.

import type { Manifest } from "./manifest_object.ts";
import { LAST_BYTE_METRIC } from "../serve/metrics.ts";

/** An alert. */
export interface Alert {
  readonly name: string;
  /** PromQL. `JOB` stands for the matcher of the job. */
  readonly expression: string;
  /** How long the expression must hold, in Prometheus' form. */
  readonly after: string;
  readonly severity: "critical" | "warning" | "info";
  readonly summary: string;
  /** What to do: a command for the pod of the node, and what its output means. */
  readonly runbook: string;
}

const ON_NODE = "on {{ $labels.instance }}";
const problem = (reason: string) => `ledgerproxy_problem{JOB, reason="${reason}"} == 1`;

/** The alerts, worst first. */
export const ALERTS: readonly Alert[] = [
  {
    name: "LedgerproxyDown",
    expression: "absent(up{JOB} == 1)",
    after: "15m",
    severity: "critical",
    summary: "No ledgerproxy can be scraped",
    runbook:
      "kubectl -n kube-system logs ds/ledgerproxy. Rules that are in the kernel stay there, but follow no change.",
  },
  {
    name: "LedgerproxyNotInSync",
    expression: problem("rules rejected"),
    after: "5m",
    severity: "critical",
    summary: `The kernel has refused the rules ${ON_NODE} for 5 minutes`,
    runbook:
      "ledgerproxy status; ledgerproxy log -n 5 shows the refused commit, and the element that the kernel refused.",
  },
  {
    name: "LedgerproxyRestarting",
    expression: "increase(ledgerproxy_faults_total{JOB}[15m]) > 0",
    after: "0m",
    severity: "critical",
    summary: `Faults of the program ${ON_NODE}; rules in the kernel stay`,
    runbook: "kubectl logs: the line that begins with `fault` has the stack. Please report it.",
  },
  {
    name: "LedgerproxyApiServerSilent",
    expression: `time() - max by (instance) (${LAST_BYTE_METRIC}{JOB}) > 300`,
    after: "5m",
    severity: "critical",
    summary: `No byte of the API server for 5 minutes ${ON_NODE}: rules follow no change`,
    runbook:
      "ledgerproxy status names the resource and the error; curl 127.0.0.1:10249/details on the node has the text.",
  },
  {
    name: "LedgerproxyNodeNotFound",
    expression: 'max by (instance, reason) (ledgerproxy_problem{JOB, reason=~"own Node.*"}) == 1',
    after: "5m",
    severity: "warning",
    summary: `{{ $labels.reason }} ${ON_NODE}: Local policies and topology use the last known values`,
    runbook: "kubectl get node NAME; the name must be the one that --node gives.",
  },
  {
    name: "LedgerproxyDrift",
    expression: "sum by (instance, process) (increase(ledgerproxy_drift_total{JOB}[10m])) > 2",
    after: "10m",
    severity: "warning",
    summary: `{{ $labels.process }} keeps changing our tables ${ON_NODE}`,
    runbook:
      "ledgerproxy log --kind drift shows each change and what put it back. Stop the program, or run with --own-tables.",
  },
  {
    name: "LedgerproxyServicesSetAside",
    expression: "ledgerproxy_services_set_aside{JOB} > 0",
    after: "5m",
    severity: "warning",
    summary: `{{ $value }} Services are not served ${ON_NODE}`,
    runbook: "ledgerproxy status names each Service and why the kernel refuses its rules.",
  },
  {
    name: "LedgerproxyFrontendMoved",
    expression: "increase(ledgerproxy_frontends_moved_total{JOB}[10m]) > 0",
    after: "0m",
    severity: "warning",
    summary: `An address in use went to another Service ${ON_NODE}`,
    runbook:
      "kubectl get events -A --field-selector reason=AddressMoved names both Services (CVE-2020-8554).",
  },
  {
    name: "LedgerproxyLedgerFailing",
    expression: "ledgerproxy_ledger_failing{JOB} == 1",
    after: "5m",
    severity: "warning",
    summary: `The ledger cannot be written ${ON_NODE}; rules are still applied, and records wait in memory`,
    runbook:
      "ledgerproxy status has the error, and what to do about it. Nothing is lost before 64 MiB of records wait, or the program ends.",
  },
  {
    name: "LedgerproxyPastShrank",
    // 0 says that it is not known.
    expression:
      "(ledgerproxy_ledger_past_seconds{JOB} > 0) < 0.5 * max_over_time(ledgerproxy_ledger_past_seconds{JOB}[1d])",
    after: "5m",
    severity: "warning",
    summary:
      `The ledger ${ON_NODE} has lost half of its past within a day: it begins {{ $value | humanizeDuration }} ago`,
    runbook:
      "ledgerproxy status names the record with which it begins, and ledgerproxy top what is written most. A larger --retain-megabytes keeps more.",
  },
  {
    name: "LedgerproxyLogLinesDropped",
    expression: "increase(ledgerproxy_log_lines_dropped_total{JOB}[10m]) > 0",
    after: "0m",
    severity: "info",
    summary: `Standard error ${ON_NODE} did not take all lines of the log`,
    runbook:
      "The runtime's log driver is slow or its disk is full. The ledger still has every event and commit.",
  },
  {
    name: "LedgerproxyProgrammingSlow",
    expression:
      "histogram_quantile(0.99, sum by (instance, le) (rate(kubeproxy_network_programming_duration_seconds_bucket{JOB}[10m]))) > 30",
    after: "15m",
    severity: "warning",
    summary: `Changes of endpoints take more than 30 s to reach the kernel ${ON_NODE}`,
    runbook: "ledgerproxy latency shows where the time goes: before the event arrived, or after.",
  },
];

/** The PrometheusRule with all alerts, for the targets of `job`. */
export function prometheusRule(job: string, metadata: Manifest): Manifest {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata,
    spec: { groups: [ruleGroup(job)] },
  };
}

/** The group of rules, as in a rule file of Prometheus. */
export function ruleGroup(job: string): unknown {
  return {
    name: "ledgerproxy",
    rules: ALERTS.map(({ name, expression, after, severity, summary, runbook }) => ({
      alert: name,
      expr: expression.replaceAll("JOB", `job="${job}"`),
      for: after,
      labels: { severity },
      annotations: { summary, runbook },
    })),
  };
}
