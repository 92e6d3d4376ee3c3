// What changes on the node, or about it, is in force at once: its addresses, its pod CIDRs, the cluster's service
// CIDRs.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import { FIRST_ATTEMPT_MILLISECONDS, send } from "../support/lab/probe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { normalised } from "../support/scenario/expectation.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

const SERVICES = parseScenario(`
service shop/web type=NodePort ips=10.96.0.10 ports=:80/tcp:30080
slice shop/web-a ports=:8080/tcp 10.244.2.5@node-b`).objects.map(manifestOf);
const PATIENCE = { lost: 30, answered: FIRST_ATTEMPT_MILLISECONDS };

function ask(
  lab: Lab,
  host: HostName,
  source: string,
  destination: string,
  port: number,
  lost = false,
): string {
  const probe = { host, source, destination, port, protocol: "tcp" } as const;
  return normalised(send(lab, probe, lost ? PATIENCE.lost : PATIENCE.answered), probe);
}

Deno.test("an address that the node gets later serves NodePorts at once, where a CIDR covers it", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.configure({ ...DEFAULT_PROXY_CONFIG, nodePortAddresses: ["203.0.113.0/24"] });
  proxy.apply(decodeAll([nodeManifest(), ...SERVICES]));
  const answer = () => ask(lab, "outside", "203.0.113.2", "203.0.113.9", 30080);
  lab.run("node", "ip address add 203.0.113.9/24 dev veth-outside");
  assert.equal(answer(), "10.244.2.5:8080 masqueraded");
  lab.run(
    "node",
    "ip address delete 203.0.113.9/24 dev veth-outside",
    "ip address add 203.0.113.8/24 dev veth-outside",
  );
  assert.equal(ask(lab, "outside", "203.0.113.2", "203.0.113.8", 30080), "10.244.2.5:8080 masqueraded");
});

Deno.test("NodePorts follow the address of the Node object", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const apply = (address: string) => proxy.apply(decodeAll([nodeManifest("zone-1", [address]), ...SERVICES]));
  const answers = () =>
    ["192.168.0.2", "203.0.113.1"].map((address) => ask(lab, "outside", "203.0.113.2", address, 30080));
  apply("192.168.0.2");
  assert.deepEqual(answers(), ["10.244.2.5:8080 masqueraded", "refused"]);
  apply("203.0.113.1");
  assert.deepEqual(answers(), ["refused", "10.244.2.5:8080 masqueraded"]);
});

Deno.test("NodeCIDR follows the pod CIDRs of the Node object", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.configure({ ...DEFAULT_PROXY_CONFIG, detectLocal: { mode: "NodeCIDR" } });
  const apply = (...podCIDRs: string[]) =>
    proxy.apply(decodeAll([{ ...nodeManifest(), spec: { podCIDRs } }, ...SERVICES]));
  const answer = () => ask(lab, "pod-1", "10.244.1.5", "10.96.0.10", 80);
  apply("10.244.1.0/24");
  assert.equal(answer(), "10.244.2.5:8080");
  apply("10.99.0.0/24");
  assert.equal(answer(), "10.244.2.5:8080 masqueraded");
  apply();
  assert.equal(answer(), "10.244.2.5:8080");
});

Deno.test("an unallocated cluster IP is dropped as soon as a ServiceCIDR covers it, not rejected by what is behind the node", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const cidr = (...cidrs: string[]) => ({
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs },
  });
  const apply = (...cidrs: string[]) => proxy.apply(decodeAll([nodeManifest(), cidr(...cidrs), ...SERVICES]));
  // Without the drop the node sends it on; the other node says that it has no such address.
  lab.run("remote", "ip address add 10.96.0.99/32 dev lo");
  const answer = (lost = false) => ask(lab, "pod-1", "10.244.1.5", "10.96.0.99", 80, lost);
  apply("10.100.0.0/16");
  assert.equal(answer(), "refused");
  apply("10.100.0.0/16", "10.96.0.0/16");
  assert.equal(answer(true), "lost");
  apply();
  assert.equal(answer(), "refused");
});
