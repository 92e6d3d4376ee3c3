// What `manifest` adds for monitoring. How Prometheus finds the metrics port of each pod: a headless Service for plain Kubernetes service discovery, and a PodMonitor
// for Prometheus' operator (monitoring.coreos.com/v1).

import { prometheusRule } from "./alerts.ts";
import { dashboard } from "./dashboard.ts";
import type { Manifest } from "./manifest_object.ts";

/** The pods, and what to call them. */
export interface Monitored {
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The labels of the pods. */
  readonly labels: Readonly<Record<string, string>>;
  /** The port of the metrics on each node, or the place of one in a template. */
  readonly port: number | string;
  /** The job of the targets: `kube-proxy` gives the panels and alerts of kubernetes-mixin their data. */
  readonly job: string;
}

/** The port's name in the pod, the Service and the PodMonitor. */
export const METRICS_PORT = "metrics";

/** A headless Service: the targets are the pods, not one of them. */
export function metricsService({ metadata, labels, port }: Monitored): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...metadata, labels },
    spec: { clusterIP: "None", selector: labels, ports: [{ name: METRICS_PORT, port, targetPort: port }] },
  };
}

/** A PodMonitor whose targets have the given job, and the name of the node as their instance. */
export function podMonitor({ metadata, labels, job }: Monitored): Manifest {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PodMonitor",
    metadata: { ...metadata, labels },
    spec: {
      selector: { matchLabels: labels },
      podMetricsEndpoints: [{
        port: METRICS_PORT,
        interval: "30s",
        relabelings: [
          { targetLabel: "job", replacement: job },
          { sourceLabels: ["__meta_kubernetes_pod_node_name"], targetLabel: "instance" },
        ],
      }],
    },
  };
}

/** What of the monitoring a user asked for. */
export interface MonitoringChoice {
  readonly podMonitor?: boolean;
  readonly rules?: boolean;
  readonly dashboard?: boolean;
}

/** The objects of `choice`; the Service is among them where anything scrapes the pods. */
export function monitoringObjects(monitored: Monitored, choice: MonitoringChoice): Manifest[] {
  const { metadata, labels, job } = monitored;
  const any = choice.podMonitor || choice.rules || choice.dashboard;
  return [
    ...(any ? [metricsService(monitored)] : []),
    ...(choice.podMonitor ? [podMonitor(monitored)] : []),
    ...(choice.rules ? [prometheusRule(job, { ...metadata, labels })] : []),
    ...(choice.dashboard ? [dashboardMap({ ...metadata, labels })] : []),
  ];
}

/** The dashboard in a ConfigMap with the label that Grafana's sidecar looks for. */
function dashboardMap(metadata: Readonly<Record<string, unknown>>): Manifest {
  const { name, labels } = metadata;
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      ...metadata,
      name: `${name}-dashboard`,
      labels: { ...Object(labels), grafana_dashboard: "1" },
    },
    data: { "ledgerproxy.json": `${JSON.stringify(dashboard(), null, 2)}\n` },
  };
}
