// Requests to the API server, under client-go's names.

import assert from "node:assert/strict";
import { Registry } from "../../src/serve/prometheus.ts";
import { restClientMetrics } from "../../src/serve/rest_client_metrics.ts";

Deno.test("answers are counted by code, and a request without an answer as client-go counts it", async () => {
  const registry = new Registry();
  const { answered } = restClientMetrics(registry);
  const get = { method: "GET", host: "10.0.0.1:6443" };
  answered({ ...get, status: 200, seconds: 0.2 });
  answered({ ...get, status: undefined, seconds: 3 });
  const lines = new Set((await registry.metrics()).split("\n"));
  for (
    const line of [
      'rest_client_requests_total{code="200",method="GET",host="10.0.0.1:6443"} 1',
      'rest_client_requests_total{code="<error>",method="GET",host="10.0.0.1:6443"} 1',
      'rest_client_request_duration_seconds_bucket{le="0.25",verb="GET",host="10.0.0.1:6443"} 1',
      'rest_client_request_duration_seconds_bucket{le="4",verb="GET",host="10.0.0.1:6443"} 2',
    ]
  ) assert.ok(lines.has(line), line);
});
