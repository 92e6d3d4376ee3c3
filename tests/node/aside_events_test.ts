// Each Service that is set aside gets one event, and another one if it is set aside again.

import assert from "node:assert/strict";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { objectKey } from "../../src/kube/objects.ts";
import { readServiceName } from "../../src/kube/service_name.ts";
import { AsideEvents } from "../../src/node/aside_events.ts";
import { service } from "../support/cluster_notation.ts";

Deno.test("a Service that is set aside gets one event each time, unless it is gone", () => {
  const state = emptyState();
  const events = new AsideEvents();
  const name = readServiceName("shop/web");
  const web = service("shop/web 10.96.0.1 http:80/tcp");
  state.objects.put(objectKey(web), web);
  state.aside.set(name, "too large").set(readServiceName("shop/gone"), "too large");
  assert.deepEqual(events.next(state), [{
    regarding: { kind: "Service", namespace: "shop", name: "web" },
    type: "Warning",
    reason: "ServiceSetAside",
    action: "SyncProxyRules",
    note: "not served on this node until it changes: too large",
  }]);
  assert.deepEqual(events.next(state), []);
  state.aside.clear();
  assert.deepEqual(events.next(state), []);
  state.aside.set(name, "rejected");
  assert.equal(events.next(state).length, 1);
});
