// Every change of one feature in the real kernel, one after the other on one node: the rules are those of a fresh
// start, and connections established at the beginning survive all changes.

import assert from "node:assert/strict";
import { DEFAULT_PROXY_CONFIG } from "../../src/kube/proxy_config.ts";
import { separated } from "../../src/nft/objects.ts";
import { Connection } from "../support/lab/connection.ts";
import { Lab } from "../support/lab/lab.ts";
import { LabProxy } from "../support/lab/proxy.ts";
import { meaning } from "../support/meaning.ts";
import { requirePrivateNamespace } from "../support/private_namespace.ts";
import { decodeAll, manifestOf, nodeManifest, parseScenario } from "../support/scenario/scenario.ts";
import { stateOf } from "../support/scenario/expectation.ts";
import { transitions } from "../support/scenario/settings.ts";

requirePrivateNamespace();

/** Services that hold the same endpoints throughout, beside the one that changes. */
const STEADY = decodeAll(
  parseScenario(`
service shop/steady type=NodePort ips=10.96.0.20 ports=:80/tcp:30020
slice shop/steady-a ports=:8080/tcp 10.244.1.6@node-a
service shop/pinned type=NodePort ips=10.96.0.21 ports=:80/tcp:30021 affinity=60
slice shop/pinned-a ports=:8443/tcp 10.244.2.5@node-b`).objects.map(manifestOf),
);
const CONFIG = {
  ...DEFAULT_PROXY_CONFIG,
  detectLocal: { mode: "ClusterCIDR", cidrs: ["10.244.0.0/16", "fd00:10:244::/48"] },
} as const;

Deno.test("after every transition the rules are those of a fresh start, and established connections work", () => {
  using lab = new Lab();
  using proxy = new LabProxy(lab);
  const settle = (objects: typeof STEADY) => {
    proxy.apply([...objects, ...STEADY]);
    return meaning(separated(proxy.listed()).elements);
  };
  proxy.configure(CONFIG);
  settle(decodeAll([nodeManifest()]));
  const to = (host: "pod-1" | "outside", source: string, destination: string, port: number) =>
    new Connection(lab, { host, source, destination, port, protocol: "tcp" });
  using fromPod = to("pod-1", "10.244.1.5", "10.96.0.20", 80);
  using fromOutside = to("outside", "203.0.113.2", "192.168.0.2", 30020);
  using pinned = to("pod-1", "10.244.1.5", "10.96.0.21", 80);
  assert.deepEqual([fromPod.server, fromOutside.server, pinned.server], [
    "10.244.1.6:8080",
    "10.244.1.6:8080",
    "10.244.2.5:8443",
  ]);
  for (const { name, before, after } of transitions()) {
    settle([...before]);
    const fresh = meaning(stateOf(CONFIG, [...after, ...STEADY]).desired);
    assert.deepEqual(settle([...after]), fresh, name);
    for (const connection of [fromPod, fromOutside, pinned]) assert.ok(connection.works(), name);
  }
});
