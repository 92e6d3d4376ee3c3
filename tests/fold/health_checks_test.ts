// Which changes of health checks make another version.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { putHealthCheck } from "../../src/fold/health_checks.ts";
import type { HealthCheck } from "../../src/fold/service_program.ts";
import { serviceName } from "../../src/kube/service_name.ts";

Deno.test("a check that comes, goes or changes makes another version; one that is made again as it was does not", () => {
  const state = emptyState();
  const name = serviceName("shop", "web");
  const changes = (check: HealthCheck | undefined) => {
    const before = state.healthChecksVersion;
    putHealthCheck(state, name, check);
    assert.deepEqual(state.healthChecks.get(name), check);
    return state.healthChecksVersion !== before;
  };
  assert.equal(changes(undefined), false);
  assert.equal(changes({ port: 30_100, localEndpoints: { ip: 1 } }), true);
  assert.equal(changes({ port: 30_100, localEndpoints: { ip: 1 } }), false);
  assert.equal(changes({ port: 30_100, localEndpoints: { ip: 2 } }), true);
  assert.equal(changes({ port: 30_101, localEndpoints: { ip: 2 } }), true);
  assert.equal(changes({ port: 30_101, localEndpoints: { ip: 2, ip6: 0 } }), true);
  assert.equal(changes({ port: 30_101, localEndpoints: { ip: 2, ip6: 1 } }), true);
  assert.equal(changes({ port: 30_101, localEndpoints: { ip: 2, ip6: 1 } }), false);
  assert.equal(changes(undefined), true);
});
