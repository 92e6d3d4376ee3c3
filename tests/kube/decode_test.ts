// Decoding of API objects: what is kept, what is left out, and the warnings about it.

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { decodeObject } from "../../src/kube/decode.ts";

const SERVICE = `
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  uid: 5c1a
  resourceVersion: "812"
  creationTimestamp: "2026-01-01T00:00:00Z"
  annotations: {kubectl.kubernetes.io/last-applied-configuration: "secret"}
  labels: {app: web, service.kubernetes.io/service-proxy-name: other}
  managedFields: [{manager: kubectl, operation: Update}]
spec:
  clusterIP: 10.96.0.1
  clusterIPs: [10.96.0.1]
  selector: {app: web}
  ports: [{name: http, port: 80, protocol: TCP, targetPort: 8080}]
status: {loadBalancer: {}}
`;

Deno.test("an object is pruned to the fields that decide rules, and a few that are evidence", () => {
  const decoded = decodeObject(parse(SERVICE));
  assert.deepEqual(decoded, {
    ok: true,
    object: {
      kind: "Service",
      metadata: {
        name: "web",
        namespace: "shop",
        uid: "5c1a",
        resourceVersion: "812",
        creationTimestamp: "2026-01-01T00:00:00Z",
        labels: { "service.kubernetes.io/service-proxy-name": "other" },
        managedFields: [{ manager: "kubectl" }],
      },
      spec: {
        clusterIP: "10.96.0.1",
        clusterIPs: ["10.96.0.1"],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
        selector: { app: "web" },
      },
      status: { loadBalancer: {} },
    },
    warnings: [],
  });
});

Deno.test("a wrong part is left out with a warning", () => {
  const broken = parse(SERVICE);
  broken.spec.ports = [{ port: 80 }, { port: 0 }, { port: 81, protocol: "QUIC" }, {
    port: 80,
    protocol: "TCP",
    name: "again",
  }, { port: 82, nodePort: 70000 }];
  broken.spec.externalIPs = ["192.0.2.1", "not-an-ip"];
  const decoded = decodeObject(broken);
  assert.ok(decoded.ok && decoded.object.kind === "Service");
  assert.deepEqual(decoded.object.spec.ports, [{ port: 80 }]);
  assert.deepEqual(decoded.object.spec.externalIPs, ["192.0.2.1"]);
  assert.equal(decoded.warnings.length, 5);
  for (const warning of decoded.warnings) assert.match(warning, /^Service shop\/web: .*/);

  const slice = decodeObject({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web", x: "y" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["10.244.0.1"], conditions: { ready: null } }, { addresses: ["10.244.0.999"] }, {
      addresses: ["fd00::1"],
    }, { addresses: [] }],
    ports: [{ name: "http", port: 8080 }, { name: "bad", port: 99999 }, { name: null, port: null }],
  });
  assert.ok(slice.ok && slice.object.kind === "EndpointSlice");
  assert.deepEqual(slice.object.endpoints, [{ addresses: ["10.244.0.1"], conditions: {} }]);
  assert.deepEqual(slice.object.ports, [{ name: "http", port: 8080 }, {}]);
  assert.equal(slice.warnings.length, 4);
});

Deno.test("the problem of a wrong object names the field, its value and what was expected", () => {
  const cases: [unknown, RegExp][] = [
    [null, /kind missing is not one of Service, EndpointSlice, Node, ServiceCIDR/],
    [{ kind: "Pod" }, /kind "Pod" is not one of/],
    [{ kind: "constructor" }, /is not one of/],
    [{ ...parse(SERVICE), apiVersion: "v2" }, /Service "shop\/web": apiVersion "v2", expected "v1"/],
    [{ ...parse(SERVICE), metadata: { name: "web" } }, /metadata.namespace is missing/],
    [
      { ...parse(SERVICE), metadata: { name: "We\u0007b", namespace: "shop" } },
      /metadata.name: a name is lower-case .* found "We\\u0007b"/,
    ],
    [{ ...parse(SERVICE), spec: { ports: "80" } }, /Service "shop\/web": spec.ports: .*found "80"/],
    [
      { ...parse(SERVICE), metadata: { name: 80, namespace: "shop" } },
      /Service 80: metadata.name: .*found 80/,
    ],
    [{ ...parse(SERVICE), spec: { loadBalancerSourceRanges: "10.0.0.0/8" } }, /loadBalancerSourceRanges: /],
    [{ ...parse(SERVICE), spec: "x" }, /spec: .*found "x"/],
  ];
  for (const [value, message] of cases) {
    const decoded = decodeObject(value);
    assert.ok(!decoded.ok);
    assert.match(decoded.problem, message);
  }
});

Deno.test("decoding what was decoded changes nothing, and no input makes it throw", () => {
  const decoded = decodeObject(parse(SERVICE));
  assert.ok(decoded.ok);
  assert.deepEqual(decodeObject({ apiVersion: "v1", ...decoded.object }), decoded);
  const kinds = fc.constantFrom("Service", "EndpointSlice", "Node", "ServiceCIDR", "List");
  fc.assert(fc.property(fc.jsonValue(), fc.jsonValue(), kinds, (spec, metadata, kind) => {
    const apiVersion = kind === "EndpointSlice" ? "discovery.k8s.io/v1" : "v1";
    const result = decodeObject({
      kind,
      apiVersion,
      metadata,
      spec,
      status: spec,
      endpoints: spec,
      ports: metadata,
    });
    assert.equal(typeof result.ok, "boolean");
  }));
});

/** A slice of the Service shop/web with `endpoints` and, where they are given, `ports`. */
const sliceOf = (endpoints: unknown, ports: unknown = [{ name: "http", port: 8080 }]) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-a", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  endpoints,
  ports,
});

/** The addresses that a slice of `endpoints` serves, and what is said about the others. */
function addresses(endpoints: unknown): { served: string[]; warnings: readonly string[] } {
  const decoded = decodeObject(sliceOf(endpoints));
  assert.ok(decoded.ok && decoded.object.kind === "EndpointSlice", JSON.stringify(decoded));
  const served = decoded.object.endpoints.map((endpoint) => endpoint.addresses[0]!);
  return { served, warnings: decoded.warnings };
}

Deno.test("a wrong endpoint is left out, for any fault in it, and the others serve", () => {
  const good = { addresses: ["10.244.0.1"] };
  const broken: unknown[] = [
    null,
    7,
    [],
    {},
    { addresses: null },
    { addresses: "10.244.0.9" },
    { addresses: { 0: "10.244.0.9" } },
    { addresses: [] },
    { addresses: [null] },
    { addresses: [10] },
    { addresses: [["10.244.0.9"]] },
    { addresses: [""] },
    { addresses: ["10.244.0.9"], conditions: "ready" },
    { addresses: ["10.244.0.9"], conditions: { ready: "false" } },
  ];
  for (const endpoint of broken) {
    const { served, warnings } = addresses([endpoint, good, endpoint]);
    assert.deepEqual(served, ["10.244.0.1"], JSON.stringify(endpoint));
    assert.ok(warnings.length >= 2, JSON.stringify(endpoint));
    for (const warning of warnings) assert.match(warning, /^EndpointSlice shop\/web-a: /);
  }
});

Deno.test("a wrong field that an endpoint does not need is left out alone, and null is absent, as in Go", () => {
  const cases: [Record<string, unknown>, number][] = [
    [
      {
        conditions: null,
        hints: null,
        nodeName: null,
        zone: null,
        targetRef: null,
        deprecatedTopology: null,
      },
      0,
    ],
    [{ conditions: { ready: null, serving: null, terminating: null } }, 0],
    [{ hints: { forZones: null, forNodes: null } }, 0],
    [{ hints: "zone-a" }, 1],
    [{ hints: { forZones: [{ name: null }] } }, 1],
    [{ nodeName: 5 }, 1],
    [{ addresses: [null, "10.244.0.1"] }, 1],
    [{ addresses: ["10.244.0.999", "fd00::1", "10.244.0.1"] }, 2],
  ];
  for (const [fields, expected] of cases) {
    const { served, warnings } = addresses([{ addresses: ["10.244.0.1"], ...fields }]);
    assert.deepEqual([served, warnings.length], [["10.244.0.1"], expected], JSON.stringify(fields));
  }
});

Deno.test("a wrong port, address or entry of a load balancer is left out alone", () => {
  const broken = parse(SERVICE);
  broken.spec.ports = [null, "80", { port: "80" }, { port: null }, { port: 1.5 }, { port: -1 }, {
    port: 80,
    protocol: "",
    nodePort: null,
    name: null,
  }];
  broken.spec.clusterIPs = [null, "10.96.0.1", 7];
  broken.spec.externalIPs = [{}, "192.0.2.1"];
  broken.spec.sessionAffinityConfig = "ClientIP";
  broken.spec.externalTrafficPolicy = 5;
  broken.status = { loadBalancer: { ingress: [null, 5, { ip: 5 }, { ip: "192.0.2.9", ipMode: null }] } };
  const decoded = decodeObject(broken);
  assert.ok(decoded.ok && decoded.object.kind === "Service", JSON.stringify(decoded));
  const { spec, status } = decoded.object;
  assert.deepEqual(spec.ports, [{ port: 80 }]);
  assert.deepEqual([spec.clusterIPs, spec.externalIPs], [["10.96.0.1"], ["192.0.2.1"]]);
  assert.deepEqual(status?.loadBalancer?.ingress, [{ ip: "192.0.2.9" }]);
  assert.equal(decoded.warnings.length, 14);
});

Deno.test("an entry of a load balancer whose address is none is named, and left out alone", () => {
  const broken = parse(SERVICE);
  const ingress = [{ ip: "192.0.2.9/32" }, { ip: "192.0.2.7" }, { hostname: "lb.example" }, { ip: "" }];
  broken.status = { loadBalancer: { ingress } };
  const decoded = decodeObject(broken);
  assert.ok(decoded.ok && decoded.object.kind === "Service", JSON.stringify(decoded));
  assert.deepEqual(decoded.object.status?.loadBalancer?.ingress?.slice(0, 2), [
    { ip: "192.0.2.7" },
    { hostname: "lb.example" },
  ]);
  assert.deepEqual(decoded.warnings, [
    'Service shop/web: status.loadBalancer.ingress: "192.0.2.9/32" is not an IP address; left out',
  ]);
});

Deno.test("a Service whose cluster IP is not a text is rejected, so that its known rules stay", () => {
  for (const clusterIP of [5, {}, ["10.96.0.1"], true]) {
    const broken = parse(SERVICE);
    broken.spec.clusterIP = clusterIP;
    const decoded = decodeObject(broken);
    assert.match(
      decoded.ok ? "" : decoded.problem,
      /^Service "shop\/web": spec\.clusterIP: expected string, found /,
    );
  }
});

Deno.test("a cluster IP that is no address rejects its Service, or is replaced by the first of its list", () => {
  for (
    const [clusterIPs, expected] of [[["banana"], undefined], [[], undefined], [
      ["x", "fd00::1"],
      "fd00::1",
    ]] as const
  ) {
    const broken = parse(SERVICE);
    broken.spec.clusterIP = "banana";
    broken.spec.clusterIPs = clusterIPs;
    const decoded = decodeObject(broken);
    const served = decoded.ok && decoded.object.kind === "Service"
      ? decoded.object.spec.clusterIP
      : undefined;
    assert.equal(served, expected);
    const said = decoded.ok ? decoded.warnings.join() : decoded.problem;
    assert.match(said, /spec\.clusterIP: "banana" is not an IP address/);
  }
  const headless = parse(SERVICE);
  for (const clusterIP of ["None", ""]) {
    headless.spec.clusterIP = clusterIP;
    const decoded = decodeObject(headless);
    assert.ok(decoded.ok && decoded.object.kind === "Service");
    assert.equal(decoded.object.spec.clusterIP, clusterIP);
  }
});

Deno.test("source ranges of which none is valid leave a Service open, with a warning", () => {
  for (const ranges of [["everywhere"], [null], [""]]) {
    const service = parse(SERVICE);
    service.spec.loadBalancerSourceRanges = ranges;
    const decoded = decodeObject(service);
    assert.ok(decoded.ok);
    assert.match(
      decoded.warnings.join("\n"),
      /loadBalancerSourceRanges can be read: .* open to every source/,
    );
  }
});

Deno.test("addresses and blocks of a Node that are not valid are left out, and it has no namespace", () => {
  const decoded = decodeObject({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "a", namespace: "shop", labels: null },
    spec: { podCIDRs: ["10.244.0.0/24", "10.244.0.0", null], taints: [null] },
    status: { addresses: [null, { type: "InternalIP", address: "x" }, { type: "Hostname", address: "a" }] },
  });
  assert.ok(decoded.ok && decoded.object.kind === "Node", JSON.stringify(decoded));
  assert.deepEqual(decoded.object.metadata, { name: "a" });
  assert.deepEqual(decoded.object.spec, { podCIDRs: ["10.244.0.0/24"], taints: [] });
  assert.deepEqual(decoded.object.status.addresses, [{ type: "Hostname", address: "a" }]);
  assert.equal(decoded.warnings.length, 5);
});

Deno.test("warnings and their quotes are bounded, and an object too large for the ledger is rejected", () => {
  const many = addresses([...Array(15_000).fill({ addresses: ["x".repeat(200)] }), {
    addresses: ["10.244.0.1"],
  }]);
  assert.deepEqual(many.served, ["10.244.0.1"]);
  assert.equal(many.warnings.length, 21);
  assert.match(many.warnings.at(-1)!, /and 14980 more such parts$/);
  for (const warning of many.warnings) assert.ok(warning.length < 300, warning);

  const cases: [unknown, RegExp][] = [
    [
      sliceOf(Array(20_001).fill(null)),
      /^EndpointSlice "shop\/web-a": endpoints: more than 20000 elements, found a list of 20001$/,
    ],
    [sliceOf([{ addresses: Array(1_000_000).fill(7) }, { addresses: ["10.244.0.1"] }]), /^$/],
    [
      sliceOf([{ addresses: ["10.244.0.1"], nodeName: "n".repeat(22_000_000) }]),
      /^EndpointSlice "shop\/web-a": \d+ bytes, more than/,
    ],
    [sliceOf([{ addresses: ["10.244.0.1"], nodeName: "\u0001".repeat(2_000_000) }]), /bytes, more than/],
  ];
  for (const [value, problem] of cases) {
    const decoded = decodeObject(value);
    assert.match(decoded.ok ? "" : decoded.problem, problem);
  }
});

/** JSON that nests `depth` lists. */
const nested = (depth: number) => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

Deno.test("a value nested as deeply as a parser allows is a wrong value like any other", () => {
  const deep = nested(200_000);
  for (const value of [deep, { kind: deep }, { kind: "Service", apiVersion: deep }]) {
    assert.equal(decodeObject(value).ok, false);
  }
  for (
    const path of [["metadata"], ["metadata", "name"], ["spec"], ["spec", "ports"], ["metadata", "labels"]]
  ) {
    const service = parse(SERVICE);
    const last = path.pop()!;
    path.reduce((at, key) => at[key], service)[last] = deep;
    const decoded = decodeObject(service);
    const said = decoded.ok ? decoded.warnings : [decoded.problem];
    assert.ok(said.length > 0 && said.every((text) => text.length < 300), path.join("."));
  }
  assert.deepEqual(addresses([deep, { addresses: ["10.244.0.1"] }, { addresses: deep }]).served, [
    "10.244.0.1",
  ]);
});

/** Every place in `value`, the outermost first. */
function* places(value: unknown, path: (string | number)[] = []): Generator<(string | number)[]> {
  yield path;
  if (typeof value !== "object" || value === null) return;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) yield* places((value as Record<string | number, unknown>)[key], [...path, key]);
}

const WHOLE: readonly unknown[] = [
  {
    ...parse(SERVICE),
    spec: {
      ...parse(SERVICE).spec,
      type: "LoadBalancer",
      externalIPs: ["192.0.2.1"],
      ipFamilies: ["IPv4"],
      loadBalancerSourceRanges: ["10.0.0.0/8"],
      externalTrafficPolicy: "Local",
      internalTrafficPolicy: "Local",
      healthCheckNodePort: 30_000,
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    },
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.9", hostname: "x", ipMode: "VIP" }] } },
  },
  sliceOf([
    {
      addresses: ["10.244.0.1"],
      conditions: { ready: true, serving: true, terminating: false },
      hints: { forZones: [{ name: "a" }], forNodes: [{ name: "n" }] },
      nodeName: "n",
    },
    { addresses: ["10.244.0.2"] },
  ]),
  {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n", labels: { "topology.kubernetes.io/zone": "a" } },
    spec: {
      podCIDRs: ["10.244.0.0/24"],
      taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }],
    },
    status: { addresses: [{ type: "InternalIP", address: "192.0.2.3" }] },
  },
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "k" },
    spec: { cidrs: ["10.96.0.0/12"] },
  },
];

const CHANGES = WHOLE.flatMap((value) => [...places(value)].map((path) => ({ value, path })));

Deno.test("an object with any value in any place is decoded, or the problem names the object", () => {
  const strange = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(null, "", 0, -1, 1e99, "x".repeat(300), [], {}, [null], { "": null }, "__proto__"),
  );
  fc.assert(
    fc.property(fc.constantFrom(...CHANGES), strange, fc.boolean(), ({ value, path }, put, remove) => {
      let changed: unknown = structuredClone(value);
      const last = path.at(-1);
      if (last === undefined) changed = put;
      else {
        const at = path.slice(0, -1).reduce(
          (at, key) => (at as Record<string, unknown>)[key],
          changed,
        ) as Record<string, unknown>;
        if (remove) delete at[last];
        else at[last] = put;
      }
      const decoded = decodeObject(JSON.parse(JSON.stringify(changed)));
      if (!decoded.ok) {
        return assert.match(decoded.problem, /^(kind |Service |EndpointSlice |Node |ServiceCIDR ).+/);
      }
      for (const warning of decoded.warnings) {
        assert.match(warning, /^(Service|EndpointSlice|Node|ServiceCIDR) .+: .+/);
      }
      const { apiVersion } = value as { apiVersion: string };
      const again = decodeObject({ apiVersion, ...decoded.object });
      assert.ok(again.ok, "what was decoded can be decoded");
      assert.deepEqual(again.object, decoded.object);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("a slice whose Service label is not a string is rejected; other such labels are left out", () => {
  const slice = (labels: unknown) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "web-a", namespace: "shop", labels },
    addressType: "IPv4",
    endpoints: [],
    ports: [],
  });
  assert.deepEqual(decodeObject(slice({ "kubernetes.io/service-name": 5 })), {
    ok: false,
    problem:
      'EndpointSlice "shop/web-a": metadata.labels.kubernetes.io/service-name: expected string, found 5',
  });
  const zone = decodeObject(slice({ "kubernetes.io/service-name": "web", "topology.kubernetes.io/zone": 1 }));
  assert.ok(zone.ok);
  assert.deepEqual(zone.object.metadata.labels, { "kubernetes.io/service-name": "web" });
  assert.match(zone.warnings.join(), /topology\.kubernetes\.io\/zone: .*, found 1; left out/);
  for (const labels of [{ "kubernetes.io/service-name": null, app: 5 }, {}, null]) {
    const plain = decodeObject(slice(labels));
    assert.ok(plain.ok && plain.object.metadata.labels === undefined && plain.warnings.length === 0);
  }
});
