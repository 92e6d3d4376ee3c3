// What the API server would refuse, and what it would not.

import assert from "node:assert/strict";
import { refusalsOf } from "../../src/history/refusals.ts";
import type { Service } from "../../src/kube/objects.ts";

type Spec = Service["spec"];
const PORTS = [{ name: "http", port: 80 }];

const serviceOf = (spec: Spec): Service => ({
  kind: "Service",
  metadata: { namespace: "shop", name: "web" },
  spec: { ports: PORTS, ...spec },
});
const refusals = (known: Spec | undefined, spec: Spec, ipFamilyPolicy?: string) =>
  refusalsOf(
    known && serviceOf(known),
    serviceOf(spec),
    ipFamilyPolicy === undefined ? {} : { ipFamilyPolicy },
  );

Deno.test("the first cluster IP stays, also that of a headless Service, in any spelling", () => {
  const known = { clusterIP: "fd00::1", clusterIPs: ["fd00::1"] };
  assert.deepEqual(refusals(known, { clusterIP: "FD00:0:0::0001" }), []);
  assert.deepEqual(refusals(known, {}), []);
  assert.deepEqual(refusals(known, { clusterIP: "None" }), [
    "its cluster IP is fd00::1 and may not change to None",
  ]);
  assert.deepEqual(refusals({ clusterIP: "None" }, { clusterIPs: ["10.96.0.1"] }), [
    "its cluster IP is None and may not change to 10.96.0.1",
  ]);
  assert.deepEqual(refusals({ type: "ExternalName" }, { clusterIP: "10.96.0.1" }), []);
  assert.deepEqual(refusals(known, { type: "ExternalName", clusterIP: "10.96.0.1" }), []);
  assert.deepEqual(refusals(undefined, { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.2"] }), [
    "its clusterIP is 10.96.0.1, and the first of its clusterIPs 10.96.0.2",
  ]);
});

Deno.test("a second family comes and goes with the policy", () => {
  const dual = { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1", "fd00::1"], ipFamilies: ["IPv4", "IPv6"] };
  const one = { clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"], ipFamilies: ["IPv4"] };
  const released = ["its ipFamilyPolicy must be SingleStack where its second cluster IP is released"];
  const two = ["its ipFamilyPolicy must be PreferDualStack or RequireDualStack for two families"];
  assert.deepEqual(refusals(dual, { ipFamilies: ["IPv4"] }), released);
  assert.deepEqual(refusals(dual, { clusterIPs: ["10.96.0.1"] }, "PreferDualStack"), released);
  assert.deepEqual(refusals(dual, { ipFamilies: ["IPv4"] }, "SingleStack"), []);
  assert.deepEqual(refusals(dual, dual, "SingleStack"), []);
  assert.deepEqual(refusals(one, { ipFamilies: ["IPv4", "IPv6"] }, "SingleStack"), two);
  assert.deepEqual(refusals(undefined, { ipFamilies: ["IPv4", "IPv6"] }), two);
  assert.deepEqual(refusals(undefined, { ipFamilies: ["IPv4", "IPv6"] }, "RequireDualStack"), []);
  assert.deepEqual(refusals(undefined, { clusterIP: "None", ipFamilies: ["IPv4", "IPv6"] }), []);
});

Deno.test("ports have names where there are several, and differ; a NodePort needs a type that has it", () => {
  const ports = (...all: NonNullable<Spec["ports"]>): Spec => ({ ports: all });
  assert.deepEqual(refusals(undefined, ports({ port: 80 }, { port: 81 })), [
    "each of its ports needs a name",
  ]);
  assert.deepEqual(
    refusals(undefined, ports({ name: "a", port: 80 }, { name: "a", port: 80, protocol: "TCP" })),
    [
      "two of its ports have the name a",
      "two of its ports are 80/TCP",
    ],
  );
  assert.deepEqual(
    refusals(undefined, ports({ name: "a", port: 53 }, { name: "b", port: 53, protocol: "UDP" })),
    [],
  );
  assert.deepEqual(refusals(undefined, ports()), ["it needs a port"]);
  assert.deepEqual(refusals(undefined, { clusterIP: "None", ports: [] }), []);
  const exposed = ports({ port: 80, nodePort: 30080 });
  const stray = ["a NodePort needs the type NodePort or LoadBalancer"];
  assert.deepEqual(refusals(undefined, exposed), stray);
  assert.deepEqual(refusals({ ...exposed, type: "NodePort" }, exposed), [], "it goes with the type");
  assert.deepEqual(refusals({ ...exposed, type: "NodePort" }, ports({ port: 80, nodePort: 30081 })), stray);
});
