// The door for API objects and addresses: what comes in, what is left out, and what is said about it.

import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { cidrText, familyOf, parseAddress, parseCidr } from "../../src/kube/address.ts";
import { decodeObject } from "../../src/kube/decode.ts";
import { ipv6Bytes, ipv6Text } from "../../src/kernel/data_codec.ts";
import { isCanonical } from "../../src/nft/data_type.ts";

Deno.test("addresses are read as sloppily as kube-proxy reads them and written in one form", () => {
  const cases: Record<string, string | null> = {
    "10.0.0.1": "10.0.0.1",
    "172.30.0.041": "172.30.0.41",
    "010.0.0.001": "10.0.0.1",
    " 10.0.0.1 ": "10.0.0.1",
    "256.0.0.1": null,
    "10.0.0": null,
    "10.0.0.1.2": null,
    "FD00:0:0::0001": "fd00::1",
    "::ffff:10.0.0.1": "10.0.0.1",
    "fe80::1%eth0": null,
    "fd00::1::2": null,
    "web.example.com": null,
    "": null,
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(parseAddress(text), expected, text);
});

Deno.test("every IPv6 address comes back from its bytes in the form it is parsed to", () => {
  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, {
    weight: 1,
    arbitrary: fc.integer({ min: 0, max: 0xffff }),
  });
  fc.assert(fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
    const canonical = parseAddress(
      groups.map((g) => g.toString(16).padStart(4, "0").toUpperCase()).join(":"),
    )!;
    if (familyOf(canonical) === "ip") return;
    assert.ok(isCanonical("ipv6_addr", canonical));
    assert.equal(ipv6Text(ipv6Bytes(canonical)), canonical);
    assert.deepEqual(
      [...new Uint16Array(ipv6Bytes(canonical).buffer)].map((g) => ((g & 0xff) << 8) | (g >> 8)),
      groups,
    );
  }));
});

Deno.test("blocks lose their host bits", () => {
  const cases: Record<string, string | null> = {
    "203.0.113.000/025": "203.0.113.0/25",
    "10.1.2.3/8": "10.0.0.0/8",
    "10.1.2.3/0": "0.0.0.0/0",
    "255.255.255.255/31": "255.255.255.254/31",
    "fd00:1:2:3::4/48": "fd00:1:2::/48",
    "10.0.0.0/33": null,
    "10.0.0.0": null,
    "10.0.0.0/8/8": null,
    "x/8": null,
  };
  for (const [text, expected] of Object.entries(cases)) {
    const cidr = parseCidr(text);
    assert.equal(cidr === null ? null : cidrText(cidr), expected, text);
  }
});

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

Deno.test("an object is pruned to the fields that decide rules", () => {
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
      },
      spec: {
        clusterIP: "10.96.0.1",
        clusterIPs: ["10.96.0.1"],
        ports: [{ name: "http", port: 80, protocol: "TCP" }],
      },
      status: { loadBalancer: {} },
    },
    warnings: [],
  });
});

Deno.test("what is wrong with a part is said, and the part is left out", () => {
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

Deno.test("what is wrong with the whole object says what, where and what was expected", () => {
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
    [
      { ...parse(SERVICE), spec: { ports: [{ port: "80" }] } },
      /Service "shop\/web": spec.ports.0.port: .*found "80"/,
    ],
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
