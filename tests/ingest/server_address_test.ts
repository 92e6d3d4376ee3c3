// Addresses of API servers that a node without rules cannot reach.

import assert from "node:assert/strict";
import { behindServiceRules } from "../../src/ingest/server_address.ts";
import type { KubeObject } from "../../src/kube/objects.ts";
import { service } from "../support/cluster_notation.ts";

const CIDR: KubeObject = {
  kind: "ServiceCIDR",
  metadata: { name: "kubernetes" },
  spec: { cidrs: ["10.96.0.0/16", "fd00:96::/112", "no cidr"] },
};
const KNOWN = [CIDR, service("default/kubernetes 172.20.0.1 https:443/tcp")];

Deno.test("an address of the service CIDR, a cluster IP and the name of a Service are recognised", () => {
  const about = (server: string, inPod = false) => behindServiceRules(server, KNOWN, inPod);
  assert.equal(about("https://10.96.0.1:443"), "10.96.0.1 is in 10.96.0.0/16, the addresses of Services");
  assert.equal(
    about("https://[fd00:96::1]:443"),
    "fd00:96::1 is in fd00:96::/112, the addresses of Services",
  );
  assert.equal(about("https://172.20.0.1"), "172.20.0.1 is the cluster IP of default/kubernetes");
  assert.match(about("https://kubernetes.default.svc")!, /is the name of a Service$/);
  assert.match(about("https://kubernetes.default.svc.cluster.local:443")!, /is the name of a Service$/);
  assert.match(about("https://172.30.0.1", true)!, /is the cluster IP that pods are given$/);
  for (const server of ["https://10.97.0.1:6443", "https://api.example.org", "https://svc.example.org"]) {
    assert.equal(about(server), undefined, server);
  }
});
