// Objects that are recognised in a straight line: only those that have the shape of a stored object, and nearly all of these.

import assert from "node:assert/strict";
import { isPlainObject } from "../../src/kube/plain_objects.ts";
import { STORED_OBJECT } from "../../src/kube/stored_shapes.ts";
import { service, slice } from "../support/cluster_notation.ts";
import { wrongShapes } from "../support/wrong_shapes.ts";

const METADATA = {
  name: "web",
  namespace: "shop",
  uid: "1",
  resourceVersion: "7",
  creationTimestamp: "2026-11-27T12:00:00Z",
  labels: { app: "web" },
  annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-11-27T12:00:00Z" },
  managedFields: [{ manager: "kubectl" }],
};

/** Every field with which an object is recognised. */
const PLAIN = [
  {
    kind: "Service",
    metadata: METADATA,
    spec: {
      type: "ClusterIP",
      clusterIP: "10.96.0.1",
      clusterIPs: ["10.96.0.1"],
      ipFamilies: ["IPv4"],
      ports: [{ name: "http", protocol: "TCP", port: 80, nodePort: 30080 }],
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Cluster",
      sessionAffinity: "None",
      selector: { app: "web" },
    },
    status: { loadBalancer: {} },
  },
  {
    kind: "EndpointSlice",
    metadata: METADATA,
    addressType: "IPv4",
    endpoints: [{
      addresses: ["10.244.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: "node-a",
      targetRef: { kind: "Pod", name: "web-0" },
    }],
    ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  },
] as const;

const RARE_METADATA = {
  deletionTimestamp: "2026-11-27T12:00:00Z",
};

/** The same with every other field that the shapes name, and objects of the other kinds. */
const FULL = [
  {
    ...PLAIN[0],
    metadata: { ...METADATA, ...RARE_METADATA },
    spec: {
      ...PLAIN[0].spec,
      externalIPs: ["192.0.2.1"],
      loadBalancerSourceRanges: ["192.0.2.0/24"],
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
      healthCheckNodePort: 30081,
    },
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.2", hostname: "a", ipMode: "VIP" }] } },
  },
  {
    ...PLAIN[1],
    metadata: { ...METADATA, ...RARE_METADATA },
    endpoints: [{
      ...PLAIN[1].endpoints[0],
      hints: { forZones: [{ name: "a" }], forNodes: [{ name: "b" }] },
    }],
  },
  { kind: "Node", metadata: METADATA, spec: { podCIDRs: ["10.244.0.0/24"] }, status: { addresses: [] } },
  { kind: "ServiceCIDR", metadata: METADATA, spec: { cidrs: ["10.96.0.0/12"] } },
];

Deno.test("an object is recognised only where it has its shape", () => {
  let [plain, misfits] = [0, 0];
  for (const object of [...PLAIN, ...FULL, ...FULL.flatMap(withOneRareField)]) {
    for (const { path, value } of [{ path: "", value: object }, ...wrongShapes(object)]) {
      const misfit = STORED_OBJECT(value);
      const recognised = isPlainObject(value);
      assert.ok(misfit === undefined || !recognised, `${path}: ${JSON.stringify(value)}`);
      if (recognised) plain++;
      if (misfit !== undefined) misfits++;
    }
  }
  assert.ok(plain > 300 && misfits > 3000, `${plain} recognised, ${misfits} misfits`);
});

Deno.test("objects of clusters are recognised; values of other kinds are left to the shapes", () => {
  const usual = [
    service("shop/web 10.96.0.1 http:80/tcp"),
    slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.0.2@node-b"),
  ];
  for (const object of [...PLAIN, ...usual]) assert.ok(isPlainObject(object), JSON.stringify(object));
  for (const value of [undefined, null, 1, "Service", [], {}, ...FULL]) assert.ok(!isPlainObject(value));
});

/** Copies of the plain object of the kind of `full`, each with one field more: of its metadata, `spec` or `status`. */
function withOneRareField(full: typeof FULL[number]): object[] {
  const plain = PLAIN.find(({ kind }) => kind === full.kind);
  if (plain === undefined) return [];
  const ones = (["metadata", "spec", "status"] as const).flatMap((part) => {
    const [all, few] = [full, plain].map((object) =>
      Object.entries(object).find(([name]) => name === part)?.[1]
    );
    return Object.entries(all ?? {}).map(([name, value]) => ({
      ...plain,
      [part]: { ...few, [name]: value },
    }));
  });
  return "endpoints" in full ? [...ones, { ...plain, endpoints: full.endpoints }] : ones;
}
