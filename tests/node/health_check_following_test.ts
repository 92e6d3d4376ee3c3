// When health check ports are followed again.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { putHealthCheck } from "../../src/fold/health_checks.ts";
import { serviceName } from "../../src/kube/service_name.ts";
import { HealthCheckFollowing } from "../../src/node/health_check_following.ts";

Deno.test("ports are followed when checks, configuration or Node change, and from time to time for the node's addresses", () => {
  let followed = 0;
  const following = new HealthCheckFollowing({ follow: () => void followed++ });
  const state = emptyState();
  const counts = [
    () => following.follow(state, 0),
    () => following.follow(state, 1000),
    () => {
      putHealthCheck(state, serviceName("shop", "web"), { port: 30_100, localEndpoints: { ip: 1 } });
      following.follow(state, 1000);
    },
    () => following.follow({ ...state, config: { ...state.config } }, 1000),
    () => following.follow({ ...state, node: { ...state.node } }, 1000),
    () => following.follow(emptyState(), 1000),
    () => following.follow(state, 1000),
    () => following.follow(state, 20_000),
    () => following.follow(state, 60_000),
  ].map((step) => {
    step();
    return followed;
  });
  assert.deepEqual(counts, [1, 1, 2, 3, 4, 5, 6, 6, 7]);
});
