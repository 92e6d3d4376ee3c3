// ServicePorts: one for each port of a Service in each family, and what of a Service is left out.

import assert from "node:assert/strict";
import type { Service } from "../../src/kube/objects.ts";
import { clusterAddresses, isProxied, leftOutOf, servicePorts } from "../../src/kube/service_port.ts";
import { canonicalAddress } from "../../src/nft/data_type.ts";
import { service } from "../support/cluster_notation.ts";

const web = (spec: Partial<Service["spec"]> = {}, ips = "10.96.0.1") =>
  service(`shop/web ${ips} http:80/tcp`, "2026-01-01T00:00:00Z", spec);
const balanced = (
  spec: Partial<Service["spec"]>,
  ...ingress: readonly { ip: string; ipMode?: string }[]
) => ({
  ...web({ type: "LoadBalancer", ...spec }),
  status: { loadBalancer: { ingress } },
});

Deno.test("headless Services and ExternalNames are not served", () => {
  assert.ok(isProxied(web()));
  for (const clusterIP of ["None", ""]) assert.ok(!isProxied(web({ clusterIP })), clusterIP);
  assert.ok(!isProxied(web({ type: "ExternalName" })));
  assert.deepEqual(servicePorts(web({ type: "ExternalName" })), []);
});

Deno.test("a dual-stack Service has a ServicePort in each family, in the order of its addresses", () => {
  const ports = servicePorts(web({}, "fd00:96::1,10.96.0.1"));
  assert.deepEqual(ports.map(({ name, family, clusterIP }) => [name, family, clusterIP]), [
    ["shop/web:http", "ip6", "fd00:96::1"],
    ["shop/web:http", "ip", "10.96.0.1"],
  ]);
  assert.deepEqual(clusterAddresses(web({ clusterIPs: [], clusterIP: "010.96.0.1" })), ["10.96.0.1"]);
  assert.deepEqual(clusterAddresses(web({ clusterIPs: ["10.96.0.1", "10.96.0.2"] })), ["10.96.0.1"]);
});

Deno.test("a Service without a protocol, a name or a timeout has the API server's defaults", () => {
  const [port] = servicePorts(web({ sessionAffinity: "ClientIP", ports: [{ port: 53 }] }));
  assert.deepEqual([port?.protocol, port?.name, port?.nodePort], ["tcp", "shop/web", 0]);
  assert.equal(port?.affinitySeconds, 10_800);
});

Deno.test("addresses of a balancer that delivers to the node itself need no rule", () => {
  const [port] = servicePorts(
    balanced({}, { ip: "198.51.100.1", ipMode: "Proxy" }, { ip: "198.51.100.2", ipMode: "VIP" }),
  );
  assert.deepEqual([port?.balancerIPs, port?.externalIPs], [["198.51.100.2"], ["198.51.100.2"]]);
});

Deno.test("special and link-local addresses are left out and named; of a balancer the node's own link-local one is", () => {
  const own = [canonicalAddress("169.254.1.1")];
  const one = balanced(
    { externalIPs: ["127.0.0.1", "169.254.9.9", "198.51.100.7"] },
    { ip: "169.254.1.1" },
    { ip: "224.0.0.1" },
  );
  assert.deepEqual(servicePorts(one, own)[0]?.externalIPs, ["198.51.100.7"]);
  assert.deepEqual(leftOutOf(one, own), [
    "external IP 127.0.0.1 is a loopback, unspecified, multicast or broadcast address: left out",
    "external IP 169.254.9.9 is a link-local address: left out",
    "load balancer address 169.254.1.1 is the node's own link-local address: left out",
    "load balancer address 224.0.0.1 is a loopback, unspecified, multicast or broadcast address: left out",
  ]);
});

Deno.test("source ranges of which none can be read restrict nothing, and that is said", () => {
  const open = balanced({ loadBalancerSourceRanges: ["10.0.0.0/33", "fd00::/8"] }, { ip: "198.51.100.1" });
  assert.deepEqual(servicePorts(open)[0]?.sourceRanges, []);
  assert.match(leftOutOf(open, []).join(), /none of its 2 .* IPv4: 198\.51\.100\.1 is open to all sources/);
  const [port] = servicePorts(
    balanced({ loadBalancerSourceRanges: ["10.0.0.0/8", "10.1.0.0/16"] }, { ip: "198.51.100.1" }),
  );
  assert.deepEqual(port?.sourceRanges.map(({ address }) => address), ["10.0.0.0"], "ranges do not overlap");
});

Deno.test("externalTrafficPolicy counts where traffic from outside can arrive", () => {
  const isLocal = (spec: Partial<Service["spec"]>) =>
    servicePorts(web({ externalTrafficPolicy: "Local", ...spec }))[0]?.externalLocal;
  assert.equal(isLocal({ type: "NodePort" }), true);
  assert.equal(isLocal({ externalIPs: ["198.51.100.1"] }), true);
  assert.equal(isLocal({ type: "ClusterIP" }), false);
});
