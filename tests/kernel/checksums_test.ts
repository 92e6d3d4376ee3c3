// The rules write into packets before they are translated. With senders that compute whole checksums, as network cards see
// them, packets still arrive: over every kind of frontend, both families, TCP and UDP.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { computeChecksums } from "../support/lab/checksums.ts";
import { type HostName, Lab } from "../support/lab/lab.ts";
import { LOST, type Probe, send } from "../support/lab/probe.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";

requirePrivateNamespace();

const PATIENCE_MILLISECONDS = 1500;
const PORTS = "ports=http:80/tcp:30080,dns:53/udp:30053";
const CLUSTER = decodeAll([
  nodeManifest(),
  ...parseScenario(`
service shop/web type=NodePort ips=10.96.0.10,fd00:96::10 ${PORTS} external-ips=198.51.100.10,fd00:198::10
slice shop/web-a ports=http:8080/tcp,dns:5353/udp 10.244.1.6@node-a 10.244.2.5@node-b 10.244.2.6@node-b
slice shop/web-b ports=http:8080/tcp,dns:5353/udp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b fd00:10:244:2::6@node-b
service shop/own type=LoadBalancer ips=10.96.0.11,fd00:96::11 ports=http:80/tcp,dns:53/udp external=Local balancer=198.51.100.11,fd00:198::11
slice shop/own-a ports=http:8080/tcp,dns:5353/udp 10.244.1.6@node-a 10.244.2.5@node-b
slice shop/own-b ports=http:8080/tcp,dns:5353/udp fd00:10:244:1::6@node-a fd00:10:244:2::5@node-b
service shop/pinned ips=10.96.0.12,fd00:96::12 ports=http:80/tcp,dns:53/udp affinity=60
slice shop/pinned-a ports=http:8080/tcp,dns:5353/udp 10.244.2.5@node-b 10.244.2.6@node-b
slice shop/pinned-b ports=http:8080/tcp,dns:5353/udp fd00:10:244:2::5@node-b fd00:10:244:2::6@node-b`).objects
    .map(manifestOf),
]);

/** Probes of every frontend from a pod and from outside, over TCP and UDP. */
function probes(): Probe[] {
  const senders: [HostName, string, string][] = [
    ["pod-1", "10.244.1.5", "fd00:10:244:1::5"],
    ["outside", "203.0.113.2", "fd00:203::2"],
  ];
  const addresses = [
    ...["10.96.0.10", "10.96.0.11", "10.96.0.12", "198.51.100.10", "198.51.100.11", "192.168.0.2"],
    ...["fd00:96::10", "fd00:96::11", "fd00:96::12", "fd00:198::10", "fd00:198::11", "fd00:192::2"],
  ];
  return senders.flatMap(([host, ip, ip6]) =>
    addresses.flatMap((destination) => {
      const nodePort = destination === "192.168.0.2" || destination === "fd00:192::2";
      const source = destination.includes(":") ? ip6 : ip;
      return [
        { host, source, destination, protocol: "tcp", port: nodePort ? 30080 : 80 } as const,
        { host, source, destination, protocol: "udp", port: nodePort ? 30053 : 53 } as const,
      ];
    })
  );
}

Deno.test("packets with whole checksums arrive over every kind of frontend; with a wrong one none does", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  proxy.configure({
    ...DEFAULT_PROXY_CONFIG,
    detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/48"] },
  });
  proxy.apply(CLUSTER);
  for (const host of ["pod-1", "outside"] as const) lab.inside(host, () => computeChecksums("eth0"));
  for (const probe of probes()) {
    const seen = send(lab, probe, PATIENCE_MILLISECONDS);
    assert.match(seen, / from /, `${probe.source} to ${probe.destination}:${probe.port}/${probe.protocol}`);
  }
  lab.run(
    "node",
    "nft 'add table ip wrong; add chain ip wrong break { type filter hook forward priority 0; }; " +
      "add rule ip wrong break meta l4proto udp @th,48,16 set 0x1234'",
  );
  const broken = probes().find(({ destination, protocol }) =>
    destination === "10.96.0.10" && protocol === "udp"
  )!;
  assert.equal(send(lab, broken, PATIENCE_MILLISECONDS), LOST, "the receiver compares checksums");
});
