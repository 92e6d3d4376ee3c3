// Which NodePorts are served on loopback, and by which endpoints.

import assert from "node:assert/strict";
import { LocalhostNodePorts } from "../../src/fold/localhost_node_ports.ts";
import type { Service } from "../../src/kube/objects.ts";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import type { ConfigRecord } from "../../src/ledger/record.ts";
import { appears, service, slice } from "../support/cluster_notation.ts";
import { folded } from "../support/folded.ts";

const config = (...nodePortAddresses: string[]): ConfigRecord => ({
  kind: "config",
  version: "0.7.0",
  nodeName: "node-a",
  proxy: { ...DEFAULT_PROXY_CONFIG, nodePortAddresses },
  time: "2026-01-01T00:00:00.000Z",
});

/** A NodePort Service at 30080 and 30053/udp. */
function nodePorts(name: string, born: string, spec: Partial<Service["spec"]> = {}) {
  const web = service(`${name} 10.96.0.1 http:80/tcp dns:53/udp`, born, { type: "NodePort", ...spec });
  const [http, dns] = web.spec.ports!;
  return {
    ...web,
    spec: { ...web.spec, ports: [{ ...http!, nodePort: 30080 }, { ...dns!, nodePort: 30053 }] },
  };
}

const WEB = appears(nodePorts("shop/web", "2026-01-01T00:00:00Z"));
const SLICE = appears(slice("shop/web-a http:8080/tcp dns:53/udp 10.244.0.1@node-a 10.244.1.2@node-b"));

const found = (...records: Parameters<typeof folded>) =>
  new LocalhostNodePorts().of(folded(...records)).map(({ name, port, affinitySeconds, endpoints }) =>
    [name, port, affinitySeconds, ...endpoints.map(({ hostname, port }) => `${hostname}:${port}`)].join(" ")
  );

const BOTH = "shop/web:http 30080 0 10.244.0.1:8080 10.244.1.2:8080";

Deno.test("TCP NodePorts with endpoints are served where the configuration names loopback of their family", () => {
  assert.deepEqual(found(config("localhost"), WEB, SLICE), [BOTH]);
  assert.deepEqual(found(config("all", "127.0.0.1/32"), WEB, SLICE), [BOTH]);
  for (const addresses of [["all"], ["primary"], [], ["::1/128"], ["127.0.0.2/32"], ["0.0.0.0/0"]]) {
    assert.deepEqual(found(config(...addresses), WEB, SLICE), [], addresses.join());
  }
  assert.deepEqual(found(config("localhost"), WEB), [], "no endpoints");
});

Deno.test("external policy Local leaves the endpoints of the node, and affinity has its seconds", () => {
  const local = nodePorts("shop/web", "2026-01-01T00:00:00Z", {
    externalTrafficPolicy: "Local",
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
  });
  assert.deepEqual(found(config("localhost"), appears(local), SLICE), [
    "shop/web:http 30080 60 10.244.0.1:8080",
  ]);
});

Deno.test("a Service that chooses by client has one endpoint on loopback, where all clients have one address", () => {
  const web = nodePorts("shop/web", "2026-01-01T00:00:00Z");
  const metadata = { ...web.metadata, annotations: { "ledgerproxy.io/choice": "client" } };
  const [one = "", ...others] = found(config("localhost"), appears({ ...web, metadata }), SLICE);
  assert.deepEqual(others, []);
  assert.ok(
    ["10.244.0.1:8080", "10.244.1.2:8080"].map((endpoint) => `shop/web:http 30080 0 ${endpoint}`).includes(
      one,
    ),
    one,
  );
});

Deno.test("of two Services with one NodePort the holder serves it", () => {
  const young = nodePorts("shop/young", "2026-02-01T00:00:00Z", {
    clusterIP: "10.96.0.2",
    clusterIPs: ["10.96.0.2"],
  });
  const slices = [SLICE, appears(slice("shop/young-a http:8080/tcp 10.244.0.9"))];
  assert.deepEqual(found(config("localhost"), appears(young), WEB, ...slices), [BOTH]);
});

Deno.test("a program that stays is found again, and a changed one anew", () => {
  const nodePorts = new LocalhostNodePorts();
  const ports = (...records: Parameters<typeof folded>) =>
    nodePorts.of(folded(config("localhost"), WEB, ...records)).map(({ endpoints }) => endpoints.length);
  assert.deepEqual(ports(SLICE), [2]);
  assert.deepEqual(ports(SLICE, appears(slice("shop/web-a http:8080/tcp 10.244.0.1"))), [1]);
});
