// A manifest as the API server would store it over the object that it has.

import assert from "node:assert/strict";
import { laidOver } from "../../src/history/laid_over.ts";
import { describeKey, objectKey, type Service } from "../../src/kube/objects.ts";

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
): [Service, readonly string[]] {
  const known = new Map([[describeKey(objectKey(KNOWN)), KNOWN]]);
  const manifest: Service = {
    kind: "Service",
    metadata: { namespace: "shop", name: "web", ...metadata },
    spec,
  };
  const { object, unknown } = laidOver(known, manifest);
  return [object as Service, unknown];
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

Deno.test("of two cluster IPs the first stays with one family; a second one is to be allocated", () => {
  const [{ spec }, unknown] = stored({ ipFamilies: ["IPv4"], ports: [{ port: 80 }] });
  assert.deepEqual([spec.clusterIPs, unknown], [["10.96.0.1"], []]);
  const [, second] = stored({
    clusterIPs: ["10.96.0.1"],
    ipFamilies: ["IPv4", "IPv6"],
    ports: [{ port: 80 }],
  });
  assert.deepEqual(second, ["shop/web: its second cluster IP is to be allocated"]);
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
