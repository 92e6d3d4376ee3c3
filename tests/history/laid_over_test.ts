// A manifest as the API server would store it over the object that it has.

import assert from "node:assert/strict";
import { laidOver } from "../../src/history/laid_over.ts";
import { describeKey, objectKey, type Service } from "../../src/kube/objects.ts";
import type { ServiceManifest } from "../../src/kube/service_manifest.ts";

const KNOWN: Service = {
  kind: "Service",
  metadata: { namespace: "shop", name: "web", annotations: { "ledgerproxy.io/weight": "3" } },
  spec: {
    type: "NodePort",
    clusterIP: "10.96.0.1",
    clusterIPs: ["10.96.0.1", "fd00:96::1"],
    ports: [
      { name: "http", port: 80, protocol: "TCP", nodePort: 30080 },
      { name: "dns", port: 53, protocol: "UDP", nodePort: 30053 },
    ],
  },
  status: { loadBalancer: { ingress: [{ ip: "198.51.100.1" }] } },
};

/** What is stored of a manifest with `spec`, and what cannot be known before. */
function stored(
  spec: Service["spec"],
  metadata: Partial<Service["metadata"]> = {},
  manifest: Partial<ServiceManifest> = {},
  known: Service = KNOWN,
): [Service, readonly string[], readonly string[]] {
  const service: Service = {
    kind: "Service",
    metadata: { namespace: "shop", name: "web", ...metadata },
    spec,
  };
  const objects = new Map([[describeKey(objectKey(known)), known]]);
  const { object, unknown, refused } = laidOver(objects, service, { targetPorts: new Map(), ...manifest });
  return [object as Service, unknown, refused];
}

/** {@link KNOWN} with one family and further fields. */
function knownWith(spec: Partial<Service["spec"]>): Service {
  return {
    ...KNOWN,
    spec: { ...KNOWN.spec, clusterIPs: ["10.96.0.1"], ipFamilies: ["IPv4"], ...spec },
  };
}

Deno.test("a NodePort stays with the name of its port, unless another port takes it", () => {
  const numbers = (...ports: NonNullable<Service["spec"]["ports"]>) => {
    const [{ spec }, unknown] = stored({ type: "NodePort", ports });
    return [spec.ports!.map(({ nodePort }) => nodePort), unknown.length];
  };
  assert.deepEqual(numbers({ name: "http", port: 81 }, { name: "dns", port: 53, protocol: "TCP" }), [
    [30080, 30053],
    0,
  ]);
  assert.deepEqual(numbers({ name: "http", port: 80 }, { name: "new", port: 90, nodePort: 30080 }), [
    [undefined, 30080],
    1,
  ]);
  // The API server takes 0 for a NodePort that is not given.
  assert.deepEqual(numbers({ name: "http", port: 80, nodePort: 0 }), [[30080], 0]);
});

Deno.test("a second family comes and goes with the policy, as the API server has it", () => {
  const ports = [{ port: 80 }];
  const single = { ipFamilyPolicy: "SingleStack" };
  const [{ spec }, unknown] = stored({ ports }, {}, single);
  assert.deepEqual([spec.clusterIPs, unknown], [["10.96.0.1"], []]);
  const [{ spec: kept }] = stored({ ports }, {}, { ipFamilyPolicy: "RequireDualStack" });
  assert.deepEqual(kept.clusterIPs, ["10.96.0.1", "fd00:96::1"]);
  const upgraded = (ipFamilyPolicy: string) => stored({ ports }, {}, { ipFamilyPolicy }, knownWith({}))[1];
  assert.deepEqual(upgraded("RequireDualStack"), ["shop/web: its second cluster IP is to be allocated"]);
  assert.deepEqual(upgraded("PreferDualStack"), [
    "shop/web: a second cluster IP is to be allocated where the cluster has two families",
  ]);
  const [, , refused] = stored({ ports, ipFamilies: ["IPv4"] });
  assert.deepEqual(refused, [
    "shop/web: its ipFamilyPolicy must be SingleStack where its second cluster IP is released",
  ]);
});

Deno.test("a NodePort goes with its type, and a balancer may have none", () => {
  const ports = KNOWN.spec.ports!;
  const [{ spec, status }] = stored({ ports });
  assert.deepEqual([spec.ports?.map(({ nodePort }) => nodePort), status], [
    [undefined, undefined],
    undefined,
  ]);
  const balancer = { type: "LoadBalancer", ports: [{ name: "http", port: 80 }] };
  const nodePorts = (manifest: Partial<ServiceManifest>, known: Service) =>
    stored(balancer, {}, manifest, known)[1].filter((text) => /NodePort/.test(text));
  const { status: _, ...cluster } = knownWith({ type: "ClusterIP", ports: [{ name: "http", port: 80 }] });
  assert.equal(nodePorts({}, cluster).length, 1);
  assert.deepEqual(nodePorts({ allocateLoadBalancerNodePorts: false }, cluster), []);
  const without = knownWith({ type: "LoadBalancer", ports: [{ name: "http", port: 80 }] });
  assert.deepEqual(nodePorts({}, without), [
    "shop/web: a NodePort is to be allocated, unless its allocateLoadBalancerNodePorts stays false",
  ]);
  assert.deepEqual(nodePorts({ allocateLoadBalancerNodePorts: true }, without), [
    "shop/web: a NodePort is to be allocated",
  ]);
  assert.deepEqual(stored(balancer, {}, {}, cluster)[1].filter((text) => /balancer/.test(text)), [
    "shop/web: the addresses of its load balancer are to be allocated",
  ]);
});

Deno.test("affinity has the timeout of the API server where none is written", () => {
  const [{ spec }] = stored({ ports: [{ port: 80 }], sessionAffinity: "ClientIP" });
  assert.deepEqual(spec.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10_800 } });
  const own = { clientIP: { timeoutSeconds: 60 } };
  const [written] = stored({
    ports: [{ port: 80 }],
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: own,
  });
  assert.deepEqual(written.spec.sessionAffinityConfig, own);
});

Deno.test("what the API server has stored, which has a uid, is what it is", () => {
  const ports = [{ port: 80 }];
  const [service] = stored({ clusterIP: "10.96.0.1", ports }, { uid: "1" });
  assert.deepEqual([service.metadata.annotations, service.status, service.spec.ports], [
    undefined,
    undefined,
    ports,
  ]);
});
