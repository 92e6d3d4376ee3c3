// How Prometheus finds the pods: by their labels, under the job that dashboards ask for.

import assert from "node:assert/strict";
import { metricsService, podMonitor } from "../../src/install/monitors.ts";

const MONITORED = {
  metadata: { name: "ledgerproxy", namespace: "kube-system" },
  labels: { "app.kubernetes.io/name": "ledgerproxy" },
  port: 10249,
  job: "kube-proxy",
};

Deno.test("the Service is headless and selects the pods; the PodMonitor names job and node", () => {
  const { spec: service } = metricsService(MONITORED) as {
    spec: { clusterIP: string; selector: unknown; ports: unknown };
  };
  assert.deepEqual(service, {
    clusterIP: "None",
    selector: MONITORED.labels,
    ports: [{ name: "metrics", port: 10249, targetPort: 10249 }],
  });
  const { spec: { selector, podMetricsEndpoints: [endpoint] } } = podMonitor(MONITORED) as {
    spec: {
      selector: unknown;
      podMetricsEndpoints: { port: string; relabelings: Record<string, unknown>[] }[];
    };
  };
  assert.deepEqual(selector, { matchLabels: MONITORED.labels });
  assert.equal(endpoint!.port, "metrics");
  assert.deepEqual(endpoint!.relabelings[0], { targetLabel: "job", replacement: "kube-proxy" });
});
