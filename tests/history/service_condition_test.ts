// Whether Services can be reached at their cluster IPs.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { conditionOfService, servedBy, servedText } from "../../src/history/service_condition.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { type CommitRecord, offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const WEB = readServiceName("shop/web");

function stateOf(...objects: KubeObject[]) {
  const state = emptyState();
  objects.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  return state;
}

Deno.test("each port counts for itself, by its name, its number or its family", () => {
  const state = stateOf(
    service("shop/web 10.96.0.1,fd00::1 http:80/tcp metrics:9090/tcp"),
    slice("shop/web-a http:8080/tcp 10.0.0.1 10.0.0.2 !10.0.0.3"),
  );
  assert.deepEqual(conditionOfService(state, WEB), {
    serving: 2,
    lacking: ["http (IPv6)", "metrics", "metrics (IPv6)"],
  });
  assert.deepEqual([...servedBy(state.programs.get(WEB)!)].map(servedText).sort(), [
    "10.0.0.1:8080",
    "10.0.0.2:8080",
  ]);
  const bare = stateOf(service("shop/web 10.96.0.1 :80/tcp"));
  assert.deepEqual(conditionOfService(bare, WEB), { serving: 0, lacking: ["80"] });
});

Deno.test("under internalTrafficPolicy Local an endpoint on another node does not count", () => {
  const local = service("shop/web 10.96.0.1 http:80/tcp", undefined, { internalTrafficPolicy: "Local" });
  const state = stateOf(local, slice("shop/web-a http:8080/tcp 10.0.0.1@node-b"));
  assert.deepEqual(conditionOfService(state, WEB), { serving: 0, lacking: ["http"] });
});

Deno.test("a Service that does not exist or is not balanced has none; one that is set aside lacks every port", () => {
  const state = stateOf(
    service("shop/web 10.96.0.1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.0.0.1"),
  );
  const headless = stateOf(service("shop/web None http:80/tcp"));
  assert.equal(conditionOfService(headless, WEB), undefined);
  assert.equal(conditionOfService(state, readServiceName("shop/none")), undefined);
  const rejected: CommitRecord = {
    ...{
      kind: "commit",
      time: "",
      from: 0,
      through: 1,
      digest: "",
      outcome: "rejected",
      setAside: "shop/web",
    },
    ...{ changes: [], changesOmitted: 0, operations: 0, microseconds: 0, generation: 0 },
  };
  foldRecord(state, offsetOf(2), rejected);
  assert.deepEqual(conditionOfService(state, WEB), { serving: 0, lacking: ["http"] });
});
