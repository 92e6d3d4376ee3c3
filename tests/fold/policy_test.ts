// Service semantics in a notation: external addresses, NodePorts, traffic policies, hints and terminating endpoints.
// The node is node-a in zone-1. Expected values follow from kube-proxy's rules, not from this program's output.

import assert from "node:assert/strict";
import { type ClusterState, emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import type { EndpointSlice, KubeObject, Node, Service } from "../../src/kube/objects.ts";
import type { LedgerRecord, Offset } from "../../src/ledger/record.ts";
import { appears, lines, service, slice } from "../support/cluster_notation.ts";

const CONFIG = { kind: "config", time: "", version: "0", nodeName: "node-a" } as const;

function node(zone: string, ...addresses: string[]): Node {
  return {
    kind: "Node",
    metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": zone } },
    spec: {},
    status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
  };
}

function folded(...objects: KubeObject[]): ClusterState {
  const records: LedgerRecord[] = [CONFIG, appears(node("zone-1", "192.168.10.10")), ...objects.map(appears)];
  const state = emptyState();
  records.forEach((record, offset) => foldRecord(state, offset as Offset, record));
  return state;
}

/** Lines about the Service's frontends: all but cluster IPs, hairpins and the node's addresses. */
const frontends = (...objects: KubeObject[]) =>
  lines(folded(...objects).desired).filter((line) =>
    !/^ip (cluster-ips|hairpin-connections|nodeport-ips) /.test(line)
  ).map((line) => line.slice(3));

const spec = (fields: Partial<Service["spec"]>, nodePort = 0) => {
  const web = service("shop/web 10.96.0.1 http:80/tcp", undefined, fields);
  return nodePort === 0
    ? web
    : { ...web, spec: { ...web.spec, ports: [{ name: "http", protocol: "TCP", port: 80, nodePort }] } };
};
const BOTH = slice("shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.1.1@node-b");
const REMOTE = slice("shop/web-a http:8080/tcp 10.244.1.1@node-b");
const CLUSTER_IP = [
  "endpoints 10.96.0.1 . tcp . 80 . 0 : 10.244.0.1 . 8080",
  "endpoints 10.96.0.1 . tcp . 80 . 1 : 10.244.1.1 . 8080",
];

Deno.test("an external IP under Cluster policy leads to all endpoints, masqueraded", () => {
  assert.deepEqual(frontends(spec({ externalIPs: ["192.0.2.080", "not an address", "2001:db8::1"] }), BOTH), [
    ...CLUSTER_IP,
    "endpoints 192.0.2.80 . tcp . 80 . 0 : 10.244.0.1 . 8080",
    "endpoints 192.0.2.80 . tcp . 80 . 1 : 10.244.1.1 . 8080",
    "service-ips 192.0.2.80 . tcp . 80 : e800:10",
  ]);
});

Deno.test("a NodePort under Cluster policy has a key without address, and is rejected without endpoints", () => {
  assert.deepEqual(frontends(spec({ type: "NodePort" }, 30080), REMOTE), [
    "nodeport-endpoints tcp . 30080 . 0 : 10.244.1.1 . 8080",
    "service-nodeports tcp . 30080 : e400:0",
    "single-endpoints 10.96.0.1 . tcp . 80 : 10.244.1.1 . 8080",
    "single-nodeport-endpoints tcp . 30080 : 10.244.1.1 . 8080",
  ]);
  assert.deepEqual(frontends(spec({ type: "NodePort" }, 30080)), [
    "no-endpoint-nodeports tcp . 30080 : continue",
    "no-endpoint-services 10.96.0.1 . tcp . 80 : continue",
  ]);
});

Deno.test("external Local policy: packets of pods and node go to all endpoints, others to local ones", () => {
  const web = {
    ...spec({ type: "LoadBalancer", externalTrafficPolicy: "Local" }),
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
  };
  assert.deepEqual(
    frontends(web, BOTH),
    [
      ...CLUSTER_IP,
      "endpoints 1.2.3.4 . tcp . 80 . 0 : 10.244.0.1 . 8080",
      "endpoints 1.2.3.4 . tcp . 80 . 1 : 10.244.1.1 . 8080",
      "local-endpoints 1.2.3.4 . tcp . 80 . 0 : 10.244.0.1 . 8080",
      "local-only-ips 1.2.3.4 . tcp . 80 : ec00:0",
      "local-policy-ips 1.2.3.4 . tcp . 80 : e400:10",
      "service-ips 1.2.3.4 . tcp . 80 : ec00:0",
    ].sort(),
  );
});

Deno.test("external Local policy without local endpoints drops packets from outside and serves pods and node", () => {
  assert.deepEqual(frontends(spec({ type: "NodePort", externalTrafficPolicy: "Local" }, 30080), REMOTE), [
    "local-policy-nodeports tcp . 30080 : e400:0",
    "no-endpoint-nodeports tcp . 30080 : drop",
    "nodeport-endpoints tcp . 30080 . 0 : 10.244.1.1 . 8080",
    "service-nodeports tcp . 30080 : ec00:0",
    "single-endpoints 10.96.0.1 . tcp . 80 : 10.244.1.1 . 8080",
  ]);
});

Deno.test("internal Local policy gives the cluster IP the local endpoints, and drops where there are none", () => {
  assert.deepEqual(frontends(spec({ internalTrafficPolicy: "Local" }), BOTH), [
    "single-endpoints 10.96.0.1 . tcp . 80 : 10.244.0.1 . 8080",
  ]);
  assert.deepEqual(frontends(spec({ internalTrafficPolicy: "Local" }), REMOTE), [
    "no-endpoint-services 10.96.0.1 . tcp . 80 : drop",
  ]);
  assert.deepEqual(frontends(spec({ internalTrafficPolicy: "Local" })), [
    "no-endpoint-services 10.96.0.1 . tcp . 80 : continue",
  ]);
});

Deno.test("load balancer addresses of ipMode Proxy, and external Local policy without an external address, change nothing", () => {
  const proxied = {
    ...spec({ type: "LoadBalancer" }),
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4", ipMode: "Proxy" }, { hostname: "x" }] } },
  };
  const plain = frontends(spec({}), BOTH);
  assert.deepEqual(frontends(proxied, BOTH), plain);
  assert.deepEqual(frontends(spec({ externalTrafficPolicy: "Local" }), BOTH), plain);
});

/** The slice with conditions and hints in place of those of the notation. */
function withEach(
  base: EndpointSlice,
  change: (i: number) => Partial<EndpointSlice["endpoints"][number]>,
): EndpointSlice {
  return { ...base, endpoints: base.endpoints.map((endpoint, i) => ({ ...endpoint, ...change(i) })) };
}

const served = (...objects: KubeObject[]) =>
  frontends(...objects).filter((line) => /^(single-)?endpoints/.test(line)).map((line) =>
    line.split(" : ")[1]!.split(" ")[0]
  );

Deno.test("endpoints that serve while they terminate are used if none is ready", () => {
  const lingering = { conditions: { ready: false, serving: true, terminating: true } };
  const gone = { conditions: { ready: false, serving: false, terminating: true } };
  assert.deepEqual(served(spec({}), withEach(BOTH, () => lingering)), ["10.244.0.1", "10.244.1.1"]);
  assert.deepEqual(served(spec({}), withEach(BOTH, (i) => i === 0 ? lingering : {})), ["10.244.1.1"]);
  assert.deepEqual(served(spec({}), withEach(BOTH, (i) => i === 0 ? lingering : gone)), ["10.244.0.1"]);
  assert.deepEqual(served(spec({}), withEach(BOTH, () => gone)), []);
  assert.deepEqual(
    served(
      spec({}),
      withEach(BOTH, () => ({ conditions: { ready: false, serving: true, terminating: false } })),
    ),
    [],
  );
});

Deno.test("zone hints are used if every ready endpoint has one and one names our zone; node hints come first", () => {
  const zones = (...names: string[][]) =>
    withEach(BOTH, (i) => ({ hints: { forZones: names[i]!.map((name) => ({ name })) } }));
  assert.deepEqual(served(spec({}), zones(["zone-2"], ["zone-1"])), ["10.244.1.1"]);
  assert.deepEqual(served(spec({}), zones(["zone-2"], ["zone-1", "zone-2"])), ["10.244.1.1"]);
  assert.deepEqual(served(spec({}), zones(["zone-2"], [])), ["10.244.0.1", "10.244.1.1"], "one has no hint");
  assert.deepEqual(
    served(spec({}), zones(["zone-2"], ["zone-3"])),
    ["10.244.0.1", "10.244.1.1"],
    "none is for us",
  );
  const nodes = withEach(
    BOTH,
    (i) => ({
      hints: { forZones: [{ name: "zone-1" }], forNodes: [{ name: i === 0 ? "node-a" : "node-b" }] },
    }),
  );
  assert.deepEqual(served(spec({}), nodes), ["10.244.0.1"]);
});

Deno.test("a change of the own node's zone or address acts at once", () => {
  const zones = withEach(BOTH, (i) => ({ hints: { forZones: [{ name: `zone-${i + 1}` }] } }));
  const state = folded(spec({}), zones);
  const endpoints = () =>
    lines(state.desired).filter((line) => /^ip (single-)?endpoints/.test(line)).map((line) =>
      line.split(" : ")[1]
    );
  assert.deepEqual(endpoints(), ["10.244.0.1 . 8080"]);
  foldRecord(state, 9 as Offset, appears(node("zone-2", "192.168.10.99", "fd00::10")));
  assert.deepEqual(endpoints(), ["10.244.1.1 . 8080"]);
  assert.deepEqual(lines(state.desired).filter((line) => line.includes("nodeport-ips")), [
    "ip nodeport-ips 192.168.10.99",
    "ip6 nodeport-ips fd00::10",
  ]);
});

Deno.test("the older of two Services with one NodePort or external IP holds it", () => {
  const make = (name: string, born: string, ip: string) => {
    const base = service(`shop/${name} ${ip} http:80/tcp`, born, { externalIPs: ["192.0.2.1"] });
    return {
      ...base,
      spec: { ...base.spec, ports: [{ name: "http", port: 80, protocol: "TCP", nodePort: 30080 }] },
    };
  };
  const objects = [
    make("young", "2026-02-01T00:00:00Z", "10.96.0.2"),
    make("old", "2026-01-01T00:00:00Z", "10.96.0.1"),
    slice("shop/young-a http:8080/tcp 10.244.0.2"),
    slice("shop/old-a http:8080/tcp 10.244.0.1"),
  ];
  for (const order of [objects, [...objects].reverse()]) {
    const found = frontends(...order).filter((line) => /30080 \. 0|192\.0\.2\.1 /.test(line));
    assert.deepEqual(found, [
      "nodeport-endpoints tcp . 30080 . 0 : 10.244.0.1 . 8080",
      "single-external-endpoints 192.0.2.1 . tcp . 80 : 10.244.0.1 . 8080",
      "single-external-ips 192.0.2.1 . tcp . 80",
    ]);
  }
});

Deno.test("without a node address of a family its NodePorts are served on no address", () => {
  const state = folded(spec({ type: "NodePort" }, 30080), REMOTE);
  const nodePorts = lines(state.desired).filter((line) => line.includes("nodeport-ips"));
  assert.deepEqual(nodePorts, ["ip nodeport-ips 192.168.10.10"]);
});

Deno.test("internal addresses of the node come before external ones, whatever their order", () => {
  const own = node("zone-1");
  const addresses = [{ type: "ExternalIP", address: "198.51.100.9" }, {
    type: "InternalIP",
    address: "10.0.0.9",
  }, {
    type: "ExternalIP",
    address: "fd00::9",
  }];
  const state = folded();
  foldRecord(state, 9 as Offset, appears({ ...own, status: { addresses } }));
  assert.deepEqual(state.node.addresses, ["10.0.0.9", "fd00::9"]);
});

Deno.test("healthCheckNodePort counts the ready local addresses of all ports by family, for LoadBalancers under Local policy", () => {
  const fields = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 };
  const two = [
    slice(
      "shop/web-a http:8080/tcp 10.244.0.1@node-a 10.244.0.2@node-a !10.244.0.3@node-a 10.244.1.1@node-b",
    ),
    slice("shop/web-b http:8080/tcp 10.244.0.2@node-a"),
  ];
  const counts = (fields: Partial<Service["spec"]>, ...slices: EndpointSlice[]) =>
    folded(spec(fields), ...slices).programs.get("shop/web" as never)!.healthCheck;
  assert.deepEqual(counts(fields, ...two), { port: 32000, localEndpoints: { ip: 2 } });
  assert.deepEqual(counts(fields, REMOTE), { port: 32000, localEndpoints: { ip: 0 } });
  const dual = { ...fields, clusterIPs: ["10.96.0.1", "fd00:96::1"] };
  const six = slice("shop/web-6 http:8080/tcp fd00:244::1@node-a");
  assert.deepEqual(counts(dual, ...two, six)!.localEndpoints, { ip: 2, ip6: 1 });
  assert.deepEqual(counts(dual, REMOTE, six)!.localEndpoints, { ip: 0, ip6: 1 });
  assert.equal(counts({ ...fields, externalTrafficPolicy: "Cluster" }, ...two), undefined);
  assert.equal(counts({ ...fields, type: "NodePort" }, ...two), undefined);
});

Deno.test("without affinity and source ranges no element leads to a chain: the kernel would validate all chains", () => {
  const balanced = (fields: Partial<Service["spec"]>) => ({
    ...spec({ type: "LoadBalancer", externalIPs: ["192.0.2.80"], ...fields }, 30080),
    status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } },
  });
  const local = { externalTrafficPolicy: "Local", internalTrafficPolicy: "Local" };
  for (const fields of [{}, local]) {
    for (const slices of [[], [REMOTE], [BOTH]]) {
      const found = frontends(balanced(fields), ...slices);
      assert.ok(found.length > 2);
      assert.deepEqual(found.filter((line) => / : (goto|jump) /.test(line)), [], JSON.stringify(fields));
    }
  }
});

Deno.test("affinity is elements, but for the chains of its timeout, and leaves nothing behind", () => {
  const found = (fields: Partial<Service["spec"]>, nodePort?: number) =>
    lines(folded(spec(fields, nodePort), BOTH).desired).filter((line) => /\(|affinity|service-ips/.test(line))
      .map((line) => line.startsWith("ip (chains)") ? line.split(" : ")[0]! : line);
  const affinity = {
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 90 } },
  };
  const port = "10.96.0.1 . tcp . 80";
  // 0x0af40001 and 0x0af40101 with 8080 * 0x9e3779b1, the lowest 25 bits.
  const [first, second] = ["c04e:2910", "c04e:3910"];
  const atClusterIP = [
    "ip (chains) pinned/90",
    `ip affinity-endpoints ${port} . ${first} : 10.244.0.1 . 8080`,
    `ip affinity-endpoints ${port} . ${second} : 10.244.1.1 . 8080`,
    "ip affinity-leads e600:b410 : goto pinned/90",
    `ip affinity-numbers ${port} . ${first}`,
    `ip affinity-numbers ${port} . ${second}`,
    `ip affinity-slots ${port} . 0 : ${first}`,
    `ip affinity-slots ${port} . 1 : ${second}`,
    `ip service-ips ${port} : e600:b410`,
  ];
  assert.deepEqual(found(affinity), atClusterIP);
  assert.deepEqual(
    found({ ...affinity, type: "NodePort" }, 30080).filter((line) => !atClusterIP.includes(line)),
    [
      "ip (chains) pinned-nodeports/90",
      `ip affinity-classes ${port} : e400:10`,
      "ip affinity-leads e600:b510 : goto pinned-nodeports/90",
      `ip affinity-nodeport-endpoints tcp . 30080 . ${first} : 10.244.0.1 . 8080`,
      `ip affinity-nodeport-endpoints tcp . 30080 . ${second} : 10.244.1.1 . 8080`,
      "ip affinity-nodeport-ips tcp . 30080 : 10.96.0.1",
      "ip affinity-nodeport-ports tcp . 30080 : 80",
      `ip affinity-port-nodeports ${port} : 30080`,
    ],
  );
  // Under a Local policy there are two lists, so that the short way could lead to an endpoint of the other one.
  const local = found({ ...affinity, internalTrafficPolicy: "Local" });
  assert.ok(local.includes("ip affinity-leads e600:b520 : goto pinned-local-ips/90"));
  assert.equal(local.some((line) => line.includes("pinned/")), false);
  assert.deepEqual(found({ sessionAffinity: "None" }), []);
});
