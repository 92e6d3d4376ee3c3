// What texts name in a small cluster, and what is suggested where they name nothing.

import assert from "node:assert/strict";
import fc from "fast-check";
import { emptyState } from "../../src/fold/cluster_state.ts";
import { foldRecord } from "../../src/fold/fold.ts";
import { directoryOf } from "../../src/history/directory.ts";
import {
  findSubject,
  isNameProblem,
  nameProblemLines,
  namesBeginning,
  type Subject,
  subjectText,
} from "../../src/history/names.ts";
import type { EndpointSlice, KubeObject } from "../../src/kube/objects.ts";
import { parseAddress } from "../../src/kube/address.ts";
import { offsetOf } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";

const node = (name: string, zone: string, address: string): KubeObject => ({
  kind: "Node",
  metadata: { name, labels: { "topology.kubernetes.io/zone": zone } },
  spec: {},
  status: { addresses: [{ type: "Hostname", address: name }, { type: "InternalIP", address }] },
});

/** A slice whose endpoints name their pods, as newer ledgers do. */
const withPods = (text: string, ...pods: string[]): EndpointSlice => {
  const plain = slice(text);
  const endpoints = plain.endpoints.map((endpoint, i) => ({
    ...endpoint,
    targetRef: { kind: "Pod", namespace: plain.metadata.namespace!, name: pods[i]! },
  }));
  return { ...plain, endpoints };
};

const CLUSTER: readonly KubeObject[] = [
  service("shop/web 10.96.0.1,fd00:96::1 http:80/tcp https:443/tcp"),
  service("shop/tcp 10.96.0.2 http:80/tcp"),
  service("shop/dns 10.96.0.3 dns:53/udp dns-tcp:53/tcp"),
  service("blue/api 10.96.0.4 http:80/tcp"),
  service("green/api 10.96.0.5 http:80/tcp"),
  service("node/web2 10.96.0.6 http:80/tcp"),
  node("worker-1", "zone-a", "192.0.2.1"),
  node("web2", "zone-b", "192.0.2.2"),
  withPods("shop/web-a http:8080/tcp 10.244.0.1@worker-1 10.244.0.2@worker-3", "web-0", "web-1"),
];
const DIRECTORY = (() => {
  const state = emptyState();
  CLUSTER.forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  return directoryOf(state);
})();

/** What a text names, as `kind name`; for a problem its kind and candidates. */
function found(text: string): string {
  const subject = findSubject(DIRECTORY, text);
  if (isNameProblem(subject)) return [subject.kind, ...subject.candidates].join(" ");
  const { kind } = subject;
  return `${kind} ${subjectText(subject).replace(/^(node|pod|zone) /, "")}`;
}

Deno.test("Services, ports, nodes, pods, zones and addresses are named as short as they are clear", () => {
  const cases: [string, string][] = [
    ["shop/web", "service shop/web"],
    ["web", "service shop/web"],
    [" svc/web ", "service shop/web"],
    ["web:http", "service shop/web:http"],
    ["web:443", "service shop/web:https"],
    ["shop/web:https/tcp", "service shop/web:https"],
    ["shop/tcp", "service shop/tcp"],
    ["shop/tcp/tcp", "service shop/tcp:http"],
    ["dns/udp", "service shop/dns:dns"],
    ["dns:53/tcp", "service shop/dns:dns-tcp"],
    ["node/web2", "service node/web2"],
    ["nodes/web2", "node web2"],
    ["worker-1", "node worker-1"],
    ["worker-3", "node worker-3"],
    ["worker-1:30080", "address 192.0.2.1:30080"],
    ["web-0", "pod shop/web-0"],
    ["shop/web-1", "pod shop/web-1"],
    ["pod/web-1:8080/udp", "address 10.244.0.2:8080"],
    ["zone-a", "zone zone-a"],
    ["10.96.0.1", "address 10.96.0.1"],
    ["010.096.0.1", "address 10.96.0.1"],
    ["10.96.0.1:80/TCP", "address 10.96.0.1:80"],
    ["FD00:0096:0::1", "address fd00:96::1"],
    ["[fd00:96::1]:80", "address [fd00:96::1]:80"],
    ["::ffff:10.96.0.1", "address 10.96.0.1"],
    ["10.244.0.77/16", "block 10.244.0.0/16"],
    ["fd00:96::/112", "block fd00:96::/112"],
  ];
  for (const [text, subject] of cases) assert.equal(found(text), subject, text);
});

Deno.test("a name with several meanings is a list to choose from, each entry of which has one meaning", () => {
  const cases: [string, string][] = [
    ["api", "ambiguous blue/api green/api"],
    ["web2", "ambiguous node/web2 nodes/web2"],
    ["dns:53", "ambiguous shop/dns:dns shop/dns:dns-tcp"],
  ];
  for (const [text, problem] of cases) {
    assert.equal(found(text), problem, text);
    for (const choice of problem.split(" ").slice(1)) {
      assert.doesNotMatch(found(choice), /^ambiguous/, choice);
    }
  }
  assert.match(
    nameProblemLines({ kind: "ambiguous", text: "api", candidates: ["a"] })[0]!,
    /^api can be each of these/,
  );
});

Deno.test("an unknown name is a problem with the names that are near it", () => {
  const cases: [string, string][] = [
    ["shop/wbe", "unknown shop/web"],
    ["worker-2", "unknown worker-1 worker-3"],
    ["web:grpc", "unknown shop/web:http shop/web:https"],
    ["zzzzzz", "unknown"],
    ["10.96.0.300", "malformed"],
    ["10.96.0.1:0", "malformed"],
    ["", "malformed"],
    ["worker-1/udp", "unknown nodes/worker-1"],
    ["web-0/sctp", "unknown pods/shop/web-0"],
    ["zone-a/tcp", "unknown zone/zone-a"],
    ["worker-1:http", "unknown nodes/worker-1"],
    ["worker-1:0", "unknown nodes/worker-1"],
    ["worker-3:80", "unknown nodes/worker-3"],
    ["pod/web-0:http", "unknown pods/shop/web-0"],
    ["zone-a:80", "unknown zone/zone-a"],
    ["deploy/tcp", "unknown shop/tcp"],
    ["shp/", "unknown shop/"],
    ["elsewhere/", "unknown"],
  ];
  for (const [text, problem] of cases) assert.equal(found(text), problem, text);
  const none = findSubject(DIRECTORY, "shp/");
  assert.ok(isNameProblem(none));
  assert.deepEqual(nameProblemLines(none), [
    "shp/: no Service is in this namespace at this position. Near it are:",
    "  shop/",
  ]);
  const [first] = nameProblemLines({ kind: "unknown", text: "x", candidates: ["y"] });
  assert.match(
    first!,
    /^x: no Service, node, pod or zone has this name at this position\. Near it are:/,
  );
});

Deno.test("an EndpointSlice is no subject; its Service is named, by the slice's name in full, in short and with its kind", () => {
  const state = emptyState();
  const slices = ["shop/web-a", "shop/web-b", "blue/api-a", "green/api-a"].map((name) =>
    slice(`${name} http:8080/tcp 10.244.0.1`)
  );
  [...CLUSTER, ...slices].forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  const directory = directoryOf(state);
  const linesOf = (text: string) => {
    const problem = findSubject(directory, text);
    assert.ok(isNameProblem(problem) && problem.kind === "unknown", text);
    return nameProblemLines(problem);
  };
  for (const text of ["shop/web-b", "web-b", "endpointslice/shop/web-b", "endpointslices/web-b"]) {
    assert.deepEqual(
      linesOf(text),
      [`${text}: it is an EndpointSlice; name its Service:`, "  shop/web"],
      text,
    );
  }
  assert.deepEqual(linesOf("api-a").slice(1), ["  blue/api", "  green/api"]);
});

Deno.test("a port that its Service does not have is no unknown name: the Service's ports are printed, or that it has none", () => {
  const state = emptyState();
  const headless = service("shop/db None pg:5432/tcp");
  [...CLUSTER, headless].forEach((object, i) => foldRecord(state, offsetOf(i), appears(object)));
  const linesOf = (text: string) => {
    const problem = findSubject(directoryOf(state), text);
    assert.ok(isNameProblem(problem), text);
    return nameProblemLines(problem);
  };
  assert.deepEqual(linesOf("web:grpc"), [
    "web:grpc: shop/web has no such port; it has:",
    "  shop/web:http",
    "  shop/web:https",
  ]);
  assert.deepEqual(linesOf("shop/db:pg"), [
    "shop/db:pg: shop/db has no port with a cluster IP that this program balances",
  ]);
});

Deno.test("a namespace is meant with a slash behind it; without one its Services are what may be meant", () => {
  assert.deepEqual(findSubject(DIRECTORY, "shop/"), { kind: "namespace", namespace: "shop" });
  const found = findSubject(DIRECTORY, "shop");
  assert.ok(isNameProblem(found) && found.kind === "unknown");
  assert.deepEqual(found.candidates, ["shop/", "shop/dns", "shop/tcp", "shop/web"]);
  for (const text of ["/", "shops/"]) assert.ok(isNameProblem(findSubject(DIRECTORY, text)), text);
});

Deno.test("property: what is found, written in full, is found again", () => {
  const known = [
    "shop/web",
    "web",
    "web:http",
    "web-0",
    "worker-1",
    "zone-b",
    "api",
    "node/web2",
    "dns",
    "tcp",
  ];
  const texts = fc.oneof(
    fc.constantFrom(...known),
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4().map((ip) => `${ip}/24`),
    fc.string({ unit: fc.constantFrom(..."abw/:-1[].tcp"), maxLength: 12 }),
  );
  fc.assert(fc.property(texts, (text) => {
    const subject = findSubject(DIRECTORY, text);
    if (isNameProblem(subject)) {
      for (const line of nameProblemLines(subject)) assert.ok(line.length > 0);
      return;
    }
    assert.equal(kindAndText(findSubject(DIRECTORY, written(subject))), kindAndText(subject));
  }));
});

Deno.test("property: an address is found by every spelling of it", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4Extended(), fc.ipV6()), fc.integer({ min: 1, max: 65535 }), (text, port) => {
      const address = parseAddress(text);
      if (address === undefined) return;
      assert.deepEqual(findSubject(DIRECTORY, text), { kind: "address", address });
      const bracketed = findSubject(DIRECTORY, `[${text}]:${port}/udp`);
      assert.deepEqual(bracketed, { kind: "address", address, port, protocol: "udp" });
    }),
  );
});

function kindAndText(found: ReturnType<typeof findSubject>): string {
  return isNameProblem(found) ? `problem ${found.text}` : `${found.kind} ${subjectText(found)}`;
}

function written(subject: Subject): string {
  const text = subjectText(subject);
  return subject.kind === "node" ? text.replace("node ", "nodes/") : text.replace(/^(pod|zone) /, "$1/");
}

Deno.test("a DNS name of the cluster, and the host of a URL, mean their Service or address", () => {
  const named = (text: string) => {
    const found = findSubject(DIRECTORY, text);
    return isNameProblem(found) ? nameProblemLines(found)[0] : subjectText(found);
  };
  for (
    const text of [
      "web.shop",
      "web.shop.svc",
      "web.shop.svc.cluster.local",
      "web.shop.svc.cluster.local.",
      "WEB.shop",
    ]
  ) assert.equal(named(text), "shop/web", text);
  assert.equal(named("http://web.shop.svc.cluster.local:80/cart?x=1"), "shop/web:http");
  assert.equal(named("web.shop:https"), "shop/web:https");
  assert.equal(named("https://10.96.0.1:443/"), "10.96.0.1:443");
  assert.equal(named("http://[fd00:96::1]:80"), "[fd00:96::1]:80");
  assert.equal(named("http://worker-1"), "node worker-1");
  assert.match(named("web.blue")!, /^web\.blue: no Service, node, pod or zone has/);
});

Deno.test("an address or a block that is written wrongly is said to be none", () => {
  for (
    const text of ["10.96.0.0/33", "10.96.0.256", "10.96.0.1:99999", "fd00::g", "1.2.3", "[fd00::1]:99999"]
  ) {
    const found = findSubject(DIRECTORY, text);
    assert.ok(isNameProblem(found), text);
    assert.deepEqual(nameProblemLines(found), [`${text}: it is no IP address and no CIDR`]);
  }
  const empty = findSubject(DIRECTORY, " ");
  assert.match(isNameProblem(empty) ? nameProblemLines(empty)[0]! : "", /^an empty name: give a Service/);
});

Deno.test("a shell is offered Services, and with a prefix nodes and pods; no name that no object can have", () => {
  const SERVICES = ["blue/api", "green/api", "node/web2", "shop/dns", "shop/tcp", "shop/web"];
  assert.deepEqual(namesBeginning(DIRECTORY, ""), SERVICES);
  assert.deepEqual(namesBeginning(DIRECTORY, "shop/w"), ["shop/web", "shop/web-0", "shop/web-1"]);
  assert.deepEqual(namesBeginning(DIRECTORY, "w"), ["web2", "worker-1", "worker-3"]);
  assert.deepEqual(namesBeginning(DIRECTORY, "", "namespace"), ["blue", "green", "node", "shop"]);
  assert.deepEqual(namesBeginning(DIRECTORY, "w", "node"), ["web2", "worker-1", "worker-3"]);
  assert.deepEqual(namesBeginning(DIRECTORY, "shop/", "pod"), ["shop/web-0", "shop/web-1"]);
  assert.deepEqual(namesBeginning(DIRECTORY, "zone-", "zone"), ["zone-a", "zone-b"]);
  const zones = new Set(["Zone_A", "Z;", "Z$(id)"]);
  assert.deepEqual(namesBeginning({ ...DIRECTORY, zones }, "Z", "zone"), ["Zone_A"]);
  const odd = { ...DIRECTORY, nodes: new Map([["w$(id)", []], ["w;", []]]) };
  assert.deepEqual(namesBeginning(odd, "w"), []);
});
