// A Service with more elements than a node makes rules of, at a real API server: its owner gets an Event object that names it, and
// the Services beside it are served.

import assert from "node:assert/strict";
import { SERVICE_ELEMENTS_MAX } from "../../src/limits/rules.ts";
import { eventsIn } from "../support/cluster/events.ts";
import { furnishApi } from "../support/cluster/oracle.ts";
import { planeTest } from "../support/cluster/scene.ts";
import { EndpointProbe } from "../support/endpoint_probe.ts";
import { largeService, smallServices } from "../support/large_service.ts";
import { ObservedProgram } from "../support/observed_program.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { until } from "../support/until.ts";

requirePrivateNamespace();

const PATHS: Readonly<Record<string, string>> = {
  Service: "/api/v1/namespaces/shop/services",
  EndpointSlice: "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
};
const PORTS = 100;
const ENDPOINTS = 700;

planeTest(
  "a Service over the bound is named by an Event of the API server, and its neighbour is served",
  async (plane, folder) => {
    assert.ok(PORTS * ENDPOINTS > SERVICE_ELEMENTS_MAX);
    await furnishApi(plane);
    const objects = [...largeService("shop/huge", 0, PORTS, ENDPOINTS), ...smallServices(11, 1).slice(-2)];
    for (const object of objects as { kind: string }[]) {
      await plane.call("POST", PATHS[object.kind]!, { ...object });
    }
    const flags = ["--kubeconfig", plane.kubeconfig(), "--ledger", `${folder}/ledger`];
    await using program = new ObservedProgram(`${folder}/log`, ...flags);
    using probe = new EndpointProbe();
    const neighbour = { address: "10.96.0.10", port: 80, slot: 0 };
    await until("its neighbour is served", () => probe.endpoint(neighbour) === "10.244.10.1", 60_000);
    const events = () => eventsIn(plane, "shop");
    await until("the API server has an event", async () => (await events()).length > 0);
    const [event, ...others] = await events();
    assert.deepEqual(others, []);
    const { apiVersion, kind, namespace, name } = event!.regarding;
    assert.deepEqual([apiVersion, kind, namespace, name], ["v1", "Service", "shop", "huge"]);
    const { type, reason, action, note, reportingController, reportingInstance } = event!;
    assert.deepEqual([type, reason, action], ["Warning", "ServiceSetAside", "SyncProxyRules"]);
    assert.deepEqual([reportingController, reportingInstance], ["ledgerproxy", "ledgerproxy-node-a"]);
    assert.match(
      note,
      /^not served on this node until it changes: too large: about \d+ elements, at most \d+/,
    );
    assert.equal(await program.end(), 0);
  },
);
